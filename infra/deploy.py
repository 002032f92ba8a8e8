"""`make deploy STAGE=...`: tables, policy, `chalice deploy`, what that leaves out, and a look.

What Chalice leaves out is the throttle, access log and metrics of the API's stage, the API's tags,
and for how long logs are kept.
"""

import sys
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

import boto3
from botocore.exceptions import WaiterError
from botocore.waiter import SingleWaiterConfig, Waiter

from infra import cloud, command, policy, stages, state, tables
from infra.command import Refused
from infra.stages import Stage

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient

# What the template of `make package` alone can make.
TEMPLATE_ONLY = ("cache", "provisioned_concurrency", "snap_start", "alarms", "dashboard")

ANSWER_SECONDS = 30
# A new role is known everywhere, and a new API's name resolved, within a minute.
PATIENCE: Any = SingleWaiterConfig(
    {
        "operation": "GET",
        "delay": 5,
        "maxAttempts": 24,
        "acceptors": [
            {"state": "success", "matcher": "path", "argument": "status", "expected": 200}
        ],
    }
)


def main() -> None:
    """Deploy the stage in STAGE."""
    stage = stages.asked()
    check(stage)
    state.find(stage)
    tables.make(stage)
    policy.write(stage)
    keep_logs(stage)
    cloud.run(stage, "deploy")
    api_id, url = state.api(stage)
    complete(stage, api_id)
    look(url)


def check(stage: Stage) -> None:
    """Find out, before anything is changed, what would stop it half-way. Raises Refused."""
    if stage.infra.usage_plan:
        raise Refused(
            f"The stage {stage.name!r} in .chalice/config.json has a usage_plan, which only its "
            f"template can make: make package STAGE={stage.name}."
        )
    identity = boto3.client("sts").get_caller_identity()
    region = boto3.session.Session().region_name
    print(f"Deploying {stage.name} to account {identity['Account']}, region {region}.")
    check_logs(stage)
    left_out = [name for name in TEMPLATE_ONLY if getattr(stage.infra, name)]
    if left_out:
        print(
            f"Not part of it: {', '.join(left_out)}. Those are in the template of "
            f"make package STAGE={stage.name}."
        )


def check_logs(stage: Stage) -> None:
    """Find out whether API Gateway may write the access log. Raises Refused."""
    if not stage.infra.access_logs:
        return
    if not boto3.client("apigateway").get_account().get("cloudwatchRoleArn"):
        raise Refused(
            "API Gateway may not write logs in this account and region yet: make account lets it, "
            f'once for all. Or say "access_logs": false for {stage.name!r} in .chalice/config.json.'
        )


def keep_logs(stage: Stage) -> None:
    """Make the log groups, and say for how long logs are kept."""
    logs = boto3.client("logs")
    groups = [stage.log_group]
    if stage.infra.access_logs:
        groups.append(stage.access_log_group)
    for group in groups:
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group, tags=stage.tags)
        logs.put_retention_policy(
            logGroupName=group, retentionInDays=stage.infra.log_retention_in_days
        )


def complete(stage: Stage, api_id: str) -> None:
    """Set what Chalice has no setting for.

    https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateStage-Patch
    """
    client = boto3.client("apigateway")
    client.update_stage(
        restApiId=api_id,
        stageName=stage.config.api_gateway_stage,
        patchOperations=_settings(stage, client),
    )
    client.tag_resource(
        resourceArn=f"arn:{client.meta.partition}:apigateway:{client.meta.region_name}::/restapis/{api_id}",
        tags=stage.tags,
    )
    print(
        f"API Gateway takes {stage.infra.throttle.rate:g} requests a second, "
        f"and {stage.infra.throttle.burst} at once."
    )


def look(url: str) -> None:
    """See whether the API is there, and answers as it should. Raises Refused."""
    waiter = Waiter("ApiAnswers", PATIENCE, lambda: {"status": get(f"{url}health")[0]})
    try:
        waiter.wait()
    except WaiterError as error:
        raise Refused(
            f"{url}health answers {error.last_response.get('status') or 'nothing'}, and not 200: "
            "the function's log says why."
        ) from None
    for path, expected in (
        ("", HTTPStatus.OK),
        ("products?limit=1", HTTPStatus.OK),
        ("nothing/is/here", HTTPStatus.NOT_FOUND),
    ):
        status, content_type = get(f"{url}{path}")
        if status != expected or not content_type.startswith("application/"):
            raise Refused(
                f"{url}{path} answers {status or 'nothing'}, and not {int(expected)}: "
                "the function's log says why."
            )
    print(f"It answers at {url}")


def get(url: str) -> tuple[int, str]:
    """The status and the media type of an answer; status 0 where there is none."""
    try:
        with urlopen(url, timeout=ANSWER_SECONDS) as answer:
            return answer.status, answer.headers.get("Content-Type", "")
    except HTTPError as error:
        with error:
            return error.code, error.headers.get("Content-Type", "")
    except OSError:
        return 0, ""


def _settings(stage: Stage, client: "APIGatewayClient") -> Any:
    # Only now: it reads the environment when it is imported.
    from infra import rest_api

    values = {
        "/*/*/throttling/rateLimit": f"{stage.infra.throttle.rate:g}",
        "/*/*/throttling/burstLimit": str(stage.infra.throttle.burst),
        "/*/*/metrics/enabled": str(stage.infra.detailed_metrics).lower(),
    }
    if stage.infra.access_logs:
        account = boto3.client("sts").get_caller_identity()["Account"]
        place = f"arn:{client.meta.partition}:logs:{client.meta.region_name}:{account}"
        values |= {
            "/accessLogSettings/destinationArn": f"{place}:log-group:{stage.access_log_group}",
            "/accessLogSettings/format": rest_api.ACCESS_LOG,
        }
    operations = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
    if not stage.infra.access_logs:
        operations.append({"op": "remove", "path": "/accessLogSettings"})
    return operations


if __name__ == "__main__":
    sys.exit(command.run(main))
