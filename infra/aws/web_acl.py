"""The web ACL of a stage: AWS WAF in front of its API.

A setting of the stage makes one; the template's parameter WebAclArn names another.
https://docs.aws.amazon.com/waf/latest/developerguide/web-acl.html
"""

from typing import Any

from infra.stages import Stage, WebAcl

Resource = dict[str, Any]
Resources = dict[str, Resource]

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
# Each rule is charged.
RULES = 1 + len(MANAGED)


def parameters(stage: Stage) -> dict[str, Resource]:
    """The template's parameter that names a web ACL, of a stage that makes none."""
    if stage.infra.web_acl:
        return {}
    return {
        "WebAclArn": {
            "Type": "String",
            "Default": "",
            "Description": "The ARN of a regional web ACL of AWS WAF, or nothing.",
        }
    }


def conditions(stage: Stage) -> dict[str, Any]:
    """The template's condition for the parameter."""
    if stage.infra.web_acl:
        return {}
    return {"HasWebAcl": {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebAclArn"}, ""]}]}}


def resources(stage: Stage, api_stage: str) -> Resources:
    """The web ACL and its association. `api_stage` is the logical id of the API's stage."""
    arn = (
        "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${RestAPI}"
        f"/stages/{stage.config.api_gateway_stage}"
    )
    declared = stage.infra.web_acl
    acl = {"Fn::GetAtt": ["WebAcl", "Arn"]} if declared else {"Ref": "WebAclArn"}
    association: Resource = {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "DependsOn": [api_stage],
        "Properties": {"ResourceArn": {"Fn::Sub": arn}, "WebACLArn": acl},
    }
    if not declared:
        return {"WebAclAssociation": association | {"Condition": "HasWebAcl"}}
    return {"WebAcl": _web_acl(stage, declared), "WebAclAssociation": association}


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
