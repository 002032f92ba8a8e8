"""The dashboard of a stage.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
from typing import Any

from infra.data import tables
from infra.stages import Stage
from infra.template import metrics
from infra.template.part import FUNCTION, Part


def part(stage: Stage) -> Part:
    """The dashboard and its URL."""
    if not stage.settings.dashboard:
        return Part()
    api = ["ApiName", stage.config.app_name, "Stage", stage.config.api_gateway_stage]
    function = ["FunctionName", f"${{{FUNCTION}}}"]
    names = [definition["TableName"] for definition in tables.definitions(stage)]
    graphs = {
        "Requests": [
            ["AWS/ApiGateway", metric, *api, {"stat": "Sum"}]
            for metric in ("Count", "4XXError", "5XXError")
        ],
        "Latency of the API, ms": [
            ["AWS/ApiGateway", "Latency", *api, {"stat": statistic}]
            for statistic in ("p50", "p90", "p99")
        ],
        "Duration of the function, ms": [
            ["AWS/Lambda", "Duration", *function, {"stat": statistic}]
            for statistic in ("p50", "p90", "p99")
        ],
        "The function's environments, errors and throttles": [
            ["AWS/Lambda", "ConcurrentExecutions", *function, {"stat": "Maximum"}],
            ["AWS/Lambda", "Errors", *function, {"stat": "Sum"}],
            ["AWS/Lambda", "Throttles", *function, {"stat": "Sum"}],
        ],
        "Capacity units read": [
            ["AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", name, {"stat": "Sum"}]
            for name in names
        ],
        "Capacity units written": [
            ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", name, {"stat": "Sum"}]
            for name in names
        ],
        "Requests throttled by DynamoDB": [
            ["AWS/DynamoDB", metric, "TableName", name, {"stat": "Sum"}]
            for name in names
            for metric in ("ReadThrottleEvents", "WriteThrottleEvents")
        ],
    }
    graphs |= _metric_graphs(stage)
    widgets: list[dict[str, Any]] = [
        {
            "type": "metric",
            "width": 12,
            "height": 6,
            "properties": {
                "title": title,
                "metrics": graphed,
                "region": "${AWS::Region}",
                "period": 60,
                "view": "timeSeries",
            },
        }
        for title, graphed in graphs.items()
    ]
    query = (
        f"SOURCE '{stage.log_group}' | filter status >= 500 "
        "| fields @timestamp, requestId, method, route, operation, status, error, reason "
        "| sort @timestamp desc"
    )
    widgets.append(
        {
            "type": "log",
            "width": 12,
            "height": 6,
            "properties": {
                "title": "5xx responses",
                "query": query,
                "region": "${AWS::Region}",
                "view": "table",
            },
        }
    )
    url = (
        "https://${AWS::Region}.console.aws.amazon.com/cloudwatch/home"
        "?region=${AWS::Region}#dashboards:name=${Dashboard}"
    )
    properties = {
        "DashboardName": {"Fn::Sub": f"{stage.function}-${{AWS::Region}}"},
        "DashboardBody": {"Fn::Sub": json.dumps({"widgets": widgets})},
    }
    return Part(
        resources={"Dashboard": {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}},
        outputs={"DashboardURL": {"Value": {"Fn::Sub": url}}},
    )


def _metric_graphs(stage: Stage) -> dict[str, list[Any]]:
    """The graphs of the metrics of the log lines, by title."""
    if not stage.settings.metrics:
        return {}
    namespace = metrics.namespace(stage)
    of_the_stage = {
        "Rejected tokens, replays and transaction conflicts": metrics.STAGE_METRICS,
        "Capacity units of requests": (metrics.READ_UNITS, metrics.WRITE_UNITS),
    }
    graphs: dict[str, list[Any]] = {
        title: [[namespace, each.name, {"stat": "Sum"}] for each in chosen]
        for title, chosen in of_the_stage.items()
    }
    if stage.settings.metrics == "operations":
        for each in metrics.OPERATION_METRICS:
            statistic = "p99" if each is metrics.LATENCY else "Sum"
            # In double quotes, because of the hyphen in the namespace.
            schema = f'{{"{namespace}",{metrics.OPERATION}}} MetricName="{each.name}"'
            expression = f"SEARCH('{schema}', '{statistic}', 60)"
            graphs[f"{each.name} by operation"] = [[{"expression": expression, "label": ""}]]
    return graphs
