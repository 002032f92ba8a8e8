"""The alarms of a stage, and their receivers.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Alarms.html
"""

from typing import Any

from infra.data import tables
from infra.stages import Stage
from infra.template import findings
from infra.template.part import FUNCTION, Part, Resource, Resources

# The share of responses in a minute that are 5xx.
MOST_5XX = 0.01
# The p99 latency in a minute: longer than a cold start.
MOST_MILLISECONDS = 3000

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
MAX_METRICS = 10

# Of DynamoDB, those that the app calls.
DYNAMODB_OPERATIONS = (
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "TransactWriteItems",
    "UpdateItem",
)

TOPIC = "AlarmTopic"

# The template's parameters with a receiver of the alarms, and its rule that one of them is given.
RECEIVERS = ("AlarmEmail", "AlarmTopicArn")
RULE = "AlarmsHaveAReceiver"


def part(stage: Stage) -> Part:
    """The alarms of the API and its tables, and the topic of their email address."""
    if not stage.settings.alarms:
        return Part()
    given = {"Fn::Or": [{"Fn::Not": [_is_empty(name)]} for name in RECEIVERS]}
    sentence = "The alarms have no receiver: set AlarmEmail or AlarmTopicArn."
    skipped = {"CKV_AWS_26": "Alarms cannot use SNS's own key, and name no customer."}
    return Part(
        parameters={
            "AlarmEmail": {
                "Type": "String",
                "Default": "",
                "Description": "The email address that receives the alarms, or nothing.",
            },
            "AlarmTopicArn": {
                "Type": "String",
                "Default": "",
                "Description": "The ARN of the SNS topic that receives the alarms, or nothing.",
            },
        },
        conditions={
            "HasAlarmEmail": {"Fn::Not": [_is_empty("AlarmEmail")]},
            "HasAlarmTopic": {"Fn::Not": [_is_empty("AlarmTopicArn")]},
        },
        rules={RULE: {"Assertions": [{"Assert": given, "AssertDescription": sentence}]}},
        resources={
            TOPIC: {
                "Type": "AWS::SNS::Topic",
                "Condition": "HasAlarmEmail",
                "Metadata": findings.skip(skipped),
                "Properties": {
                    "Subscription": [{"Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}}],
                    "Tags": stage.tag_list,
                },
            }
        },
        alarms=_of_the_api(stage) | _of_the_tables(stage),
    )


def alarm(
    stage: Stage,
    entry: str,
    description: str,
    threshold: float,
    *,
    minutes: tuple[int, int] = (3, 5),
    **metric: Any,
) -> Resource:
    """An alarm on a metric that is over a threshold in some of the last minutes: three of five.

    `entry` is the heading of the runbook entry in docs/runbook.md. Without `alarms` in the
    stage's settings, the alarm has no receiver.
    """
    notify = [
        {"Fn::If": ["HasAlarmTopic", {"Ref": "AlarmTopicArn"}, {"Ref": "AWS::NoValue"}]},
        {"Fn::If": ["HasAlarmEmail", {"Ref": TOPIC}, {"Ref": "AWS::NoValue"}]},
    ]
    receivers = {"AlarmActions": notify, "OKActions": notify} if stage.settings.alarms else {}
    over, of = minutes
    link = f"{stage.settings.runbook}#{entry.lower().replace(' ', '-')}"
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": f"{description} What to do: {link}",
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": threshold,
            "EvaluationPeriods": of,
            "DatapointsToAlarm": over,
            # No requests: no data.
            "TreatMissingData": "notBreaching",
            **receivers,
            **({"Period": 60} if "MetricName" in metric else {}),
            **metric,
        },
    }


def queue_metric(name: str, queue_id: str) -> dict[str, Any]:
    """The maximum of a metric of a queue, by the queue's logical id."""
    dimensions = {"QueueName": {"Fn::GetAtt": [queue_id, "QueueName"]}}
    return metric("AWS/SQS", name, dimensions, "Maximum")


def _is_empty(parameter: str) -> Any:
    return {"Fn::Equals": [{"Ref": parameter}, ""]}


def _of_the_api(stage: Stage) -> Resources:
    api = {"ApiName": stage.config.app_name, "Stage": stage.config.api_gateway_stage}
    return {
        "ApiErrorsAlarm": alarm(
            stage,
            "api errors",
            "More than 1 % of the responses are 5xx.",
            MOST_5XX,
            **metric("AWS/ApiGateway", "5XXError", api, "Average"),
        ),
        "ApiLatencyAlarm": alarm(
            stage,
            "api latency",
            "The p99 latency is over 3 s.",
            MOST_MILLISECONDS,
            Namespace="AWS/ApiGateway",
            MetricName="Latency",
            Dimensions=_dimensions(api),
            ExtendedStatistic="p99",
        ),
        "FunctionThrottlesAlarm": throttles(stage, FUNCTION),
    }


def throttles(stage: Stage, function: str) -> Resource:
    """The alarm on requests that Lambda throttles, of a function by its logical id."""
    return alarm(
        stage,
        "function throttles",
        "Lambda throttles requests: no environment is available.",
        0,
        **metric("AWS/Lambda", "Throttles", {"FunctionName": {"Ref": function}}, "Sum"),
    )


def _of_the_tables(stage: Stage) -> Resources:
    made: Resources = {}
    for definition in tables.definitions(stage):
        name = definition["TableName"]
        resource = tables.logical_id(stage, definition)
        errors = [
            ("SystemErrors", {"TableName": name, "Operation": operation})
            for operation in DYNAMODB_OPERATIONS
        ]
        made |= _sum_alarms(
            stage, f"{resource}Errors", "table errors", f"DynamoDB fails on {name}.", errors
        )
        indexes = [
            {"TableName": name, "GlobalSecondaryIndexName": index["IndexName"]}
            for index in definition.get("GlobalSecondaryIndexes", [])
        ]
        throttles = [
            (metric, place)
            for place in [{"TableName": name}, *indexes]
            for metric in ("ReadThrottleEvents", "WriteThrottleEvents")
        ]
        sentence = f"DynamoDB throttles requests to {name}, or to one of its indexes."
        made |= _sum_alarms(stage, f"{resource}Throttles", "table throttles", sentence, throttles)
    return made


def metric(namespace: str, name: str, dimensions: dict[str, Any], statistic: str) -> dict[str, Any]:
    """The parameters of an alarm on one metric."""
    return {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": _dimensions(dimensions),
        "Statistic": statistic,
    }


def _sum_alarms(
    stage: Stage,
    name: str,
    entry: str,
    description: str,
    metrics: list[tuple[str, dict[str, Any]]],
) -> Resources:
    """Alarms on the sum of metrics of DynamoDB, each of as many as one alarm can have."""
    batches = [metrics[n : n + MAX_METRICS] for n in range(0, len(metrics), MAX_METRICS)]
    return {
        f"{name}{'' if number == 1 else number}Alarm": alarm(
            stage, entry, description, 0, Metrics=_sum(batch)
        )
        for number, batch in enumerate(batches, 1)
    }


def _sum(metrics: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The sum of metrics of DynamoDB, most of which have no data most of the time."""
    queries = [
        query(f"m{number}", "Sum", namespace="AWS/DynamoDB", name=name, dimensions=dimensions)
        for number, (name, dimensions) in enumerate(metrics)
    ]
    # SUM leaves out metrics without data. FILL gives no value for one that never had any.
    return [*queries, {"Id": "total", "Expression": "SUM(METRICS())", "ReturnData": True}]


def query(
    id_: str, statistic: str, *, namespace: str, name: str, dimensions: dict[str, Any]
) -> dict[str, Any]:
    """A metric of a minute in an alarm with metric math. The id is written in lower case."""
    return {
        "Id": id_.lower(),
        "ReturnData": False,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": name,
                "Dimensions": _dimensions(dimensions),
            },
            "Period": 60,
            "Stat": statistic,
        },
    }


def _dimensions(dimensions: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]
