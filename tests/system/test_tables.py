"""`make tables`: what it makes of what is there, however often it is stopped."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.models import RESOURCES
from infra import stages
from infra.data import tables
from infra.errors import CommandError
from infra.local import database, run
from infra.stages import Stage
from tests.conftest import client_of
from tests.samples import unique

# Each table, that of the claims too, is made, waited for and given recovery; one has an expiry.
STEPS = 3 * (len(RESOURCES) + 1) + 1


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """A client of an empty ministack."""
    data = database.start(None)
    try:
        yield client_of(data.url)
    finally:
        run.stop(data.process)


@pytest.fixture
def stage() -> Stage:
    """The stage dev, with another table prefix."""
    return named(unique())


def named(prefix: str) -> Stage:
    """The stage dev, whose tables have another prefix."""
    dev = stages.load("dev")
    declared: Any = dev.config.config_from_disk
    declared["stages"]["dev"]["environment_variables"]["TABLE_PREFIX"] = f"{prefix}-"
    return Stage("dev", dev.config, dev.settings)


def state(client: Any, stage: Stage) -> dict[str, Any]:
    """The description of a stage's tables, without the times of their creation."""
    output = {}
    for definition in tables.definitions(stage):
        name = definition["TableName"]
        table = client.describe_table(TableName=name)["Table"]
        indexes = table.get("GlobalSecondaryIndexes", [])
        output[name.removeprefix(stage.table_prefix)] = {
            "status": table["TableStatus"],
            "keys": table["KeySchema"],
            "types": sorted(table["AttributeDefinitions"], key=str),
            "billing": table["BillingModeSummary"]["BillingMode"],
            "protected": table["DeletionProtectionEnabled"],
            "indexes": sorted(
                (index["IndexName"], index["IndexStatus"], str(index["KeySchema"]))
                for index in indexes
            ),
            "tags": sorted(
                client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"], key=str
            ),
            "expiry": client.describe_time_to_live(TableName=name)["TimeToLiveDescription"],
            "recovery": client.describe_continuous_backups(TableName=name)[
                "ContinuousBackupsDescription"
            ]["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        }
    return output


def take_steps(client: Any, stage: Stage) -> list[str]:
    """Take all steps. Returns their descriptions."""
    steps = tables.plan(stage, client)
    for step in steps:
        step.act()
    return [step.words for step in steps]


def test_tables_are_created_once(client: Any, stage: Stage) -> None:
    """All tables with their indexes, tags, time to live and recovery; a second run has no step."""
    output = take_steps(client, stage)
    made = state(client, stage)

    assert [*made] == [*(resource.name for resource in RESOURCES), "claims"]
    assert {table["status"] for table in made.values()} == {"ACTIVE"}
    assert {table["recovery"] for table in made.values()} == {"ENABLED"}
    assert {table["billing"] for table in made.values()} == {"PAY_PER_REQUEST"}
    assert made["claims"]["expiry"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expiresAt",
    }
    assert made["users"]["expiry"]["TimeToLiveStatus"] == "DISABLED"
    assert made["todos"]["tags"] == [
        {"Key": "application", "Value": "storefront"},
        {"Key": "stage", "Value": "dev"},
    ]
    assert [index[0] for index in made["todos"]["indexes"]] == [
        "collection-createdAt",
        "statusOfOwner-createdAt",
    ]
    assert len(output) == STEPS
    assert take_steps(client, stage) == []
    assert state(client, stage) == made


def test_missing_index_is_added(client: Any, stage: Stage) -> None:
    """A table from before an index was declared; its items and tags stay."""
    todos = next(each for each in tables.definitions(stage) if each["TableName"].endswith("todos"))
    index = todos["GlobalSecondaryIndexes"].pop()
    wanted = [key["AttributeName"] for key in index["KeySchema"] if key["KeyType"] == "HASH"]
    todos["AttributeDefinitions"] = [
        each for each in todos["AttributeDefinitions"] if each["AttributeName"] not in wanted
    ]
    todos["Tags"] = [{"Key": "owner", "Value": "somebody"}]
    client.create_table(**todos)
    done = {"S": "ada#done"}
    item = {"id": {"S": "ada#a"}, "statusOfOwner": done, "createdAt": {"S": "2026"}}
    client.put_item(TableName=todos["TableName"], Item=item)

    output = take_steps(client, stage)

    assert f"create index {index['IndexName']} of {todos['TableName']}" in output
    assert f"create table {todos['TableName']}" not in " ".join(output)
    assert take_steps(client, stage) == []
    made = state(client, stage)["todos"]
    assert made["tags"] == [{"Key": "owner", "Value": "somebody"}]
    listed = client.query(
        TableName=todos["TableName"],
        IndexName=index["IndexName"],
        KeyConditionExpression="#s = :done",
        ExpressionAttributeNames={"#s": "statusOfOwner"},
        ExpressionAttributeValues={":done": done},
    )
    assert listed["Items"] == [item]


def test_key_of_another_type_is_rejected(client: Any, stage: Stage) -> None:
    """DynamoDB cannot change the type of a key: the message names the field and the ways out."""
    products = next(
        each for each in tables.definitions(stage) if each["TableName"].endswith("products")
    )
    for each in products["AttributeDefinitions"]:
        if each["AttributeName"] == "price":
            each["AttributeType"] = "S"
    client.create_table(**products)

    with pytest.raises(CommandError) as refused:
        tables.plan(stage, client)

    assert str(refused.value).startswith(
        f"The table {products['TableName']} has an index on price as type S, and models.py "
        "declares type N, which DynamoDB cannot change: give the field another name, "
    )


def test_other_resources_are_left_unchanged(client: Any, stage: Stage) -> None:
    """An index, a tag and a table that are not declared, and a protection that was turned on."""
    take_steps(client, stage)
    table = f"{stage.table_prefix}products"
    client.update_table(TableName=table, DeletionProtectionEnabled=True)
    client.update_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "colour", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "colour",
                    "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            }
        ],
    )
    before = state(client, stage)

    assert take_steps(client, stage) == []
    assert state(client, stage) == before


def test_interrupted_run_is_completed_by_the_next(client: Any) -> None:
    """Before each call to AWS in turn it dies; the next run finishes the work."""
    whole = named(unique())
    take_steps(client, whole)
    wanted = state(client, whole)
    deaths = 0
    for number in count(1):
        stage = named(unique())
        if not died(client, stage, at_call=number):
            break
        deaths += 1
        take_steps(client, stage)
        assert state(client, stage) == wanted, f"after death before call {number}"
        assert take_steps(client, stage) == []

    # A call at least for each step, and one to look for each table.
    assert deaths >= STEPS + len(RESOURCES) + 1


def died(client: Any, stage: Stage, at_call: int) -> bool:
    """Run until the given call to AWS, and die there. Returns whether there were so many."""
    calls = count(1)

    def die(**_: Any) -> None:
        if next(calls) == at_call:
            raise KeyboardInterrupt

    client.meta.events.register("before-call", die, unique_id="death")
    try:
        take_steps(client, stage)
    except KeyboardInterrupt:
        return True
    finally:
        client.meta.events.unregister("before-call", unique_id="death")
    return False


def test_plan_is_printed_before_the_steps(
    client: Any, stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """First all steps, then each with its number while it is taken."""
    monkeypatch.setattr(boto3, "client", lambda _: client)

    tables.create(stage)
    first = capsys.readouterr().out.splitlines()
    tables.create(stage)

    assert first[0] == f"Tables of dev: {STEPS} steps to take"
    assert [line.split(" ", 1)[0] for line in first[STEPS + 1 : -1]] == [
        f"{n}/{STEPS}" for n in range(1, STEPS + 1)
    ]
    planned = [line.strip() for line in first[1 : STEPS + 1]]
    assert [line.split(" ", 1)[1] for line in first[STEPS + 1 : -1]] == [
        f"{line} ..." for line in planned
    ]
    assert capsys.readouterr().out == "Tables of dev: no step to take\n"


def test_template_of_every_stage() -> None:
    """A regional endpoint, an answer in time, its own prefix and tags."""
    assert stages.cloud_stages() == ["dev", "test", "prod"]
    for name in ("local", *stages.cloud_stages()):
        stage = stages.load(name)
        assert stage.config.api_gateway_endpoint_type == "REGIONAL"
        assert stage.config.lambda_timeout < 29
        assert stage.config.xray_enabled
        assert stage.config.minimum_compression_size == 1024
        assert not stage.config.autogen_policy
        assert stage.config.environment_variables["STAGE"] == name
        assert stage.table_prefix == f"storefront-{name}-"
        assert stage.tags["application"] == "storefront"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", ".chalice/config.json is not JSON: "),
        (
            '{"stages": {"dev": {"infra": {"throttle": {"rate": 0}}}}}',
            (
                "The stage 'dev' in .chalice/config.json is wrong: "
                "Expected `float` > 0.0 - at `$.throttle.rate`."
            ),
        ),
        (
            '{"stages": {"dev": {"infra": {"throtle": {}}}}}',
            (
                "The stage 'dev' in .chalice/config.json is wrong: "
                "Object contains unknown field `throtle`."
            ),
        ),
        (
            '{"stages": {"dev": {"environment_variables": {"STAGE": "dev"}}}}',
            (
                "The stage 'dev' in .chalice/config.json is wrong: its environment_variables "
                "do not set TABLE_PREFIX."
            ),
        ),
        ('{"stages": {"live": {}}}', "There is no stage 'dev': .chalice/config.json has live."),
    ],
)
def test_invalid_configuration_is_rejected(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence that names the setting."""
    file = tmp_path / "config.json"
    file.write_text(text)
    monkeypatch.setattr(stages, "FILE", file)

    with pytest.raises(CommandError) as refused:
        stages.load("dev")

    assert str(refused.value).startswith(said)
