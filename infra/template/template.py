"""The CloudFormation template of `make package`, beyond what `chalice package` writes.

`extension(stage)` is merged in by `chalice package --merge-template`: dictionaries merge, lists and
scalars replace. Chalice's own resources are the API, its function, the permission to invoke it, and
a role for each function; parts complete them, and define all others.
https://aws.github.io/chalice/topics/cfn.html
"""

from collections.abc import Callable
from typing import Any

from infra.stages import Stage
from infra.template import (
    alarms,
    alias,
    app_functions,
    canary,
    dashboard,
    events,
    item_tables,
    key,
    metrics,
    rest_api,
    scaling,
    site,
    usage_plan,
    user_pool,
    web_acl,
    webhooks,
)
from infra.template.part import Part, merge

PARTS: tuple[Callable[[Stage], Part], ...] = (
    item_tables.part,
    scaling.part,
    key.part,
    rest_api.part,
    app_functions.part,
    alias.part,
    canary.part,
    user_pool.part,
    site.part,
    web_acl.part,
    usage_plan.part,
    events.part,
    webhooks.part,
    metrics.part,
    alarms.part,
    dashboard.part,
)


def extension(stage: Stage) -> dict[str, Any]:
    """The template to merge into Chalice's. Raises ValueError if two parts conflict."""
    template: dict[str, Any] = {"Resources": {}}
    for part in (make(stage) for make in PARTS):
        functions = app_functions.logical_ids() if part.variables else []
        environment = {"Properties": {"Environment": {"Variables": part.variables}}}
        sections = {
            "Parameters": part.parameters,
            "Conditions": part.conditions,
            "Rules": part.rules,
            "Outputs": part.outputs,
        }
        merge(template, {name: section for name, section in sections.items() if section})
        merge(template["Resources"], part.resources)
        merge(template["Resources"], dict.fromkeys(functions, environment))
        if stage.settings.alarms:
            merge(template["Resources"], part.alarms)
    return {"Description": f"{stage.config.app_name}, stage {stage.name}.", **template}
