"""`make package`: the template, as CloudFormation expands it, and the zip."""

import itertools
import json
import shutil
import subprocess
import sys
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from cfnlint.api import lint_file
from chalice.config import Config

from infra import stages
from infra.aws import bundle, policy, tables, template
from infra.errors import CommandError
from infra.stages import Infra
from tests import sign_in
from tests.conftest import PROJECT
from tests.deployed import mappings
from tests.deployed.conftest import CLEAN
from tests.deployed.mappings import BadRequest
from tests.deployed.templates import (
    ASYNCHRONOUS,
    DOMAIN,
    EVERYTHING,
    VPC,
    Package,
    expanded,
    of_type,
    only,
)

# Not among the requirements: it pins other versions of AWS's SDK.
CHECKOV = "checkov@3.2.489"


@pytest.fixture(scope="module")
def prod(package: Package) -> Path:
    """The package of prod, as it is."""
    return package("prod")


@pytest.fixture(scope="module")
def full(package: Package) -> Path:
    """The package of a stage with every setting."""
    return package("test", EVERYTHING, ASYNCHRONOUS)


@pytest.mark.parametrize("stage", stages.cloud_stages())
def test_cfn_lint_has_no_finding(package: Package, stage: str) -> None:
    """The template of every stage, as it is."""
    assert lint_file(package(stage) / "sam.json") == []


@pytest.mark.parametrize(
    ("settings", "chalice"),
    [
        (EVERYTHING, {}),
        ({"access_logs": False, "point_in_time_recovery": False, "alarms": False}, {}),
        ({"site": {}}, {}),
        ({"usage_plan": {}}, VPC),
    ],
    ids=["everything", "little", "site", "plan-and-vpc"],
)
def test_cfn_lint_has_no_finding_with_other_settings(
    package: Package, settings: dict[str, Any], chalice: dict[str, Any]
) -> None:
    """Each setting makes something that CloudFormation takes."""
    assert lint_file(package("prod", settings, chalice=chalice) / "sam.json") == []


@pytest.mark.timeout(180)
def test_checkov_has_no_finding(package: Package, prod: Path, full: Path, tmp_path: Path) -> None:
    """What is not as checkov wants it has a reason beside it: in templates and in workflows."""
    site = package("dev", {"site": {}, "alarms": True})
    for name, folder in {"prod": prod, "everything": full, "site": site}.items():
        (tmp_path / f"{name}.json").write_bytes((folder / "sam.json").read_bytes())
    shutil.copytree(PROJECT / ".github", tmp_path / ".github")
    frameworks = ["cloudformation", "github_actions"]

    said = subprocess.run(
        [
            *(str(PROJECT / ".venv/bin/uv"), "tool", "run", CHECKOV, "--skip-download"),
            *("--output", "json", "--framework", *frameworks, "--directory", str(tmp_path)),
        ],
        env=CLEAN,
        capture_output=True,
        text=True,
        check=False,
    )

    reports = {each["check_type"]: each["results"] for each in json.loads(said.stdout)}
    assert sorted(reports) == frameworks
    for results in reports.values():
        assert [(each["check_id"], each["resource"]) for each in results["failed_checks"]] == []
        assert results["passed_checks"]
        assert results["parsing_errors"] == []
    templates = {each["file_path"] for each in reports["cloudformation"]["passed_checks"]}
    assert templates == {"/prod.json", "/everything.json", "/site.json"}


def test_table_protection(prod: Path) -> None:
    """What is in them outlives the stack and its mistakes."""
    made = of_type(expanded(prod), "AWS::DynamoDB::Table")

    declared = {each["TableName"]: each for each in tables.definitions(stages.load("prod"))}
    assert {each["Properties"]["TableName"] for each in made.values()} == set(declared)
    assert {"UsersTable", "ProductsTable", "TodosTable", "ReviewsTable", "ClaimsTable"} <= set(made)
    for table in made.values():
        properties = table["Properties"]
        definition = declared[properties["TableName"]]
        assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
        assert properties["PointInTimeRecoverySpecification"] == {
            "PointInTimeRecoveryEnabled": True
        }
        assert properties["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
        assert properties["DeletionProtectionEnabled"] is True
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        for name in ("KeySchema", "AttributeDefinitions", "Tags"):
            assert properties[name] == definition[name]
        assert properties.get("GlobalSecondaryIndexes") == definition.get("GlobalSecondaryIndexes")
    assert made["ClaimsTable"]["Properties"]["TimeToLiveSpecification"] == {
        "AttributeName": "expiresAt",
        "Enabled": True,
    }
    assert [
        name for name, each in made.items() if "TimeToLiveSpecification" in each["Properties"]
    ] == ["ClaimsTable"]


def test_role_has_the_generated_policy(prod: Path) -> None:
    """Every ARN names partition, region and account; nothing is added, nothing is lost."""
    role = expanded(prod)["ApiHandlerRole"]["Properties"]
    (inline,) = role["Policies"]
    generated = policy.document(stages.load("prod"))["Statement"]

    assert "ManagedPolicyArns" not in role
    for statement, original in zip(inline["PolicyDocument"]["Statement"], generated, strict=True):
        assert statement["Action"] == original["Action"]
        resources = statement["Resource"]
        if resources == "*":
            assert all(action.startswith("xray:") for action in statement["Action"])
            continue
        for resource, wide in zip(resources, original["Resource"], strict=True):
            place = ":${AWS::Region}:${AWS::AccountId}:"
            wanted = wide.replace("arn:*", "arn:${AWS::Partition}").replace(":*:*:", place)
            assert resource == {"Fn::Sub": wanted}


def test_stage_settings_of_the_template(prod: Path) -> None:
    """The stage of the API has what `make deploy` sets by calls."""
    resources = expanded(prod)
    stage = resources["RestAPIprodStage"]["Properties"]
    (methods,) = stage["MethodSettings"]

    assert methods == {
        "ResourcePath": "/*",
        "HttpMethod": "*",
        "CachingEnabled": False,
        "MetricsEnabled": False,
        "ThrottlingRateLimit": 1000.0,
        "ThrottlingBurstLimit": 2000,
    }
    assert stage["TracingEnabled"] is True
    assert stage["AccessLogSetting"]["DestinationArn"] == {"Fn::GetAtt": ["AccessLogGroup", "Arn"]}
    logged = json.loads(stage["AccessLogSetting"]["Format"])
    assert logged["requestId"] == "$context.requestId"
    assert not any("identity" in value or "authorizer" in value for value in logged.values())
    api = only(resources, "AWS::ApiGateway::RestApi")
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert api["MinimumCompressionSize"] == 1024
    for name, group in (
        ("APIHandlerLogGroup", "/aws/lambda/storefront-prod"),
        ("AccessLogGroup", "/aws/apigateway/storefront-prod"),
    ):
        assert resources[name]["Properties"]["LogGroupName"] == group
        assert resources[name]["Properties"]["RetentionInDays"] == 90
        assert resources[name]["DeletionPolicy"] == "Retain"
    function = resources["APIHandler"]["Properties"]
    assert function["LoggingConfig"] == {"LogGroup": {"Ref": "APIHandlerLogGroup"}}
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["MemorySize"] == 1024


ORIGINS = ("https://shop.example", "https://staff.example")
ALLOW_ORIGIN = "Access-Control-Allow-Origin"


@pytest.mark.parametrize("origins", [("*",), ORIGINS[:1], ORIGINS], ids=len)
def test_gateway_responses_have_the_apis_form(package: Package, origins: tuple[str, ...]) -> None:
    """Problem documents that every allowed origin can read, 404 for an unknown path, and 405."""
    variables: dict[str, str] = stages.load("dev").config.environment_variables
    variables = {**variables, "CORS_ALLOW_ORIGIN": " ".join(origins)}
    folder = package("dev", chalice={"environment_variables": variables}, OIDC_ISSUER="none")
    document = only(expanded(folder), "AWS::ApiGateway::RestApi")["Body"]
    responses = document["x-amazon-apigateway-gateway-responses"]

    mappings.check(document)
    unknown = responses["MISSING_AUTHENTICATION_TOKEN"]
    assert unknown["statusCode"] == "404"
    assert responses["THROTTLED"]["statusCode"] == "429"
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "INTEGRATION_TIMEOUT", "WAF_FILTERED"} <= set(responses)
    literal = "*" if len(origins) > 1 else origins[0]
    for response in responses.values():
        headers = response["responseParameters"]
        assert headers[f"gatewayresponse.header.{ALLOW_ORIGIN}"] == f"'{literal}'"
        assert headers.get("gatewayresponse.header.Vary") == (
            None if origins == ("*",) else "'Origin'"
        )
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert headers["gatewayresponse.header.X-Request-Id"] == "context.requestId"
        problem = json.loads(response["responseTemplates"]["application/json"])
        assert set(problem) == {"type", "title", "status", "detail", "requestId"}
        assert str(problem["status"]) == response["statusCode"]
    for path, operations in document["paths"].items():
        other = operations["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
        preflight = operations["options"]["x-amazon-apigateway-integration"]
        named = {name.upper() for name in operations if not name.startswith("x-")}
        answer = other["responses"]["default"]
        assert (other["type"], answer["statusCode"]) == ("mock", "405"), path
        allow = answer["responseParameters"]["method.response.header.Allow"].strip("'")
        assert set(allow.split(", ")) == named
        for integration in (other, preflight):
            for name, origin in itertools.product(("Origin", "origin"), (*ORIGINS, "https://x.y")):
                allowed = allowed_origin(integration["responses"]["default"], {name: origin})
                expected = origin if origin in origins else None
                assert allowed == (origins[0] if len(origins) == 1 else expected)


def allowed_origin(response: dict[str, Any], headers: dict[str, str]) -> str | None:
    """The origin that a mock integration's response allows, as API Gateway makes it."""
    literal = response["responseParameters"].get(f"method.response.header.{ALLOW_ORIGIN}")
    template = response.get("responseTemplates", {}).get("application/json", "")
    _, overrides = mappings.render(template, headers)
    return overrides.get(ALLOW_ORIGIN, literal.strip("'") if literal else None)


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("integration response", "method.request.header.Origin"),
        ("integration response", "https://shop.example"),
        ("gateway response", "integration.response.header.Origin"),
        ("gateway response", "*"),
    ],
)
def test_mappings_that_api_gateway_refuses(prod: Path, kind: str, source: str) -> None:
    """The emulators refuse them, too: a stack with such a document is rolled back."""
    document = only(expanded(prod), "AWS::ApiGateway::RestApi")["Body"]
    mappings.check(document)
    if kind == "gateway response":
        response = document["x-amazon-apigateway-gateway-responses"]["THROTTLED"]
        response["responseParameters"]["gatewayresponse.header.X"] = source
    else:
        integration = document["paths"]["/users"]["options"]["x-amazon-apigateway-integration"]
        response = integration["responses"]["default"]
        response["responseParameters"]["method.response.header.Vary"] = source

    with pytest.raises(BadRequest, match="Invalid mapping expression"):
        mappings.check(document)


@pytest.mark.parametrize("stage", stages.cloud_stages())
def test_one_stage_of_the_api(package: Package, stage: str) -> None:
    """Each has the throttle, the log and the web ACL; SAM makes no second one without them."""
    resources = expanded(package(stage))

    assert [
        name
        for name, each in of_type(resources, "AWS::ApiGateway::Deployment").items()
        if "StageName" in each["Properties"]
    ] == []
    made = of_type(resources, "AWS::ApiGateway::Stage").values()
    assert [each["Properties"]["StageName"] for each in made] == [stage]


def test_alarms_and_dashboard_metrics_exist(prod: Path) -> None:
    """5xx, p99 and throttles of the API; errors and throttles of every table and index."""
    resources = expanded(prod)
    made = of_type(resources, "AWS::CloudWatch::Alarm")
    alarms = {name: alarm["Properties"] for name, alarm in made.items()}

    api = [{"Name": "ApiName", "Value": "storefront"}, {"Name": "Stage", "Value": "prod"}]
    assert alarms["ApiErrorsAlarm"]["MetricName"] == "5XXError"
    assert alarms["ApiErrorsAlarm"]["Dimensions"] == api
    assert alarms["ApiLatencyAlarm"]["ExtendedStatistic"] == "p99"
    assert alarms["ApiLatencyAlarm"]["Dimensions"] == api
    assert only(resources, "AWS::ApiGateway::RestApi")["Body"]["info"]["title"] == "storefront"
    assert alarms["FunctionThrottlesAlarm"]["Dimensions"] == [
        {"Name": "FunctionName", "Value": {"Ref": "APIHandler"}}
    ]
    watched = {
        tuple(dimension["Value"] for dimension in query["MetricStat"]["Metric"]["Dimensions"])
        for name, alarm in alarms.items()
        if name.endswith("TableThrottlesAlarm")
        for query in alarm["Metrics"]
        if "MetricStat" in query
    }
    assert watched == {
        place
        for definition in tables.definitions(stages.load("prod"))
        for place in (
            (definition["TableName"],),
            *(
                (definition["TableName"], index["IndexName"])
                for index in definition.get("GlobalSecondaryIndexes", [])
            ),
        )
    }
    errors = {name for name in alarms if name.endswith("TableErrorsAlarm")}
    assert errors == {f"{name}ErrorsAlarm" for name in of_type(resources, "AWS::DynamoDB::Table")}
    for alarm in alarms.values():
        assert alarm["TreatMissingData"] == "notBreaching"
        receivers = [each["Fn::If"][:2] for each in alarm["AlarmActions"]]
        assert receivers == [
            ["HasAlarmTopic", {"Ref": "AlarmTopicArn"}],
            ["HasAlarmEmail", {"Ref": "AlarmTopic"}],
        ]
        assert alarm["OKActions"] == alarm["AlarmActions"]
        # CloudWatch takes at most ten metrics in one alarm.
        assert len([each for each in alarm.get("Metrics", []) if "MetricStat" in each]) <= 10
    dashboard = only(resources, "AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(dashboard)["widgets"]
    assert "storefront-prod-todos" in dashboard
    assert {widget["type"] for widget in widgets} == {"metric", "log"}


def test_no_idle_costs(package: Package) -> None:
    """By default: no capacity, cache, key, concurrency, alarm or dashboard."""
    resources = expanded(package("dev"))

    assert {resource["Type"] for resource in resources.values()} == {
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGateway::Stage",
        "AWS::Cognito::ManagedLoginBranding",
        "AWS::Cognito::UserPool",
        "AWS::Cognito::UserPoolClient",
        "AWS::Cognito::UserPoolDomain",
        "AWS::Cognito::UserPoolGroup",
        "AWS::Cognito::UserPoolResourceServer",
        "AWS::DynamoDB::Table",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::WAFv2::WebACLAssociation",
    }
    assert resources["WebAclAssociation"]["Condition"] == "HasWebAcl"
    assert "CacheClusterEnabled" not in resources["RestAPIdevStage"]["Properties"]
    for table in of_type(resources, "AWS::DynamoDB::Table").values():
        assert "ProvisionedThroughput" not in table["Properties"]
        assert "SSESpecification" not in table["Properties"]


def test_web_acl(full: Path) -> None:
    """A rate for each address, AWS's rules, and none that refuses what the API accepts."""
    resources = expanded(full)
    rules = {each["Name"]: each for each in only(resources, "AWS::WAFv2::WebACL")["Rules"]}

    rate = rules["requests-per-ip"]["Statement"]["RateBasedStatement"]
    assert rate == {"Limit": 500, "AggregateKeyType": "IP"}
    assert rules["requests-per-ip"]["Action"] == {"Block": {}}
    group = rules["common-rules"]["Statement"]["ManagedRuleGroupStatement"]
    assert group["Name"] == "AWSManagedRulesCommonRuleSet"
    counted = {each["Name"] for each in group["RuleActionOverrides"]}
    assert "SizeRestrictions_BODY" in counted
    association = resources["WebAclAssociation"]
    assert "Condition" not in association
    assert association["Properties"]["WebACLArn"] == {"Fn::GetAtt": ["WebAcl", "Arn"]}
    assert "WebAclArn" not in json.loads((full / "sam.json").read_text())["Parameters"]


def test_customer_managed_key(full: Path) -> None:
    """It encrypts tables and logs, outlives the stack, and serves the functions alone."""
    resources = expanded(full)
    (key,) = of_type(resources, "AWS::KMS::Key").values()
    arn = {"Fn::GetAtt": ["Key", "Arn"]}

    policies = (key["DeletionPolicy"], key["UpdateReplacePolicy"])
    assert policies == ("RetainExceptOnCreate", "Retain")
    assert key["Properties"]["EnableKeyRotation"] is True
    for table in of_type(resources, "AWS::DynamoDB::Table").values():
        assert table["Properties"]["SSESpecification"]["KMSMasterKeyId"] == arn
    for group in of_type(resources, "AWS::Logs::LogGroup").values():
        assert group["Properties"]["KmsKeyId"] == arn
    statements = {each["Sid"]: each for each in key["Properties"]["KeyPolicy"]["Statement"]}
    functions = statements["Functions"]["Condition"]
    assert "role/storefront-test-*" in json.dumps(functions["ArnLike"]["aws:PrincipalArn"])
    assert "dynamodb." in json.dumps(functions["StringEquals"]["kms:ViaService"])
    assert "kms:*" not in statements["Functions"]["Action"]
    allowed = statements["Logs"]["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    names = {each["Fn::Sub"].partition("log-group:")[2] for each in allowed}
    groups = {
        each["Properties"]["LogGroupName"]
        for each in of_type(resources, "AWS::Logs::LogGroup").values()
    }
    assert all(any(fnmatch(group, name) for name in names) for group in groups)


def test_custom_domain(package: Package) -> None:
    """API Gateway's own address is closed, and browsers refuse plain HTTP for the domain."""
    folder = package("prod", chalice=DOMAIN)
    resources = expanded(folder)

    assert lint_file(folder / "sam.json") == []
    mapping = of_type(resources, "AWS::ApiGateway::BasePathMapping")
    assert [each["DependsOn"] for each in mapping.values()] == [["RestAPIprodStage"]]
    body = only(resources, "AWS::ApiGateway::RestApi")
    assert "true" in json.dumps(body).lower().partition("disableexecuteapiendpoint")[2][:8]
    variables = resources["APIHandler"]["Properties"]["Environment"]["Variables"]
    assert variables["HSTS_SECONDS"] == "63072000"
    responses = body["Body"]["x-amazon-apigateway-gateway-responses"]
    for response in responses.values():
        sent = response["responseParameters"]
        assert sent["gatewayresponse.header.Strict-Transport-Security"] == "'max-age=63072000'"


def test_metrics_of_the_log_lines(prod: Path, full: Path) -> None:
    """Nine of the stage; with `operations`, six of each operation; two of each version."""
    dimensions = {}
    for name, folder in {"prod": prod, "full": full}.items():
        filters = of_type(expanded(folder), "AWS::Logs::MetricFilter").values()
        made = [each["Properties"]["MetricTransformations"][0] for each in filters]
        keys = [tuple(each["Key"] for each in one.get("Dimensions", ())) for one in made]
        dimensions[name] = Counter(keys)
        assert {one["MetricNamespace"] for one in made} == {
            "storefront-prod" if name == "prod" else "storefront-test"
        }
    assert dimensions == {
        "prod": {(): 9, ("version",): 2},
        "full": {(): 9, ("operation",): 6, ("version",): 2},
    }
    dashboard = only(expanded(full), "AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(dashboard)["widgets"]
    titles = {widget["properties"]["title"] for widget in widgets}
    assert {"Requests by operation", "WriteUnits by operation"} <= titles


def test_access_log_has_the_source_ip_on_request_alone(prod: Path, full: Path) -> None:
    """It is personal data."""
    logged = {
        name: expanded(folder)[f"RestAPI{stage}Stage"]["Properties"]["AccessLogSetting"]["Format"]
        for name, folder, stage in (("prod", prod, "prod"), ("full", full, "test"))
    }

    assert "sourceIp" not in json.loads(logged["prod"])
    assert json.loads(logged["full"])["sourceIp"] == "$context.identity.sourceIp"


def test_user_pool_of_a_stage_without_an_issuer(prod: Path) -> None:
    """The function accepts the pool's tokens; the pool outlives the stack, and has no secret."""
    resources = expanded(prod)
    variables = resources["APIHandler"]["Properties"]["Environment"]["Variables"]
    pool = only(resources, "AWS::Cognito::UserPool")
    client = only(resources, "AWS::Cognito::UserPoolClient")
    group = only(resources, "AWS::Cognito::UserPoolGroup")

    assert variables["OIDC_ISSUER"] == {
        "Fn::Sub": "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPool}"
    }
    audiences = [{"Ref": "UserPoolClient"}, "storefront", {"Ref": "MachineClients"}]
    assert variables["OIDC_AUDIENCE"] == {"Fn::Join": [" ", audiences]}
    assert variables["DOCS_CLIENT_ID"] == {"Ref": "UserPoolClient"}
    assert variables["OIDC_ROLES"] == "cognito:groups scope"
    kept = [each for each in resources.values() if each["Type"].startswith("AWS::Cognito::")]
    policies = {(each["DeletionPolicy"], each["UpdateReplacePolicy"]) for each in kept}
    assert (len(kept), policies) == (6, {("RetainExceptOnCreate", "Retain")})
    assert pool["DeletionProtection"] == "ACTIVE"
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["GenerateSecret"] is False
    assert "storefront/staff" not in client["AllowedOAuthScopes"]
    assert group["GroupName"] == "staff"
    # The version that answers `prompt=none` without a page.
    assert only(resources, "AWS::Cognito::UserPoolDomain")["ManagedLoginVersion"] == 2
    style = only(resources, "AWS::Cognito::ManagedLoginBranding")
    assert style["ClientId"] == {"Ref": "UserPoolClient"}


@pytest.mark.parametrize("issuer", [sign_in.VARIABLES, {"OIDC_ISSUER": "none"}])
def test_no_user_pool_beside_an_issuer(package: Package, issuer: dict[str, str]) -> None:
    """The issuer of the environment, or none, is the function's."""
    folder = package("dev", **issuer)
    resources = expanded(folder)

    variables = resources["APIHandler"]["Properties"]["Environment"]["Variables"]
    assert {name: variables[name] for name in issuer} == issuer
    assert of_type(resources, "AWS::Cognito::UserPool") == {}
    assert lint_file(folder / "sam.json") == []


def test_every_function_gets_the_issuer(full: Path) -> None:
    """Functions that are not HTTP requests, too."""
    functions = of_type(expanded(full), "AWS::Lambda::Function").values()

    variables = [
        each["Properties"]["Environment"]["Variables"]
        for each in functions
        # The others have no callers.
        if each["Properties"]["Handler"].startswith("app.")
    ]
    issuers = [each["OIDC_ISSUER"] for each in variables]
    assert len(issuers) == 4
    assert all(issuer == issuers[0] for issuer in issuers)


def test_cache_keys_include_every_parameter(full: Path) -> None:
    """The lists that are named are cached, by all that they depend on; nothing else is."""
    resources = expanded(full)
    stage = resources["RestAPItestStage"]["Properties"]
    body = only(resources, "AWS::ApiGateway::RestApi")["Body"]

    assert stage["CacheClusterEnabled"] is True
    assert stage["CacheClusterSize"] == "1.6"
    cached = {
        (each["ResourcePath"], each["HttpMethod"]): each["CacheTtlInSeconds"]
        for each in stage["MethodSettings"]
        if each["CachingEnabled"]
    }
    assert cached == {("/~1products", "GET"): 30}
    # The settings of one method replace those of all.
    assert all(
        each["ThrottlingBurstLimit"] == 200 and each["CacheDataEncrypted"]
        for each in stage["MethodSettings"]
        if each["CachingEnabled"]
    )
    integration = body["paths"]["/products"]["get"]["x-amazon-apigateway-integration"]
    assert {name.rpartition(".")[2] for name in integration["cacheKeyParameters"]} == {
        "cursor",
        "limit",
        "maxPrice",
        "minPrice",
        "sort",
        "id",
        "If-None-Match",
    }


def test_usage_plan_requires_an_api_key(package: Package) -> None:
    """Every method but a preflight needs a key of the plan."""
    plan = {"rate": 5, "burst": 7, "requests_per_month": 1000}
    resources = expanded(package("test", {"usage_plan": plan}))
    plan = only(resources, "AWS::ApiGateway::UsagePlan")

    assert plan["Throttle"] == {"RateLimit": 5.0, "BurstLimit": 7}
    assert plan["Quota"] == {"Limit": 1000, "Period": "MONTH"}
    assert plan["ApiStages"] == [{"ApiId": {"Ref": "RestAPI"}, "Stage": "test"}]
    assert of_type(resources, "AWS::ApiGateway::UsagePlan")["UsagePlan"]["DependsOn"] == [
        "RestAPItestStage"
    ]
    assert only(resources, "AWS::ApiGateway::UsagePlanKey")["KeyId"] == {"Ref": "ApiKey"}
    body = only(resources, "AWS::ApiGateway::RestApi")["Body"]
    for operations in body["paths"].values():
        for method, operation in operations.items():
            needs_key = {"api_key": []} in operation.get("security", [])
            assert needs_key == (method != "options")


def test_template_scales_provisioned_capacity(full: Path) -> None:
    """Reads and writes of each table and index have a target and a policy."""
    resources = expanded(full)
    targets = of_type(resources, "AWS::ApplicationAutoScaling::ScalableTarget")
    policies = of_type(resources, "AWS::ApplicationAutoScaling::ScalingPolicy")

    definitions = list(tables.definitions(stages.load("test")))
    number = sum(1 + len(each.get("GlobalSecondaryIndexes", [])) for each in definitions)
    # Five tables with nine indexes, at least.
    assert len(targets) == len(policies) == 2 * number >= 2 * (5 + 9)
    for target in targets.values():
        assert (target["Properties"]["MinCapacity"], target["Properties"]["MaxCapacity"]) == (3, 50)
    for each in policies.values():
        tracking = each["Properties"]["TargetTrackingScalingPolicyConfiguration"]
        assert tracking["TargetValue"] == 60
    table = resources["TodosTable"]["Properties"]
    assert table["ProvisionedThroughput"] == {"ReadCapacityUnits": 3, "WriteCapacityUnits": 3}


def test_api_gateway_invokes_the_alias(full: Path) -> None:
    """Every integration and the permission point at the alias, or the setting would do nothing."""
    resources = expanded(full)

    alias = resources["APIHandlerAliaslive"]["Properties"]
    assert alias["Name"] == "live"
    version = alias["FunctionVersion"]["Fn::GetAtt"][0]
    assert resources[version]["Type"] == "AWS::Lambda::Version"
    assert resources["APIHandlerInvokePermission"]["Properties"]["FunctionName"] == {
        "Ref": "APIHandlerAliaslive"
    }
    assert alias["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 2}
    uris = {
        operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        for operations in only(resources, "AWS::ApiGateway::RestApi")["Body"]["paths"].values()
        for operation in operations.values()
        if "uri" in operation["x-amazon-apigateway-integration"]
    }
    assert len(uris) == 1
    assert "functions/${APIHandlerAliaslive}/invocations" in uris.pop()


def test_snap_start_of_the_published_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It does nothing for the latest version, and it needs Python 3.12 on Lambda."""
    stage = stages.Stage("dev", stages.load("dev").config, Infra(snap_start=True))
    monkeypatch.setattr(Config, "lambda_python_version", "python3.13")

    resources = template.extension(stage)["Resources"]

    function = resources["APIHandler"]["Properties"]
    assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert function["AutoPublishAlias"] == "live"
    permission = resources["APIHandlerInvokePermission"]["Properties"]
    assert permission["FunctionName"] == {"Ref": "APIHandlerAliaslive"}

    monkeypatch.setattr(Config, "lambda_python_version", "python3.11")
    with pytest.raises(CommandError, match=r"^SnapStart needs Python 3\.12 or later, and this is"):
        template.extension(stage)


def test_other_functions(full: Path) -> None:
    """They have a log with retention, the stage's key and an alarm, and a dead-letter queue.

    What an asynchronous one failed on is kept there; a queue's events stay in the queue.
    """
    resources = expanded(full)
    queue = resources["DeadLetters"]["Properties"]
    arn = {"Fn::GetAtt": ["DeadLetters", "Arn"]}

    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert queue["SqsManagedSseEnabled"] is True
    for name in ("SweepUp", "Count"):
        assert resources[name]["Properties"]["DeadLetterConfig"] == {"TargetArn": arn}
        statements = resources[f"{name}Role"]["Properties"]["Policies"][0]["PolicyDocument"]
        assert {
            "Effect": "Allow",
            "Action": ["sqs:SendMessage"],
            "Resource": [arn],
        } in statements["Statement"]
    for name, suffix in (("SweepUp", "sweep_up"), ("Count", "count"), ("TakeOrder", "take_order")):
        group = resources[f"{name}LogGroup"]["Properties"]
        assert group["LogGroupName"] == f"/aws/lambda/storefront-test-{suffix}"
        assert (group["RetentionInDays"], "KmsKeyId" in group) == (14, True)
        assert resources[name]["Properties"]["LoggingConfig"] == {
            "LogGroup": {"Ref": f"{name}LogGroup"}
        }
        alarm = resources[f"{name}ThrottlesAlarm"]["Properties"]
        assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": name}}]
    assert "DeadLetterConfig" not in resources["TakeOrder"]["Properties"]
    assert "DeadLetterConfig" not in resources["APIHandler"]["Properties"]


def test_zip_contents(prod: Path) -> None:
    """Under 6.5 MB, a .pyc for each module, no boto3, nothing of the machine it was made on."""
    zip_file = prod / "deployment.zip"
    names = ZipFile(zip_file).namelist()

    assert zip_file.stat().st_size < 6_500_000
    assert not [name for name in names if name.startswith(("boto", "infra", "tests"))]
    assert not [name for name in names if "/." in name or name.startswith(".")]
    modules = [name for name in names if name.endswith(".py")]
    tag = sys.implementation.cache_tag
    for module in modules:
        folder, _, file = module.rpartition("/")
        compiled = f"{folder}/__pycache__/{file.removesuffix('.py')}.{tag}.pyc"
        assert compiled.lstrip("/") in names
    runtime = (prod / "sam.json").read_text()
    assert f'"python{sys.version_info[0]}.{sys.version_info[1]}"' in runtime


def test_zip_is_reproducible(prod: Path, package: Package) -> None:
    """Another checkout at another time and place: the template and the zip are the same."""
    other = package("prod", TZ="Asia/Tokyo", PYTHONHASHSEED="7")

    for name in ("deployment.zip", "sam.json"):
        assert (other / name).read_bytes() == (prod / name).read_bytes()


def test_every_stage_has_the_same_zip(prod: Path, package: Package) -> None:
    """The zip that was tested in one stage is deployed to the next."""
    other = package("dev") / "deployment.zip"

    assert other.read_bytes() == (prod / "deployment.zip").read_bytes()


def test_other_files_in_chalicelib_are_not_packed(tmp_path: Path) -> None:
    """Chalice packs every file in chalicelib/; a secret there would be uploaded."""
    plain, ordered = tmp_path / "plain.zip", tmp_path / "ordered.zip"
    with ZipFile(plain, "w") as made:
        made.writestr("app.py", "x = 1\n")
        for name in (".env", "chalicelib/.secret", "chalicelib/store.py~", "chalicelib/a.swp~"):
            made.writestr(name, "secret")
        made.writestr("chalicelib/__pycache__/store.cpython-39.pyc", b"old")

    bundle.normalize(plain, ordered)

    tag = sys.implementation.cache_tag
    assert ZipFile(ordered).namelist() == [f"__pycache__/app.{tag}.pyc", "app.py"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"snap_start": True, "provisioned_concurrency": 1},
            "The stage 'dev' in .chalice/config.json has snap_start and provisioned_concurrency",
        ),
        (
            {"cache": {"resources": ["orders"]}},
            "The stage 'dev' in .chalice/config.json caches orders",
        ),
        (
            {"cache": {"resources": ["todos"]}},
            "caches todos, which is not the same list for every caller",
        ),
        (
            {"cache": {"resources": ["reviews"]}},
            "caches reviews, which is not the same list for every caller",
        ),
    ],
)
def test_conflicting_settings_are_rejected(
    settings: dict[str, Any], said: str, package: Package
) -> None:
    """One sentence, before anything is written."""
    with pytest.raises(AssertionError, match=said):
        package("dev", settings)
