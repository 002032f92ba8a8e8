"""Deploying a stage with Chalice: tables, policy, `chalice deploy`, settings, a smoke test.

The settings that Chalice does not have are the throttle, access log and metrics of the API's stage,
the API's tags, and the retention of logs.
"""

import socket
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
from botocore.exceptions import WaiterError
from botocore.waiter import SingleWaiterConfig, Waiter

from infra.aws import chalice_cli, policy, rest_api, state, tables
from infra.errors import CommandError
from infra.stages import Stage

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient

# The settings that only the template of `make package` applies.
TEMPLATE_ONLY = (
    "cache",
    "provisioned_concurrency",
    "snap_start",
    "deployment",
    "termination_protection",
    "web_acl",
    "events",
    "webhooks",
    "metrics",
    "alarms",
    "dashboard",
    "site",
)

RESPONSE_SECONDS = 30
OK = 200
# A new role takes effect, and a new API's name resolves, within a minute.
SMOKE_TEST_WAITER: Any = SingleWaiterConfig(
    {
        "operation": "GET",
        "delay": 5,
        "maxAttempts": 24,
        "acceptors": [
            {"state": "success", "matcher": "path", "argument": "status", "expected": OK}
        ],
    }
)


def deploy(stage: Stage) -> None:
    """Deploy a stage. Raises CommandError."""
    check(stage)
    state.find(stage)
    tables.create(stage)
    policy.write(stage)
    create_log_groups(stage)
    chalice_cli.run(stage, "deploy")
    api_id, url = state.api(stage)
    apply_stage_settings(stage, api_id)
    smoke_test(stage, url)


def check(stage: Stage) -> None:
    """Check before any change what could stop the deployment half-way. Raises CommandError."""
    needed = {
        "a usage_plan": stage.infra.usage_plan,
        "the encryption CUSTOMER_MANAGED": stage.infra.encryption == "CUSTOMER_MANAGED",
    }
    for setting, is_set in needed.items():
        if is_set:
            raise CommandError(
                f"The stage {stage.name!r} in .chalice/config.json has {setting}, which only its "
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
    """Check that API Gateway may write the access log. Raises CommandError."""
    if not stage.infra.access_logs:
        return
    if not boto3.client("apigateway").get_account().get("cloudwatchRoleArn"):
        raise CommandError(
            "API Gateway may not write logs in this account and region yet: make account lets it, "
            f'once for all. Or say "access_logs": false for {stage.name!r} in .chalice/config.json.'
        )


def create_log_groups(stage: Stage) -> None:
    """Create the log groups, and set their retention."""
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


def apply_stage_settings(stage: Stage, api_id: str) -> None:
    """Apply the settings that Chalice does not have.

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


def smoke_test(stage: Stage, url: str, api_key: str | None = None) -> None:
    """Wait until the API responds, and check a few responses. Raises CommandError.

    `url` is API Gateway's own, which is closed if the stage has a custom domain. `api_key` is a key
    of the stage's usage plan. The requests are those that every project has.
    """
    if domain := stage.custom_domain:
        url = f"https://{domain}/"
        try:
            socket.getaddrinfo(domain, 443)
        except OSError:
            print(
                f"{domain} has no address yet: make it an alias of the printed name in your DNS. "
                f"The API responds at {url} then."
            )
            return
    has_policy = stage.config.api_gateway_policy_file is not None
    headers = {"x-api-key": api_key} if api_key else {}

    def status() -> dict[str, int]:
        code = get(f"{url}health", headers)[0]
        return {"status": OK if has_policy and code == HTTPStatus.FORBIDDEN else code}

    try:
        Waiter("ApiAnswers", SMOKE_TEST_WAITER, status).wait()
    except WaiterError as error:
        raise CommandError(
            f"GET {url}health got {error.last_response.get('status') or 'no response'}, not 200: "
            "the function's log has the reason."
        ) from None
    if has_policy and get(f"{url}health", headers)[0] == HTTPStatus.FORBIDDEN:
        print(f"The API's resource policy does not let this machine in. The API is at {url}")
        return
    for path, expected in (("", HTTPStatus.OK), ("nothing/is/here", HTTPStatus.NOT_FOUND)):
        code, content_type = get(f"{url}{path}", headers)
        if code != expected or not content_type.startswith("application/"):
            raise CommandError(
                f"GET {url}{path} got {code or 'no response'}, not {int(expected)}: "
                "the function's log has the reason."
            )
    print(f"The API responds at {url}")


def get(url: str, headers: Mapping[str, str] = {}) -> tuple[int, str]:
    """The status and the media type of a response; status 0 if there is none."""
    try:
        with urlopen(Request(url, headers=dict(headers)), timeout=RESPONSE_SECONDS) as answer:
            return answer.status, answer.headers.get("Content-Type", "")
    except HTTPError as error:
        with error:
            return error.code, error.headers.get("Content-Type", "")
    except OSError:
        return 0, ""


def _settings(stage: Stage, client: "APIGatewayClient") -> Any:
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
            "/accessLogSettings/format": rest_api.access_log(stage),
        }
    operations = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
    if not stage.infra.access_logs:
        operations.append({"op": "remove", "path": "/accessLogSettings"})
    return operations
