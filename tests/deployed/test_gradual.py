"""Gradual deployments: a bad version in the emulated account, and what the alarms make of its log.

The emulator keeps metric filters, alarms with metric math and CodeDeploy's resources without acting
on them: no request is moved, and nothing is rolled back. So the filters and the alarm of the
template are evaluated here over the log lines that the version has written, and that CodeDeploy
rolls back on this alarm is asserted on the template.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from infra.deploy import follow
from infra.errors import CommandError
from infra.stages import ALIAS
from infra.template import canary
from tests.client import Client, Live
from tests.deployed.conftest import Account
from tests.deployed.templates import expanded

STAGE = "storefront-dev"
ALARM = "NewVersionErrorsAlarm"
BROKEN_ROUTE = "/products/{key}"

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, wanted: value is not None if wanted == "*" else value == int(wanted),
    ">=": lambda value, wanted: value is not None and value >= int(wanted),
    "<": lambda value, wanted: value is not None and value < int(wanted),
    ">": lambda value, wanted: value is not None and value > int(wanted),
    "IS": lambda value, _: value is True,
}


def matches(pattern: str, line: dict[str, Any]) -> bool:
    """Whether a metric filter's pattern matches a log line.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """
    terms = [each.strip(" (){}") for each in pattern.split("&&")]
    parsed = [re.fullmatch(r"\$\.(\w+) (\S+) (\S+)", term) for term in terms]
    assert all(parsed), pattern
    return all(COMPARISONS[m[2]](line.get(m[1]), m[3]) for m in parsed if m)


def datapoints(
    resources: dict[str, Any], name: str, dimension: str, value: str, lines: list[dict[str, Any]]
) -> list[float]:
    """What CloudWatch makes of log lines, for one value of a metric's dimension."""
    found = []
    for each in resources.values():
        if each["Type"] != "AWS::Logs::MetricFilter":
            continue
        (transformation,) = each["Properties"]["MetricTransformations"]
        by = [{"Key": dimension, "Value": f"$.{dimension}"}]
        if transformation["MetricName"] != name or transformation.get("Dimensions") != by:
            continue
        source = transformation["MetricValue"]
        found += [
            line[source.removeprefix("$.")] if source.startswith("$.") else float(source)
            for line in lines
            if line[dimension] == value and matches(each["Properties"]["FilterPattern"], line)
        ]
    return found


def is_in_alarm(resources: dict[str, Any], version: str, lines: list[dict[str, Any]]) -> bool:
    """Whether the alarm goes off for a version that has written these lines in a minute."""
    alarm = resources[ALARM]["Properties"]
    values = datapoints(resources, alarm["MetricName"], "version", version, lines)
    assert (alarm["Statistic"], alarm["ComparisonOperator"]) == ("Average", "GreaterThanThreshold")
    return bool(values) and sum(values) / len(values) > alarm["Threshold"]


def logged(account: Account) -> list[dict[str, Any]]:
    """The lines of the function's log that are the app's."""
    events = account.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{STAGE}")["events"]
    messages = [line for event in events for line in event["message"].splitlines()]
    return [json.loads(line) for line in messages if line.startswith('{"level"')]


def is_protected(account: Account) -> bool:
    """Whether the stack cannot be deleted."""
    stacks = account.client("cloudformation").describe_stacks(StackName=STAGE)["Stacks"]
    return bool(stacks[0]["EnableTerminationProtection"])


@pytest.mark.timeout(180)
def test_bad_version_sets_off_the_alarm(account: Account) -> None:
    """The alarm sees its 5xx responses, which are no errors of Lambda's, and none of the old's."""
    account.make("account")
    account.client("s3").create_bucket(Bucket="packages")
    account.issuer = {"OIDC_ISSUER": "none"}
    account.configure(
        deployment="Canary10Percent5Minutes", metrics="operations", termination_protection=True
    )
    url = account.deploy_stack()
    assert is_protected(account)
    account.configure(termination_protection=False)
    api = Client(Live(url))
    for path in ("/products", "/products/x", "/health"):
        api.get(path)
    source = account.project / "app.py"
    source.write_text(
        source.read_text().replace("products.read(key,", "products.absent(key,"),
    )

    assert account.deploy_stack() == url
    assert not is_protected(account)
    statuses = [api.send("GET", path).status for path in ("/products", "/products/x", "/health")]

    assert statuses == [200, 500, 200]
    lines = [line for line in logged(account) if "status" in line]
    versions = sorted({line["version"] for line in lines}, key=int)
    assert len(versions) == 2
    resources = expanded(account.project / "dist" / "dev")
    assert [is_in_alarm(resources, version, lines) for version in versions] == [False, True]
    by_operation = {
        name: sum(datapoints(resources, "ServerErrors", "operation", name, lines))
        for name in ("read_product", "list_products")
    }
    assert by_operation == {"read_product": 1, "list_products": 0}
    calls = datapoints(resources, "DynamoDBCalls", "operation", "list_products", lines)
    units = datapoints(resources, "ReadUnits", "operation", "list_products", lines)
    assert (sum(calls), sum(units) > 0) == (
        sum(each["dynamodbCalls"] for each in lines if each["operation"] == "list_products"),
        True,
    )


@pytest.mark.timeout(120)
def test_alarms_roll_the_deployment_back(account: Account) -> None:
    """The template, as the transform expands it: alias, CodeDeploy, alarms on the new version."""
    account.configure(deployment="Linear10PercentEvery1Minute")
    account.make("package", "STAGE=dev")
    resources = expanded(account.project / "dist" / "dev")

    alias = resources[f"APIHandlerAlias{ALIAS}"]
    update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert update["DeploymentGroupName"] == {"Ref": canary.GROUP}
    group = resources[canary.GROUP]["Properties"]
    assert group["ApplicationName"] == {"Ref": canary.APPLICATION}
    assert group["ServiceRoleArn"] == {"Fn::GetAtt": [canary.ROLE, "Arn"]}
    name = group["DeploymentConfigName"]["Fn::Sub"][1]["ConfigName"]
    assert name == "Linear10PercentEvery1Minute"
    assert set(group["AutoRollbackConfiguration"]["Events"]) == {
        "DEPLOYMENT_FAILURE",
        "DEPLOYMENT_STOP_ON_ALARM",
        "DEPLOYMENT_STOP_ON_REQUEST",
    }
    watched = group["AlarmConfiguration"]
    assert watched["Enabled"] is True
    assert [each["Name"] for each in watched["Alarms"]] == [{"Ref": one} for one in canary.ALARMS]
    (version,) = {each for each in resources if re.match("APIHandlerVersion", each)}
    assert alias["Properties"]["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}
    for alarm in canary.ALARMS:
        assert json.dumps({"Fn::GetAtt": [version, "Version"]}) in json.dumps(resources[alarm])
        # A stage without receivers can still be rolled back.
        assert "AlarmActions" not in resources[alarm]["Properties"]
    # API Gateway calls the alias, whose version CodeDeploy changes.
    assert f"APIHandlerAlias{ALIAS}" in json.dumps(resources["RestAPI"])


def described(status: str) -> dict[str, Any]:
    """A stack, as DescribeStacks returns it."""
    return {"StackName": STAGE, "CreationTime": datetime.now(UTC), "StackStatus": status}


def listed(resources: dict[str, str]) -> list[dict[str, Any]]:
    """Resources of a stack, as DescribeStackResources returns them."""
    return [
        {
            "LogicalResourceId": name,
            "PhysicalResourceId": physical,
            "ResourceType": "AWS::Any::Thing",
            "Timestamp": datetime.now(UTC),
            "ResourceStatus": "CREATE_COMPLETE",
        }
        for name, physical in resources.items()
    ]


def test_rollback_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make stack prints what failed, why CodeDeploy has ended it, and which alarm went off."""
    began = datetime(2026, 11, 20, tzinfo=UTC)
    event = {"StackName": STAGE, "LogicalResourceId": f"APIHandlerAlias{ALIAS}", "EventId": "1"}
    events = [
        {
            **event,
            "StackId": "s",
            "ResourceStatus": "UPDATE_FAILED",
            "ResourceStatusReason": "Rollback successful",
            "Timestamp": began + timedelta(minutes=3),
        }
    ]
    with mock_aws():
        cloudformation = boto3.client("cloudformation", "us-east-1")
        code_deploy = boto3.client("codedeploy", "us-east-1")
        cloudwatch = boto3.client("cloudwatch", "us-east-1")
        clients = {
            "cloudformation": cloudformation,
            "codedeploy": code_deploy,
            "cloudwatch": cloudwatch,
        }
        monkeypatch.setattr(boto3, "client", lambda service: clients[service])
        cloudwatch.put_metric_alarm(
            AlarmName="errors-1",
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            Threshold=0.01,
            MetricName="ServerErrors",
            Namespace=STAGE,
            Period=60,
            Statistic="Sum",
        )
        cloudwatch.set_alarm_state(
            AlarmName="errors-1", StateValue="ALARM", StateReason="1 datapoint was over 0.01."
        )
        with Stubber(cloudformation) as stacks, Stubber(code_deploy) as deployments:
            rolled_back = {"Stacks": [described("UPDATE_ROLLBACK_COMPLETE")]}
            of_the_stack = {canary.APPLICATION: "app", canary.GROUP: "group", ALARM: "errors-1"}
            for operation, response in (
                ("describe_stack_events", {"StackEvents": events}),
                ("describe_stacks", rolled_back),
                ("describe_stack_events", {"StackEvents": events}),
                ("describe_stack_resources", {"StackResources": listed(of_the_stack)}),
            ):
                stacks.add_response(operation, response)
            deployments.add_response("list_deployments", {"deployments": ["d-2", "d-1"]})
            error = {"code": "ALARM_ACTIVE", "message": "One or more alarms have been activated."}
            deployments.add_response(
                "get_deployment", {"deploymentInfo": {"errorInformation": error}}
            )

            with pytest.raises(CommandError) as raised:
                follow.follow(cloudformation, "s", began)

    assert str(raised.value) == (
        f"CloudFormation has rolled back: APIHandlerAlias{ALIAS} failed, Rollback successful. "
        "CodeDeploy has ended d-2: ALARM_ACTIVE, One or more alarms have been activated. "
        "errors-1 is in alarm: 1 datapoint was over 0.01. "
        "The old version responds to all requests."
    )
