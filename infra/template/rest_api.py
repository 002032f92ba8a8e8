"""The API and its stage in API Gateway.

https://docs.aws.amazon.com/apigateway/latest/api/API_Stage.html
"""

import json
from typing import Any

from infra.stages import Stage
from infra.template import api_document, findings, functions
from infra.template.part import API, Part, Resources, api_stage

ACCESS_LOGS = "AccessLogGroup"
FINDINGS = {"CKV_AWS_120": "Most responses depend on the caller; the cache is a setting."}

# One JSON object per request, with the request id of the response and of the function's log, and
# without anything that the client sent.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "resource": "$context.resourcePath",
    "status": "$context.status",
    "milliseconds": "$context.responseLatency",
    "integrationMilliseconds": "$context.integrationLatency",
    "bytes": "$context.responseLength",
    "error": "$context.error.responseType",
    "integrationError": "$context.integration.error",
    "traceId": "$context.xrayTraceId",
}


def part(stage: Stage) -> Part:
    """The API's stage: its limits, log, traces, cache and domain."""
    settings = stage.settings
    throttling = {
        "ThrottlingRateLimit": settings.throttle.rate,
        "ThrottlingBurstLimit": settings.throttle.burst,
        "MetricsEnabled": settings.detailed_metrics,
    }
    # The settings of one method replace all settings of `*`.
    methods = [{"ResourcePath": "/*", "HttpMethod": "*", "CachingEnabled": False, **throttling}]
    properties: dict[str, Any] = {
        # Or SAM makes a second stage, `Stage`, without any of the settings of the first.
        # https://github.com/aws/serverless-application-model/issues/191
        "OpenApiVersion": "2.0",
        "TracingEnabled": stage.config.xray_enabled,
        "MethodSettings": methods,
        "Tags": stage.tags,
    }
    if settings.access_logs:
        properties["AccessLogSetting"] = {
            "DestinationArn": {"Fn::GetAtt": [ACCESS_LOGS, "Arn"]},
            "Format": access_log(stage),
        }
    if settings.cache:
        properties |= {"CacheClusterEnabled": True, "CacheClusterSize": settings.cache.gigabytes}
        methods.extend(
            {
                "ResourcePath": "/" + path.replace("/", "~1"),
                "HttpMethod": "GET",
                "CachingEnabled": True,
                "CacheTtlInSeconds": settings.cache.seconds,
                "CacheDataEncrypted": True,
                **throttling,
            }
            for path in api_document.cached_lists(stage)
        )
    resources: Resources = {API: {"Metadata": findings.skip(FINDINGS), "Properties": properties}}
    if settings.access_logs:
        resources[ACCESS_LOGS] = functions.log_group(stage, stage.access_log_group)
    if stage.custom_domain:
        # Chalice's mapping of the domain to the API's stage, which has to exist before.
        resources["ApiGatewayCustomDomainMapping"] = {"DependsOn": [api_stage(stage)]}
    return Part(resources=resources)


def access_log(stage: Stage) -> str:
    """The format of the access log."""
    source_ip = {"sourceIp": "$context.identity.sourceIp"} if stage.settings.source_ip else {}
    return json.dumps(ACCESS_LOG | source_ip)
