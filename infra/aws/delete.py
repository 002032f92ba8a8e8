"""Deleting a stage that `make deploy` made: everything except logs and, by default, tables."""

from contextlib import suppress
from typing import Any

import boto3

from infra.aws import chalice_cli, state, tables
from infra.errors import CommandError
from infra.stages import Stage


def delete(stage: Stage, *, with_tables: bool) -> None:
    """Delete a stage. Raises CommandError."""
    identity = boto3.client("sts").get_caller_identity()
    region = boto3.session.Session().region_name
    print(f"Deleting {stage.name} from account {identity['Account']}, region {region}.")
    state.find(stage)
    # Before anything is deleted, because it may be refused.
    names = confirm(stage) if with_tables else []
    chalice_cli.run(stage, "delete")
    for name in names:
        print(f"delete table {name} ...", flush=True)
        _delete_table(stage, name)
    kept = "" if with_tables else f"the tables {stage.table_prefix}* and "
    print(f"Kept: {kept}the logs {stage.log_group} and {stage.access_log_group}.")


def confirm(stage: Stage) -> list[str]:
    """The names of the existing tables, once the user has confirmed. Raises CommandError."""
    client = boto3.client("dynamodb")
    names = []
    for definition in tables.definitions(stage):
        name = definition["TableName"]
        with suppress(client.exceptions.ResourceNotFoundException):
            if client.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
                raise CommandError(
                    f"Nothing was deleted: {name} has deletion protection. To remove it: aws "
                    f"dynamodb update-table --table-name {name} --no-deletion-protection-enabled."
                )
            names.append(name)
    print(f"{', '.join(names) or 'No table'} and all their items will be deleted.")
    try:
        typed = input(f"Type the name of the stage, {stage.name}, to confirm: ")
    except EOFError:
        typed = ""
    if typed.strip() != stage.name:
        raise CommandError("Nothing was deleted.")
    return names


def _delete_table(stage: Stage, name: str) -> None:
    client = boto3.client("dynamodb")
    if stage.infra.capacity:
        table = client.describe_table(TableName=name)["Table"]
        scaling = boto3.client("application-autoscaling")
        for resource_id, dimension in tables.dimensions(dict(table)):
            target: Any = {"ResourceId": resource_id, "ScalableDimension": dimension}
            with suppress(scaling.exceptions.ObjectNotFoundException):
                scaling.deregister_scalable_target(ServiceNamespace="dynamodb", **target)
    client.delete_table(TableName=name)
    client.get_waiter("table_not_exists").wait(TableName=name)
