"""Chalice's record of a deployed stage: `.chalice/deployed/STAGE.json`.

Chalice finds the role and the function by their names, but the API only by this file, which it
writes at the end. Without it (on another machine, or after an interruption) Chalice would create a
second API, so the file is written again from what exists (aws/chalice#1340).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.session import get_session
from chalice.awsclient import TypedAWSClient

from infra.errors import CommandError
from infra.stages import PROJECT, STACK_TAG, Stage

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient


def find(stage: Stage) -> None:
    """Write the file if it is missing and the stage exists. Raises CommandError for several."""
    if _file(stage).exists():
        return
    client = boto3.client("apigateway")
    found = dict(_apis(stage, client))
    if len(found) > 1:
        raise CommandError(
            f"There are {len(found)} APIs with a stage {stage.name!r}, {', '.join(found)}, and "
            f"no .chalice/deployed/{stage.name}.json to choose one by: delete the "
            "others with aws apigateway delete-rest-api --rest-api-id ID."
        )
    for api_id, tags in found.items():
        if STACK_TAG in tags:
            raise CommandError(
                f"The stage {stage.name!r} is the stack {tags[STACK_TAG]}: make stack deploys it, "
                "and aws cloudformation delete-stack deletes it."
            )
        _write(stage, api_id, client.meta.region_name)
        print(f"Found what is deployed already: the API {api_id}.")


def api(stage: Stage) -> tuple[str, str]:
    """The id and the URL of the API that Chalice has made of a stage."""
    state = json.loads(_file(stage).read_text())
    (made,) = (each for each in state["resources"] if each["resource_type"] == "rest_api")
    return made["rest_api_id"], made["rest_api_url"]


def _file(stage: Stage) -> Path:
    return PROJECT / ".chalice" / "deployed" / f"{stage.name}.json"


def _apis(stage: Stage, client: "APIGatewayClient") -> Iterator[tuple[str, dict[str, str]]]:
    """The ids of the APIs of this name that have a stage of this name, and the stage's tags."""
    for page in client.get_paginator("get_rest_apis").paginate():
        for each in page["items"]:
            if each["name"] == stage.config.app_name:
                for one in client.get_stages(restApiId=each["id"])["item"]:
                    if one["stageName"] == stage.config.api_gateway_stage:
                        yield each["id"], one.get("tags", {})


def _write(stage: Stage, api_id: str, region: str) -> None:
    suffix = TypedAWSClient(get_session()).endpoint_dns_suffix("apigateway", region)
    url = f"https://{api_id}.execute-api.{region}.{suffix}/{stage.config.api_gateway_stage}/"
    function = boto3.client("lambda").get_function(FunctionName=stage.function)["Configuration"]
    role = function["Role"]
    resources = [
        {
            "name": "api_handler_role",
            "resource_type": "iam_role",
            "role_arn": role,
            "role_name": role.rpartition("/")[2],
        },
        {
            "name": "api_handler",
            "resource_type": "lambda_function",
            "lambda_arn": function["FunctionArn"],
        },
        {
            "name": "rest_api",
            "resource_type": "rest_api",
            "rest_api_id": api_id,
            "rest_api_url": url,
        },
    ]
    state = {"resources": resources, "schema_version": "2.0", "backend": "api"}
    file = _file(stage)
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(state, indent=2))
