"""A part of the CloudFormation template: what one subject adds to it.

The function `part(stage)` of a module makes its part. A module exports the logical ids that other
parts refer to; those of Chalice's own resources that several parts refer to are here.
https://aws.github.io/chalice/topics/cfn.html
"""

from typing import Any

from msgspec import Struct

from infra.stages import ALIAS, Stage

Resource = dict[str, Any]
Resources = dict[str, Resource]

API, FUNCTION, INVOKE_PERMISSION = "RestAPI", "APIHandler", "APIHandlerInvokePermission"
# What SAM calls the alias that AutoPublishAlias makes.
FUNCTION_ALIAS = f"{FUNCTION}Alias{ALIAS}"


class Part(Struct, frozen=True, kw_only=True):
    """The sections of a template, by logical id. Resources of several parts merge.

    `alarms` are resources of a stage with the setting `alarms`; `variables` are environment
    variables of every function that runs app.py.
    """

    parameters: Resources = {}
    conditions: Resources = {}
    rules: Resources = {}
    resources: Resources = {}
    alarms: Resources = {}
    outputs: Resources = {}
    variables: dict[str, Any] = {}


def merge(target: dict[str, Any], other: dict[str, Any]) -> None:
    """Add the members of a dictionary to another one, also inside of members that both have.

    Raises ValueError if both have a member with different values.
    """
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            merge(target[name], value)
        elif target.setdefault(name, value) != value:
            raise ValueError(f"Two parts of the template set {name}: {target[name]} and {value}")


def api_stage(stage: Stage) -> str:
    """The logical id of the API's stage, which SAM creates."""
    return f"{API}{stage.config.api_gateway_stage}Stage"
