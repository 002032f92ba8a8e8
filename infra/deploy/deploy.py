"""Deploying a stage with Chalice: tables, policy, `chalice deploy`, one request.

A stage that is deployed like this has Chalice's settings, and those of its tables. Everything else
is part of the stack (stack.py).
"""

import json

import boto3

from infra.data import tables
from infra.deploy import chalice_cli, smoke
from infra.docs import openapi
from infra.errors import CommandError
from infra.settings import StageSettings
from infra.stages import PROJECT, Stage
from infra.template import policy

TABLE_SETTINGS = ("deletion_protection", "encryption", "point_in_time_recovery")


def deploy(stage: Stage) -> None:
    """Deploy a stage. Raises CommandError."""
    settings = stage.settings
    # Without them the API would be open to all clients, or its tables would be throttled.
    if settings.usage_plan or settings.capacity or settings.encryption == "CUSTOMER_MANAGED":
        raise CommandError(
            f"The stage {stage.name!r} in .chalice/config.json has a usage_plan, a capacity or an "
            "encryption CUSTOMER_MANAGED, which only its stack has: "
            f"make package stack STAGE={stage.name} BUCKET=..."
        )
    identity = boto3.client("sts").get_caller_identity()
    region = boto3.session.Session().region_name
    print(f"Deploying {stage.name} to account {identity['Account']}, region {region}.")
    default = StageSettings()
    others = [
        name
        for name in StageSettings.__struct_fields__
        if name not in TABLE_SETTINGS and getattr(settings, name) != getattr(default, name)
    ]
    if others:
        print(f"Only the stack has these settings: {', '.join(others)}.")
    tables.create(stage)
    policy.write(stage)
    openapi.write()
    chalice_cli.run(stage, "deploy")
    smoke.check(stage, _url(stage))


def _url(stage: Stage) -> str:
    """The URL of the API in the file in which Chalice keeps what it has deployed."""
    file = PROJECT / ".chalice" / "deployed" / f"{stage.name}.json"
    for resource in json.loads(file.read_text())["resources"]:
        if resource["resource_type"] == "rest_api":
            url: str = resource["rest_api_url"]
            return url
    raise CommandError(f"{file.relative_to(PROJECT)} has no API.")
