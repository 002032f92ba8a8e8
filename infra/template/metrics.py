"""Metrics of the requests, which CloudWatch takes from the function's log lines.

A metric filter costs the function neither time nor bytes. Each combination of a metric and the
values of its dimensions is charged as one metric: docs/costs.md.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from typing import Any

from chalice.utils import to_cfn_resource_name
from msgspec import Struct

from infra.stages import Stage
from infra.template import app_functions
from infra.template.part import Part, Resources

# Every line of an HTTP request, and no other, has a status.
EVERY_REQUEST = "{ $.status = * }"
SERVER_ERROR = "{ $.status >= 500 }"


class Metric(Struct, frozen=True, kw_only=True):
    """A metric: which log lines count, and with which value. `unit` is CloudWatch's."""

    name: str
    pattern: str
    value: str = "1"
    unit: str = "Count"


REQUESTS = Metric(name="Requests", pattern=EVERY_REQUEST)
SERVER_ERRORS = Metric(name="ServerErrors", pattern=SERVER_ERROR)
LATENCY = Metric(name="Latency", pattern=EVERY_REQUEST, value="$.milliseconds", unit="Milliseconds")
DYNAMODB_CALLS = Metric(name="DynamoDBCalls", pattern=EVERY_REQUEST, value="$.dynamodbCalls")
READ_UNITS = Metric(name="ReadUnits", pattern=EVERY_REQUEST, value="$.readUnits")
WRITE_UNITS = Metric(name="WriteUnits", pattern=EVERY_REQUEST, value="$.writeUnits")
REJECTED_TOKENS = Metric(name="RejectedTokens", pattern="{ ($.status = 401) && ($.reason = *) }")
REPLAYS = Metric(name="IdempotentReplays", pattern="{ $.replayed IS TRUE }")
CONFLICTS = Metric(
    name="TransactionConflicts",
    pattern="{ $.transactionConflicts > 0 }",
    value="$.transactionConflicts",
)

# Those that depend on the operation, and those that the whole stage has once.
OPERATION_METRICS = (REQUESTS, SERVER_ERRORS, LATENCY, DYNAMODB_CALLS, READ_UNITS, WRITE_UNITS)
STAGE_METRICS = (REJECTED_TOKENS, REPLAYS, CONFLICTS)
# The share of a version's responses that are 5xx is the average of ones and zeros: without metric
# math, which has no value for a metric that never had data.
ERROR_SHARE = "ServerErrorShare"
VERSION_METRICS = {
    "ServerErrors": Metric(name=ERROR_SHARE, pattern=SERVER_ERROR, unit="None"),
    "OtherResponses": Metric(
        name=ERROR_SHARE, pattern="{ $.status < 500 }", value="0", unit="None"
    ),
}

OPERATION, VERSION = "operation", "version"


def namespace(stage: Stage) -> str:
    """The metrics' namespace: one for each stage, so that no metric needs a dimension for it."""
    return stage.function


def part(stage: Stage) -> Part:
    """The metric filters of a stage: none, if no setting asks for metrics."""
    filters: Resources = {}
    if stage.settings.metrics:
        for metric in (*OPERATION_METRICS, *STAGE_METRICS):
            filters |= _filter(stage, metric.name, metric)
    if stage.settings.metrics == "operations":
        for metric in OPERATION_METRICS:
            filters |= _filter(stage, metric.name, metric, OPERATION)
    if stage.settings.deployment:
        for name, metric in VERSION_METRICS.items():
            filters |= _filter(stage, name, metric, VERSION)
    return Part(resources=filters)


def _filter(stage: Stage, name: str, metric: Metric, dimension: str | None = None) -> Resources:
    # CloudWatch takes no default value beside dimensions.
    scope: dict[str, Any] = {}
    if dimension:
        scope = {"Dimensions": [{"Key": dimension, "Value": f"$.{dimension}"}]}
    elif metric.value == "1":
        scope = {"DefaultValue": 0}
    by = to_cfn_resource_name(f"by_{dimension}") if dimension else ""
    return {
        f"{name}{by}Metric": {
            "Type": "AWS::Logs::MetricFilter",
            "Properties": {
                "LogGroupName": {"Ref": app_functions.LOGS},
                "FilterPattern": metric.pattern,
                "MetricTransformations": [
                    {
                        "MetricNamespace": namespace(stage),
                        "MetricName": metric.name,
                        "MetricValue": metric.value,
                        "Unit": metric.unit,
                        **scope,
                    }
                ],
            },
        }
    }
