"""`make delete STAGE=...`: what `make deploy` made, but for tables and logs.

With TABLES=delete the tables go as well, once the stage's name has been typed.
"""

import os
import sys
from contextlib import suppress
from typing import Any

import boto3

from infra import cloud, command, stages, state, tables
from infra.command import Refused
from infra.stages import Stage


def main() -> None:
    """Delete the stage in STAGE."""
    stage = stages.asked()
    wanted = os.environ.get("TABLES", "")
    if wanted not in {"", "delete"}:
        raise Refused(f"TABLES is {wanted!r}; say TABLES=delete, or leave it out to keep them.")
    identity = boto3.client("sts").get_caller_identity()
    region = boto3.session.Session().region_name
    print(f"Deleting {stage.name} from account {identity['Account']}, region {region}.")
    state.find(stage)
    # Before anything goes: it may be refused.
    names = agreed(stage) if wanted else []
    cloud.run(stage, "delete")
    for name in names:
        print(f"delete table {name} ...", flush=True)
        _delete_table(stage, name)
    kept = "" if wanted else f"the tables {stage.table_prefix}* and "
    print(f"Kept: {kept}the logs {stage.log_group} and {stage.access_log_group}.")


def agreed(stage: Stage) -> list[str]:
    """The tables that are there and that somebody wants to delete. Raises Refused."""
    client = boto3.client("dynamodb")
    names = []
    for definition in tables.definitions(stage):
        name = definition["TableName"]
        with suppress(client.exceptions.ResourceNotFoundException):
            if client.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
                raise Refused(
                    f"Nothing was deleted: {name} is protected. If it shall go, say so first: aws "
                    f"dynamodb update-table --table-name {name} --no-deletion-protection-enabled."
                )
            names.append(name)
    print(f"{', '.join(names) or 'No table'} and all that is in there will be deleted.")
    try:
        typed = input(f"Type the name of the stage, {stage.name}, if that is what you want: ")
    except EOFError:
        typed = ""
    if typed.strip() != stage.name:
        raise Refused("Nothing was deleted.")
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


if __name__ == "__main__":
    sys.exit(command.run(main))
