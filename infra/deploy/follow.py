"""Following a stack's update to its end, and the gradual deployment in it.

While CloudFormation updates the function's alias, CodeDeploy moves the requests to the new version.
https://docs.aws.amazon.com/codedeploy/latest/userguide/deployments-view-logs.html
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import WaiterError
from botocore.waiter import SingleWaiterConfig, Waiter

from infra.errors import CommandError
from infra.stages import ALIAS
from infra.template import canary

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# As long as the slowest deployment takes (Linear10PercentEvery10Minutes), and the rest of a stack.
POLL_SECONDS = 5
LONGEST_SECONDS = 3 * 60 * 60
ALIAS_ID = f"APIHandlerAlias{ALIAS}"
MOVING = "UPDATE_IN_PROGRESS"
DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")

STACK_WAITER: Any = SingleWaiterConfig(
    {
        "operation": "DescribeStacks",
        "delay": POLL_SECONDS,
        "maxAttempts": LONGEST_SECONDS // POLL_SECONDS,
        "acceptors": [
            *(
                {"state": "success", "matcher": "path", "argument": "status", "expected": status}
                for status in DONE
            ),
            *(
                {"state": "failure", "matcher": "path", "argument": "status", "expected": status}
                for status in (
                    "CREATE_FAILED",
                    "DELETE_COMPLETE",
                    "DELETE_FAILED",
                    "ROLLBACK_COMPLETE",
                    "ROLLBACK_FAILED",
                    "UPDATE_FAILED",
                    "UPDATE_ROLLBACK_COMPLETE",
                    "UPDATE_ROLLBACK_FAILED",
                )
            ),
        ],
    }
)


def follow(client: "CloudFormationClient", stack: str, began: datetime) -> None:
    """Wait for the end of an update that began at a time, and say when CodeDeploy begins.

    Raises CommandError with the reason if it was rolled back, or takes longer than LONGEST_SECONDS.
    """
    print("CloudFormation applies the changes ...", flush=True)
    announced = False

    def status() -> dict[str, str]:
        nonlocal announced
        if not announced and any(_is_move(event) for event in _events(client, stack, began)):
            print(
                "CodeDeploy moves the requests to the new version, step by step. An alarm on the "
                "new version ends that and gives all requests back to the old one ...",
                flush=True,
            )
            announced = True
        return {"status": client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]}

    try:
        Waiter("StackDone", STACK_WAITER, status).wait()
    except WaiterError as error:
        last: Any = error.last_response
        if last["status"].endswith("IN_PROGRESS"):
            raise CommandError(
                f"CloudFormation has not finished after {LONGEST_SECONDS // 3600} hours. It goes "
                "on: its console shows the events of the stack."
            ) from None
        raise CommandError(failure(_events(client, stack, began))) from None


def failure(events: list[Any]) -> str:
    """Why an update has failed, by its events, the newest first."""
    failed = [each for each in events if each["ResourceStatus"].endswith("_FAILED")]
    # The oldest failure is the cause of the others.
    first = failed[-1] if failed else events[0]
    reason = first.get("ResourceStatusReason", "without a reason").rstrip(".")
    sentence = f"CloudFormation has rolled back: {first['LogicalResourceId']} failed, {reason}."
    if first["LogicalResourceId"] != ALIAS_ID:
        return sentence
    return " ".join([sentence, *_reasons_of_code_deploy(first["StackName"])])


def _reasons_of_code_deploy(stack: str) -> list[str]:
    """Why CodeDeploy has ended its last deployment, as sentences: its own, and the alarms'.

    Empty for a stack without gradual deployments.
    """
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=stack)
    ids = {
        each["LogicalResourceId"]: each.get("PhysicalResourceId", "")
        for each in resources["StackResources"]
    }
    if canary.GROUP not in ids:
        return []
    code_deploy = boto3.client("codedeploy")
    deployments = code_deploy.list_deployments(
        applicationName=ids[canary.APPLICATION], deploymentGroupName=ids[canary.GROUP]
    )["deployments"]
    sentences = []
    if deployments:
        # The newest comes first.
        last = code_deploy.get_deployment(deploymentId=deployments[0])["deploymentInfo"]
        if "errorInformation" in last:
            error = last["errorInformation"]
            sentences.append(
                f"CodeDeploy has ended {deployments[0]}: {error['code']}, {error['message']}"
            )
    names = [ids[name] for name in canary.ALARMS if name in ids]
    alarms = boto3.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    sentences += [
        f"{each['AlarmName']} is in alarm: {each['StateReason']}"
        for each in alarms
        if each["StateValue"] == "ALARM"
    ]
    sentences.append("The old version responds to all requests.")
    return sentences


def _events(client: "CloudFormationClient", stack: str, began: datetime) -> list[Any]:
    """The events of the update, the newest first."""
    events: list[Any] = []
    for page in client.get_paginator("describe_stack_events").paginate(StackName=stack):
        for event in page["StackEvents"]:
            if event["Timestamp"].astimezone(UTC) < began:
                return events or [event]
            events.append(event)
    return events


def _is_move(event: Any) -> bool:
    return (event["LogicalResourceId"], event["ResourceStatus"]) == (ALIAS_ID, MOVING)
