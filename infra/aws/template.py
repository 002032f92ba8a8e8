"""The CloudFormation template of `make package`, beyond what `chalice package` writes.

`extension(stage)` is merged in by `chalice package --merge-template`: dictionaries merge, lists and
scalars replace. Chalice's own resources are RestAPI, APIHandler, APIHandlerInvokePermission and a
role for each function; they are completed here, and all others are defined here.
https://aws.github.io/chalice/topics/cfn.html
"""

import json
import re
from typing import Any

from chalice.app import (
    CloudWatchEventConfig,
    S3EventConfig,
    ScheduledEventConfig,
    SNSEventConfig,
)
from chalice.utils import to_cfn_resource_name

import app as application
from chalicelib.schema import EXPIRY
from infra.aws import (
    alarms,
    events,
    findings,
    functions,
    gradual,
    key,
    metrics,
    policy,
    queues,
    rest_api,
    scaling,
    site,
    tables,
    user_pool,
    web_acl,
    webhooks,
)
from infra.errors import CommandError
from infra.stages import ALIAS, Stage

Resource = dict[str, Any]
Resources = dict[str, Resource]

# Sources that invoke asynchronously: Lambda retries a failed event, and then discards it.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
ASYNCHRONOUS = (CloudWatchEventConfig, S3EventConfig, ScheduledEventConfig, SNSEventConfig)

# Why findings of checkov do not apply.
FUNCTION_FINDINGS = {
    "CKV_AWS_115": "Reserved concurrency is Chalice's setting `reserved_concurrency`.",
    "CKV_AWS_117": "DynamoDB and the issuer are reached without a VPC, which is Chalice's setting.",
    "CKV_AWS_173": "The variables hold no secret.",
}
NO_DEAD_LETTERS = {"CKV_AWS_116": "Nothing invokes the function asynchronously."}
API_FINDINGS = {"CKV_AWS_120": "Most responses depend on the caller; the cache is a setting."}

DEAD_LETTERS = "DeadLetters"


def extension(stage: Stage) -> dict[str, Any]:
    """The template to merge into Chalice's. Raises CommandError for conflicting settings."""
    _check(stage)
    queued = asynchronous_functions()
    return {
        "Description": f"{stage.config.app_name}, stage {stage.name}.",
        **_section("Parameters", _parameters(stage)),
        **_section("Conditions", web_acl.conditions(stage) | alarms.conditions(stage)),
        **_section("Rules", alarms.rules(stage)),
        "Resources": {
            **_tables(stage),
            **scaling.resources(stage),
            **_logs(stage),
            **key.resources(stage),
            **_roles(stage, queued),
            **_function(stage),
            **_other_functions(stage, queued),
            **(user_pool.resources(stage, _callbacks(stage)) if stage.makes_user_pool else {}),
            **_rest_api(stage),
            **_custom_domain(stage),
            **web_acl.resources(stage, _stage_resource(stage)),
            **site.resources(stage),
            **_usage_plan(stage),
            **metrics.resources(stage),
            **gradual.resources(stage),
            **events.resources(stage, _item_tables(stage)),
            **webhooks.resources(stage),
            **alarms.resources(
                stage,
                DEAD_LETTERS if queued else None,
                [to_cfn_resource_name(name) for name in policy.other_functions()],
            ),
            **_dashboard(stage),
        },
        "Outputs": _outputs(stage),
    }


def asynchronous_functions() -> list[str]:
    """The names of the app's functions that are invoked asynchronously."""
    app: Any = application.app
    return sorted(
        [
            *(function.name for function in app.pure_lambda_functions),
            *(source.name for source in app.event_sources if isinstance(source, ASYNCHRONOUS)),
        ]
    )


def _check(stage: Stage) -> None:
    infra = stage.infra
    webhooks.check(stage)
    if infra.snap_start and infra.provisioned_concurrency:
        raise CommandError(
            f"The stage {stage.name!r} in .chalice/config.json has snap_start and "
            "provisioned_concurrency, and Lambda supports one of them at a time."
        )
    runtime: str = stage.config.lambda_python_version
    if infra.snap_start and runtime in {"python3.10", "python3.11"}:
        raise CommandError(
            f"SnapStart needs Python 3.12 or later, and this is {runtime}: "
            f"make clean, and then make package STAGE={stage.name} PYTHON=python3.13."
        )


def _parameters(stage: Stage) -> dict[str, Resource]:
    parameters = web_acl.parameters(stage) | alarms.parameters(stage) | site.parameters(stage)
    return parameters | (user_pool.PARAMETERS if stage.makes_user_pool else {})


def _section(name: str, content: dict[str, Any]) -> dict[str, Any]:
    """A section of the template. CloudFormation refuses an empty one."""
    return {name: content} if content else {}


def _tables(stage: Stage) -> Resources:
    """The tables, which are retained when the stack is deleted."""
    return {
        tables.logical_id(stage, definition): {
            "Type": "AWS::DynamoDB::Table",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            **key.finding(stage, "CKV_AWS_119"),
            "Properties": _table_properties(definition, stage),
        }
        for definition in tables.definitions(stage)
    }


def _item_tables(stage: Stage) -> list[str]:
    """The logical ids of the tables of resources."""
    return [
        tables.logical_id(stage, definition)
        for definition in tables.definitions(stage)
        if not tables.expires(definition)
    ]


def _table_properties(definition: dict[str, Any], stage: Stage) -> dict[str, Any]:
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
        "PointInTimeRecoveryEnabled": stage.infra.point_in_time_recovery
    }
    if not tables.expires(definition):
        properties |= events.table_properties(stage)
    if tables.expires(definition):
        properties["TimeToLiveSpecification"] = {
            "AttributeName": EXPIRY,
            "Enabled": True,
        }
    return properties


def _logs(stage: Stage) -> Resources:
    """The log groups, which are retained when the stack is deleted."""
    names = {"APIHandlerLogGroup": stage.log_group}
    if stage.infra.access_logs:
        names["AccessLogGroup"] = stage.access_log_group
    return {name: functions.log_group(stage, group) for name, group in names.items()}


def _roles(stage: Stage, queued: list[str]) -> Resources:
    """The roles with the generated policy, limited to this account and region."""
    document = policy.document(stage)
    for statement in document["Statement"]:
        if isinstance(statement["Resource"], list):
            statement["Resource"] = [_own(arn) for arn in statement["Resource"]]
    roles = {"ApiHandlerRole": document}
    for name in policy.other_functions():
        statements = document["Statement"]
        if name in queued:
            arn = {"Fn::GetAtt": [DEAD_LETTERS, "Arn"]}
            send = {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [arn]}
            statements = [*statements, send]
        roles[f"{to_cfn_resource_name(name)}Role"] = document | {"Statement": statements}
    return {
        role: {
            "Properties": {
                "Policies": [{"PolicyName": "storefront", "PolicyDocument": allowed}],
                "Tags": stage.tag_list,
            }
        }
        for role, allowed in roles.items()
    }


def _own(arn: str) -> Any:
    """An ARN of the policy, limited to this partition, region and account."""
    place = r"arn:${AWS::Partition}:\1:${AWS::Region}:${AWS::AccountId}:"
    own = re.sub(r"^arn:\*:(\w+):\*:\*:", place, arn)
    return {"Fn::Sub": own} if own != arn else arn


def _function(stage: Stage) -> Resources:
    properties: dict[str, Any] = {
        "LoggingConfig": {"LogGroup": {"Ref": "APIHandlerLogGroup"}},
        **_environment(stage),
    }
    resources: Resources = {
        "APIHandler": {
            "DependsOn": list(_tables(stage)),
            "Metadata": findings.skip(FUNCTION_FINDINGS | NO_DEAD_LETTERS),
            "Properties": properties,
        }
    }
    if stage.has_alias:
        # A new version for each change, of the memory, too.
        properties |= {"AutoPublishAlias": ALIAS, "AutoPublishAliasAllProperties": True}
        resources["APIHandlerInvokePermission"] = {
            "Properties": {"FunctionName": {"Ref": f"APIHandlerAlias{ALIAS}"}}
        }
    if stage.infra.provisioned_concurrency:
        properties["ProvisionedConcurrencyConfig"] = {
            "ProvisionedConcurrentExecutions": stage.infra.provisioned_concurrency
        }
    properties |= gradual.properties(stage)
    if stage.infra.snap_start:
        properties["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    return resources


def _environment(stage: Stage) -> dict[str, Any]:
    """A function's environment variables for the stack's own user pool and site."""
    variables = user_pool.variables() if stage.makes_user_pool else {}
    if site.cors_variable(stage):
        variables["CORS_ALLOW_ORIGIN"] = site.origin(stage)
    return {"Environment": {"Variables": variables}} if variables else {}


def _other_functions(stage: Stage, queued: list[str]) -> Resources:
    """The app's other functions, and the dead-letter queue of the asynchronous ones.

    The queue has the events of which all retries have failed.
    """
    target = {"Type": "SQS", "TargetArn": {"Fn::GetAtt": [DEAD_LETTERS, "Arn"]}}
    made: Resources = {}
    for name in policy.other_functions():
        is_queued = name in queued
        id_ = to_cfn_resource_name(name)
        made[f"{id_}LogGroup"] = functions.log_group(stage, f"{stage.log_group}-{name}")
        made[id_] = {
            "Metadata": findings.skip(FUNCTION_FINDINGS | ({} if is_queued else NO_DEAD_LETTERS)),
            "Properties": {
                "LoggingConfig": {"LogGroup": {"Ref": f"{id_}LogGroup"}},
                **_environment(stage),
                **({"DeadLetterQueue": target} if is_queued else {}),
            },
        }
    return {**({DEAD_LETTERS: queues.queue(stage)} if queued else {}), **made}


def _callbacks(stage: Stage) -> Any:
    """The URLs that the user pool may return to: the parameter's, and the site's."""
    given = {"Ref": "CallbackUrls"}
    if stage.infra.site is None:
        return given
    home = {"Fn::Join": ["", [site.origin(stage), "/"]]}
    return {"Fn::Split": [",", {"Fn::Join": [",", [home, {"Fn::Join": [",", given]}]]}]}


def _rest_api(stage: Stage) -> Resources:
    infra = stage.infra
    throttling = {
        "ThrottlingRateLimit": infra.throttle.rate,
        "ThrottlingBurstLimit": infra.throttle.burst,
        "MetricsEnabled": infra.detailed_metrics,
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
    if infra.access_logs:
        properties["AccessLogSetting"] = {
            "DestinationArn": {"Fn::GetAtt": ["AccessLogGroup", "Arn"]},
            "Format": rest_api.access_log(stage),
        }
    if infra.cache:
        properties |= {"CacheClusterEnabled": True, "CacheClusterSize": infra.cache.gigabytes}
        methods.extend(
            {
                "ResourcePath": "/" + path.replace("/", "~1"),
                "HttpMethod": "GET",
                "CachingEnabled": True,
                "CacheTtlInSeconds": infra.cache.seconds,
                "CacheDataEncrypted": True,
                **throttling,
            }
            for path in rest_api.cached_lists(application.app, stage)
        )
    return {"RestAPI": {"Metadata": findings.skip(API_FINDINGS), "Properties": properties}}


def _custom_domain(stage: Stage) -> Resources:
    """Chalice's mapping of the domain to the API's stage, which has to exist before."""
    if not stage.custom_domain:
        return {}
    return {"ApiGatewayCustomDomainMapping": {"DependsOn": [_stage_resource(stage)]}}


def _usage_plan(stage: Stage) -> Resources:
    plan = stage.infra.usage_plan
    if plan is None:
        return {}
    return {
        "UsagePlan": {
            "Type": "AWS::ApiGateway::UsagePlan",
            "DependsOn": [_stage_resource(stage)],
            "Properties": {
                "ApiStages": [
                    {"ApiId": {"Ref": "RestAPI"}, "Stage": stage.config.api_gateway_stage}
                ],
                "Throttle": {"RateLimit": plan.rate, "BurstLimit": plan.burst},
                "Quota": {"Limit": plan.requests_per_month, "Period": "MONTH"},
                "Tags": stage.tag_list,
            },
        },
        "ApiKey": {
            "Type": "AWS::ApiGateway::ApiKey",
            "DependsOn": [_stage_resource(stage)],
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


def _dashboard(stage: Stage) -> Resources:
    if not stage.infra.dashboard:
        return {}
    api = ["ApiName", stage.config.app_name, "Stage", stage.config.api_gateway_stage]
    function = ["FunctionName", "${APIHandler}"]
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
                "metrics": metrics,
                "region": "${AWS::Region}",
                "period": 60,
                "view": "timeSeries",
            },
        }
        for title, metrics in graphs.items()
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
    return {
        "Dashboard": {
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {
                "DashboardName": {"Fn::Sub": f"{stage.function}-${{AWS::Region}}"},
                "DashboardBody": {"Fn::Sub": json.dumps({"widgets": widgets})},
            },
        }
    }


def _metric_graphs(stage: Stage) -> dict[str, list[Any]]:
    """The graphs of the metrics of the log lines, by title."""
    if not stage.infra.metrics:
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
    if stage.infra.metrics == "operations":
        for each in metrics.OPERATION_METRICS:
            statistic = "p99" if each is metrics.LATENCY else "Sum"
            # In double quotes, because of the hyphen in the namespace.
            schema = f'{{"{namespace}",{metrics.OPERATION}}} MetricName="{each.name}"'
            expression = f"SEARCH('{schema}', '{statistic}', 60)"
            graphs[f"{each.name} by operation"] = [[{"expression": expression, "label": ""}]]
    return graphs


def _outputs(stage: Stage) -> dict[str, Resource]:
    outputs: dict[str, Resource] = {
        resource: {"Description": "A table's name.", "Value": {"Ref": resource}}
        for resource in _tables(stage)
    }
    if stage.infra.usage_plan:
        outputs["ApiKeyId"] = {
            "Description": "aws apigateway get-api-key --include-value --api-key prints the key.",
            "Value": {"Ref": "ApiKey"},
        }
    own = stage.variables.get("OIDC_ISSUER")
    outputs["Issuer"] = {
        "Description": "Whose access tokens the API accepts.",
        "Value": own or user_pool.variables()["OIDC_ISSUER"],
    }
    if stage.makes_user_pool:
        outputs |= user_pool.outputs()
    outputs |= site.outputs(stage) | events.outputs(stage) | webhooks.outputs(stage)
    if stage.has_alias:
        outputs["APIHandlerAlias"] = {
            "Description": "What API Gateway calls.",
            "Value": {"Ref": f"APIHandlerAlias{ALIAS}"},
        }
    if stage.infra.dashboard:
        url = (
            "https://${AWS::Region}.console.aws.amazon.com/cloudwatch/home"
            "?region=${AWS::Region}#dashboards:name=${Dashboard}"
        )
        outputs["DashboardURL"] = {"Value": {"Fn::Sub": url}}
    return outputs


def _stage_resource(stage: Stage) -> str:
    """The logical id of the API's stage, which SAM creates."""
    return f"RestAPI{stage.config.api_gateway_stage}Stage"
