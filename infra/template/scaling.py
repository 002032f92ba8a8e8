"""Auto scaling of the tables' and indexes' provisioned capacity, with the setting `capacity`.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html
"""

from collections.abc import Iterator
from typing import Any

from chalice.utils import to_cfn_resource_name

from infra.data import tables
from infra.stages import Stage
from infra.template.part import Part, Resources


def part(stage: Stage) -> Part:
    """A target and a policy for the reads and the writes of each table and index."""
    capacity = stage.settings.capacity
    if capacity is None:
        return Part()
    template: Resources = {}
    for definition in tables.definitions(stage):
        table = tables.logical_id(stage, definition)
        for index, units in _targets(definition):
            name = f"{table}{to_cfn_resource_name(index) if index else ''}{units}"
            resource_id = f"table/{definition['TableName']}" + (f"/index/{index}" if index else "")
            dimension = f"dynamodb:{'index' if index else 'table'}:{units}CapacityUnits"
            template[f"{name}Target"] = {
                "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
                "DependsOn": [table],
                "Properties": {
                    "ServiceNamespace": "dynamodb",
                    "ResourceId": resource_id,
                    "ScalableDimension": dimension,
                    "MinCapacity": capacity.minimum,
                    "MaxCapacity": capacity.maximum,
                },
            }
            template[f"{name}Policy"] = {
                "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
                "Properties": {
                    "PolicyName": f"{resource_id}:{dimension}",
                    "PolicyType": "TargetTrackingScaling",
                    "ScalingTargetId": {"Ref": f"{name}Target"},
                    "TargetTrackingScalingPolicyConfiguration": {
                        "PredefinedMetricSpecification": {
                            "PredefinedMetricType": f"DynamoDB{units}CapacityUtilization"
                        },
                        "TargetValue": float(capacity.target),
                    },
                },
            }
    return Part(resources=template)


def _targets(definition: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """An index of a table (or "" for the table itself), with "Read" and with "Write"."""
    for units in ("Read", "Write"):
        yield "", units
        for index in definition.get("GlobalSecondaryIndexes", []):
            yield index["IndexName"], units
