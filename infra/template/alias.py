"""The alias that API Gateway calls: with SnapStart, provisioned concurrency or a deployment."""

from typing import Any

from infra.stages import ALIAS, Stage
from infra.template.part import FUNCTION, FUNCTION_ALIAS, INVOKE_PERMISSION, Part


def part(stage: Stage) -> Part:
    """A published version and its alias, if a setting needs them."""
    if not stage.has_alias:
        return Part()
    properties: dict[str, Any] = {
        "AutoPublishAlias": ALIAS,
        # A new version for each change, of the memory, too.
        "AutoPublishAliasAllProperties": True,
    }
    if stage.settings.provisioned_concurrency:
        properties["ProvisionedConcurrencyConfig"] = {
            "ProvisionedConcurrentExecutions": stage.settings.provisioned_concurrency
        }
    if stage.settings.snap_start:
        properties["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    return Part(
        resources={
            FUNCTION: {"Properties": properties},
            INVOKE_PERMISSION: {"Properties": {"FunctionName": {"Ref": FUNCTION_ALIAS}}},
        },
        outputs={
            "APIHandlerAlias": {
                "Description": "What API Gateway calls.",
                "Value": {"Ref": FUNCTION_ALIAS},
            }
        },
    )
