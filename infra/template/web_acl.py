"""The web ACL of a stage: AWS WAF in front of its API.

A setting of the stage makes one; the template's parameter WebAclArn names another.
https://docs.aws.amazon.com/waf/latest/developerguide/web-acl.html
"""

from typing import Any

from infra.settings import WebAcl
from infra.stages import Stage
from infra.template.part import API, Part, Resource, api_stage

# Rules of the managed group that count alone: they would refuse what the API accepts.
COUNTED = (
    # Bodies of more than 8 KB: the API takes 64 KiB, and refuses larger ones itself.
    "SizeRestrictions_BODY",
    # HTML, URLs and paths of files in a body: texts of customers may have any content, and the API
    # returns them as JSON, with nosniff.
    "CrossSiteScripting_BODY",
    "EC2MetaDataSSRF_BODY",
    "GenericLFI_BODY",
    "GenericRFI_BODY",
    # Keys and usernames may end like the names of files: /products/a.log.
    "RestrictedExtensions_QUERYARGUMENTS",
    "RestrictedExtensions_URIPATH",
)


# AWS's managed rule groups, by the names of the rules.
MANAGED: dict[str, tuple[str, dict[str, Any]]] = {
    "common-rules": (
        "AWSManagedRulesCommonRuleSet",
        {"RuleActionOverrides": [{"Name": name, "ActionToUse": {"Count": {}}} for name in COUNTED]},
    ),
    "known-bad-inputs": ("AWSManagedRulesKnownBadInputsRuleSet", {}),
}


def part(stage: Stage) -> Part:
    """The web ACL and its association, or the association of one that a parameter names."""
    arn = (
        f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}::/restapis/${{{API}}}"
        f"/stages/{stage.config.api_gateway_stage}"
    )
    declared = stage.settings.web_acl
    acl = {"Fn::GetAtt": ["WebAcl", "Arn"]} if declared else {"Ref": "WebAclArn"}
    association: Resource = {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "DependsOn": [api_stage(stage)],
        "Properties": {"ResourceArn": {"Fn::Sub": arn}, "WebACLArn": acl},
    }
    if declared:
        return Part(
            resources={"WebAcl": _web_acl(stage, declared), "WebAclAssociation": association}
        )
    parameter = {
        "Type": "String",
        "Default": "",
        "Description": "The ARN of a regional web ACL of AWS WAF, or nothing.",
    }
    return Part(
        parameters={"WebAclArn": parameter},
        conditions={"HasWebAcl": {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebAclArn"}, ""]}]}},
        resources={"WebAclAssociation": association | {"Condition": "HasWebAcl"}},
    )


def _web_acl(stage: Stage, declared: WebAcl) -> Resource:
    rate = {
        "Name": "requests-per-ip",
        "Priority": 0,
        "Action": {"Block": {}},
        "Statement": {
            "RateBasedStatement": {
                "Limit": declared.requests_per_ip,
                "AggregateKeyType": "IP",
            }
        },
        "VisibilityConfig": _visibility("requests-per-ip"),
    }
    managed = [
        {
            "Name": name,
            "Priority": priority,
            "OverrideAction": {"None": {}},
            "Statement": {
                "ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": group, **overrides}
            },
            "VisibilityConfig": _visibility(name),
        }
        for priority, (name, (group, overrides)) in enumerate(MANAGED.items(), 1)
    ]
    return {
        "Type": "AWS::WAFv2::WebACL",
        "Properties": {
            "Scope": "REGIONAL",
            "DefaultAction": {"Allow": {}},
            "Rules": [rate, *managed],
            "VisibilityConfig": _visibility(stage.function),
            "Tags": stage.tag_list,
        },
    }


def _visibility(name: str) -> dict[str, Any]:
    # Samples hold headers, access tokens among them.
    return {
        "SampledRequestsEnabled": False,
        "CloudWatchMetricsEnabled": True,
        "MetricName": name,
    }
