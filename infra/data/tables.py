"""The DynamoDB tables of a stage, from the declarations in models.py.

Creates what is missing, one step after another: tables, indexes, time to live, point-in-time
recovery, deletion protection. It changes nothing else and deletes nothing. Each run compares the
declarations with what exists, so that the next run completes one that was interrupted.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.waiter import WaiterModel, create_waiter_with_client
from chalice.utils import to_cfn_resource_name
from msgspec import Struct

from chalicelib.models import RESOURCES
from chalicelib.schema import CLAIMS, EXPIRY, Index
from infra import stages
from infra.errors import CommandError
from infra.stages import Stage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# An index of a large table is built for hours.
WAITERS = WaiterModel(
    {
        "version": 2,
        "waiters": {
            "TableReady": {
                "operation": "DescribeTable",
                "delay": 2,
                "maxAttempts": 43_200,
                "acceptors": [
                    {
                        "state": "success",
                        "matcher": "path",
                        "expected": True,
                        "argument": (
                            "Table.TableStatus == 'ACTIVE' && length(not_null("
                            "Table.GlobalSecondaryIndexes, `[]`)[?IndexStatus != 'ACTIVE']) == `0`"
                        ),
                    }
                ],
            },
            # They cannot be turned on in the first moments of a table.
            "BackupsReady": {
                "operation": "DescribeContinuousBackups",
                "delay": 2,
                "maxAttempts": 150,
                "acceptors": [
                    {
                        "state": "success",
                        "matcher": "path",
                        "expected": "ENABLED",
                        "argument": "ContinuousBackupsDescription.ContinuousBackupsStatus",
                    }
                ],
            },
        },
    }
)


class Step(Struct, frozen=True):
    """One step: its description for the console, and the call that takes it."""

    words: str
    act: Callable[[], Any]


def create_local(client: "DynamoDBClient") -> None:
    """Create what is missing in the stage `local`, without output."""
    for step in plan(stages.load("local"), client):
        step.act()


def create(stage: Stage) -> None:
    """Print the missing steps, then take them, with a line for each."""
    steps = plan(stage, boto3.client("dynamodb"))
    print(f"Tables of {stage.name}: {summary(steps)}")
    for step in steps:
        print(f"  {step.words}")
    for number, step in enumerate(steps, 1):
        print(f"{number}/{len(steps)} {step.words} ...", flush=True)
        step.act()
    if steps:
        print("Done.")


def summary(steps: list[Step]) -> str:
    """The number of steps, in words."""
    return f"{len(steps)} steps to take" if len(steps) > 1 else f"{len(steps) or 'no'} step to take"


def plan(stage: Stage, client: "DynamoDBClient") -> list[Step]:
    """The steps that are missing between what exists and what is declared."""
    return [step for table in definitions(stage) for step in _missing(table, stage, client)]


def definitions(stage: Stage) -> Iterator[dict[str, Any]]:
    """The CreateTable request of each table.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
    """
    for resource in RESOURCES:
        keys = [resource.key, *(name for i in resource.indexes for name in (i.partition, i.sort))]
        types = {name: resource.attribute_type(name) for name in keys}
        yield _definition(stage, resource.name, types, resource.key) | {
            "GlobalSecondaryIndexes": [_index(index, stage) for index in resource.indexes]
        }
    yield _definition(stage, CLAIMS, {"id": "S"}, "id")


def logical_id(stage: Stage, definition: dict[str, Any]) -> str:
    """The logical id of a table in the template: that of `users` is UsersTable.

    Under a prefix of one's own, it has the prefix. CloudFormation would replace a table that keeps
    its logical id and gets another name.
    """
    name: str = definition["TableName"]
    if stage.table_prefix == f"{stage.function}-":
        name = name.removeprefix(stage.table_prefix)
    return f"{to_cfn_resource_name(name)}Table"


def expires(definition: dict[str, Any]) -> bool:
    """Whether a table has a time to live: that of the claims, the only one without an index."""
    return "GlobalSecondaryIndexes" not in definition


def throughput(stage: Stage) -> dict[str, Any]:
    """The initial ProvisionedThroughput of a table and of each index; empty for on-demand."""
    capacity = stage.settings.capacity
    if capacity is None:
        return {}
    units = {"ReadCapacityUnits": capacity.minimum, "WriteCapacityUnits": capacity.minimum}
    return {"ProvisionedThroughput": units}


def _definition(stage: Stage, name: str, types: Mapping[str, str], key: str) -> dict[str, Any]:
    return {
        "TableName": f"{stage.table_prefix}{name}",
        "BillingMode": "PROVISIONED" if stage.settings.capacity else "PAY_PER_REQUEST",
        **throughput(stage),
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in types.items()
        ],
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "DeletionProtectionEnabled": stage.settings.deletion_protection,
        # Without it, DynamoDB encrypts with an AWS-owned key.
        **_encryption(stage),
        "Tags": stage.tag_list,
    }


def _encryption(stage: Stage) -> dict[str, Any]:
    match stage.settings.encryption:
        case "AWS_MANAGED":
            return {"SSESpecification": {"Enabled": True, "SSEType": "KMS"}}
        case "CUSTOMER_MANAGED":
            own = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": stage.key_alias}
            return {"SSESpecification": own}
    return {}


def _index(index: Index, stage: Stage) -> dict[str, Any]:
    return {
        "IndexName": index.name,
        "KeySchema": [
            {"AttributeName": index.partition, "KeyType": "HASH"},
            {"AttributeName": index.sort, "KeyType": "RANGE"},
        ],
        # All attributes, so that a page is read from the index alone.
        "Projection": {"ProjectionType": "ALL"},
        **throughput(stage),
    }


def _missing(table: dict[str, Any], stage: Stage, client: "DynamoDBClient") -> Iterator[Step]:
    """The steps of one table, in an order in which each can be taken."""
    name = table["TableName"]
    there = described(client, name)
    if there is None:
        indexes = [index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])]
        of = f" with {', '.join(indexes)}" if indexes else ""
        yield Step(f"create table {name}{of}", partial(client.create_table, **table))
    if there is None or not _is_ready(there):
        yield Step(f"wait until {name} is active", partial(_wait, client, "TableReady", name))
    if there is not None:
        yield from _missing_indexes(table, there, client)
        if table["DeletionProtectionEnabled"] and not there.get("DeletionProtectionEnabled"):
            # A restored table has none.
            turn_on = partial(client.update_table, TableName=name, DeletionProtectionEnabled=True)
            yield Step(f"turn on deletion protection of {name}", turn_on)
    if expires(table) and (there is None or not _expires(client, name)):
        wanted: Any = {"Enabled": True, "AttributeName": EXPIRY}
        yield Step(
            f"turn on time to live of {name}, by {EXPIRY}",
            partial(client.update_time_to_live, TableName=name, TimeToLiveSpecification=wanted),
        )
    if stage.settings.point_in_time_recovery and (there is None or not _recovers(client, name)):
        yield Step(
            f"turn on point-in-time recovery of {name}", partial(_turn_on_recovery, client, name)
        )


def _missing_indexes(table: dict[str, Any], there: Any, client: "DynamoDBClient") -> Iterator[Step]:
    name = table["TableName"]
    _check_key_types(table, there)
    known = {index["IndexName"] for index in there.get("GlobalSecondaryIndexes", [])}
    for index in table.get("GlobalSecondaryIndexes", []):
        if index["IndexName"] in known:
            continue
        keys = {key["AttributeName"] for key in index["KeySchema"]}
        types = [a for a in table["AttributeDefinitions"] if a["AttributeName"] in keys]
        yield Step(
            f"create index {index['IndexName']} of {name}",
            partial(
                client.update_table,
                TableName=name,
                AttributeDefinitions=types,
                GlobalSecondaryIndexUpdates=[{"Create": index}],
            ),
        )
        # DynamoDB creates one index of a table at a time.
        yield Step(
            f"wait until index {index['IndexName']} of {name} is active",
            partial(_wait, client, "TableReady", name),
        )


def _check_key_types(table: dict[str, Any], there: Any) -> None:
    """Raise CommandError if a key has another type than the field that is declared now."""
    types = {each["AttributeName"]: each["AttributeType"] for each in there["AttributeDefinitions"]}
    for wanted in table["AttributeDefinitions"]:
        name = wanted["AttributeName"]
        if types.get(name, wanted["AttributeType"]) != wanted["AttributeType"]:
            raise CommandError(
                f"The table {table['TableName']} has an index on {name} as type {types[name]}, and "
                f"models.py declares type {wanted['AttributeType']}, which DynamoDB cannot change: "
                "give the field another name, or delete the index or the table (for make run, use "
                "another DATA_DIR)."
            )


def described(client: "DynamoDBClient", name: str) -> Any:
    """A table, as DescribeTable returns it, or None."""
    with suppress(client.exceptions.ResourceNotFoundException):
        return client.describe_table(TableName=name)["Table"]
    return None


def _is_ready(there: Any) -> bool:
    indexes = there.get("GlobalSecondaryIndexes", [])
    return all(
        status == "ACTIVE"
        for status in (there["TableStatus"], *(index["IndexStatus"] for index in indexes))
    )


def wait(client: "DynamoDBClient", name: str) -> None:
    """Wait until a table and its indexes are active."""
    _wait(client, "TableReady", name)


def _wait(client: "DynamoDBClient", until: str, name: str) -> None:
    create_waiter_with_client(until, WAITERS, client).wait(TableName=name)


def _expires(client: "DynamoDBClient", name: str) -> bool:
    live: Any = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    return live["TimeToLiveStatus"] in ("ENABLING", "ENABLED")


def _recovers(client: "DynamoDBClient", name: str) -> bool:
    backups: Any = client.describe_continuous_backups(TableName=name)[
        "ContinuousBackupsDescription"
    ]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    return recovery.get("PointInTimeRecoveryStatus") in ("ENABLING", "ENABLED")


def _turn_on_recovery(client: "DynamoDBClient", name: str) -> None:
    _wait(client, "BackupsReady", name)
    client.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
