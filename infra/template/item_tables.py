"""The tables, with the settings that are calls of their own in DynamoDB's API."""

from typing import Any

from chalicelib.schema import EXPIRY
from infra.data import tables
from infra.stages import Stage
from infra.template import key
from infra.template.part import Part


def part(stage: Stage) -> Part:
    """The tables, which are retained when the stack is deleted."""
    return Part(
        resources={
            tables.logical_id(stage, definition): {
                "Type": "AWS::DynamoDB::Table",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                **key.finding(stage, "CKV_AWS_119"),
                "Properties": _properties(definition, stage),
            }
            for definition in tables.definitions(stage)
        },
        outputs={
            tables.logical_id(stage, definition): {
                "Description": "A table's name.",
                "Value": {"Ref": tables.logical_id(stage, definition)},
            }
            for definition in tables.definitions(stage)
        },
    )


def _properties(definition: dict[str, Any], stage: Stage) -> dict[str, Any]:
    # CreateTable's parameters, some under other names, and settings that are separate calls there.
    properties = {**definition}
    encryption = properties.pop("SSESpecification", None)
    if encryption:
        properties["SSESpecification"] = {
            "SSEEnabled": encryption["Enabled"],
            "SSEType": encryption["SSEType"],
            **({"KMSMasterKeyId": key.ARN} if key.has_customer_managed_key(stage) else {}),
        }
    properties["PointInTimeRecoverySpecification"] = {
        "PointInTimeRecoveryEnabled": stage.settings.point_in_time_recovery
    }
    if stage.settings.events and not tables.expires(definition):
        properties["StreamSpecification"] = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    if tables.expires(definition):
        properties["TimeToLiveSpecification"] = {
            "AttributeName": EXPIRY,
            "Enabled": True,
        }
    return properties
