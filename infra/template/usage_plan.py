"""A usage plan with one API key, which every request needs.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
"""

from infra.stages import Stage
from infra.template.part import API, Part, Resources, api_stage


def part(stage: Stage) -> Part:
    """The plan and its key, whose id is an output."""
    plan = stage.settings.usage_plan
    if plan is None:
        return Part()
    resources: Resources = {
        "UsagePlan": {
            "Type": "AWS::ApiGateway::UsagePlan",
            "DependsOn": [api_stage(stage)],
            "Properties": {
                "ApiStages": [{"ApiId": {"Ref": API}, "Stage": stage.config.api_gateway_stage}],
                "Throttle": {"RateLimit": plan.rate, "BurstLimit": plan.burst},
                "Quota": {"Limit": plan.requests_per_month, "Period": "MONTH"},
                "Tags": stage.tag_list,
            },
        },
        "ApiKey": {
            "Type": "AWS::ApiGateway::ApiKey",
            "DependsOn": [api_stage(stage)],
            "Properties": {"Enabled": True, "Tags": stage.tag_list},
        },
        "UsagePlanKey": {
            "Type": "AWS::ApiGateway::UsagePlanKey",
            "Properties": {
                "KeyId": {"Ref": "ApiKey"},
                "KeyType": "API_KEY",
                "UsagePlanId": {"Ref": "UsagePlan"},
            },
        },
    }
    return Part(
        resources=resources,
        outputs={
            "ApiKeyId": {
                "Description": (
                    "aws apigateway get-api-key --include-value --api-key prints the key."
                ),
                "Value": {"Ref": "ApiKey"},
            }
        },
    )
