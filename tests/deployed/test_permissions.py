"""The documented policies, against what CloudFormation's handlers and `make stack` call."""

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from infra.deploy import stack
from tests.conftest import PROJECT
from tests.deployed.conftest import Account
from tests.deployed.templates import (
    ASYNCHRONOUS,
    DOMAIN,
    EVERYTHING,
    REGION,
    VPC,
    Package,
    expanded,
)

POLICIES = PROJECT / "docs" / "policies"
SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MAX_INLINE_CHARACTERS = 10_240

# What the handlers need for properties that no template has.
NOT_NEEDED = {
    "AWS::ApiGateway::RestApi": ("iam:PassRole", "s3:GetObject"),
    "AWS::ApplicationAutoScaling::ScalableTarget": ("iam:PassRole", "lambda:.*"),
    "AWS::Cognito::*": ("iam:.*", "kms:.*", "cloudfront:updateDistribution"),
    "AWS::DynamoDB::Table": (
        "dynamodb:(Associate|Create)TableReplica",
        "dynamodb:.*(Item|Import|ImportTable)",
        "dynamodb:(Query|Scan)",
        "dynamodb:(Delete|Put)ResourcePolicy",
        "dynamodb:UpdateContributorInsights",
        "dynamodb:(Disable|Enable|Update)KinesisStreamingDestination",
        "kinesis:.*",
        "logs:.*",
        "s3:.*",
    ),
    # There is no such action: ReEncryptFrom and ReEncryptTo are.
    "AWS::Events::EventBus": ("kms:ReEncrypt",),
    "AWS::Events::Rule": ("iam:PassRole",),
    "AWS::IAM::Role": ("iam:(Delete|Put)RolePermissionsBoundary",),
    "AWS::Lambda::EventSourceMapping": ("kms:.*",),
    "AWS::Lambda::Function": (
        "elasticfilesystem:.*",
        "s3files:.*",
        "s3:GetObjectVersion",
        "lambda:(AssociateRuntimeAlias|PassCapacityProvider)",
        "lambda:(GetCodeSigningConfig|GetLayerVersion)",
        "lambda:.*FunctionCodeSigningConfig",
        "lambda:PutFunctionRecursionConfig",
    ),
    "AWS::Lambda::*": ("lambda:Put(FunctionScaling|RuntimeManagement)Config",),
    "AWS::Logs::LogGroup": (
        "firehose:.*",
        "s3:.*",
        "logs:CreateLogDelivery",
        "logs:.*ResourcePolic.*",
        "logs:(Delete|Put)(DataProtection|Index)Policy",
        "logs:Put(BearerTokenAuthentication|LogGroupDeletionProtection)",
    ),
    "AWS::S3::Bucket": ("iam:PassRole", "s3tables:.*"),
    "AWS::SNS::Topic": ("iam:.*", "sns:PutDataProtectionPolicy"),
    "AWS::WAFv2::WebACL": ("payments:.*",),
    "AWS::WAFv2::WebACLAssociation": (
        "(amplify|apprunner|appsync|bedrock-agentcore|cognito-idp|ec2|elasticloadbalancing):.*",
        "wafv2:(Get|Put)PermissionPolicy",
    ),
}


def policy(name: str) -> list[Any]:
    """The statements of a documented policy."""
    statements: list[Any] = json.loads((POLICIES / f"{name}.json").read_text())["Statement"]
    return statements


def actions_of(name: str) -> set[str]:
    """The actions that a documented policy allows, some with `*`."""
    return {action for statement in policy(name) for action in statement["Action"]}


@cache
def handler_permissions(kind: str) -> frozenset[str]:
    """What CloudFormation's handlers of a resource type call, as its schema says."""
    index = json.loads((SCHEMAS / "providers" / f"{REGION}.json").read_text())
    schema = json.loads((SCHEMAS / "resources" / f"{index[kind]}.json").read_text())
    return frozenset(
        permission
        for name, handler in schema["handlers"].items()
        if name != "list"
        for permission in handler["permissions"]
    )


def needed_permissions(kind: str) -> list[str]:
    """Those that the properties in the templates need."""
    patterns = [
        each for kinds, own in NOT_NEEDED.items() if fnmatchcase(kind, kinds) for each in own
    ]
    return sorted(
        permission
        for permission in handler_permissions(kind)
        if not any(re.fullmatch(pattern, permission) for pattern in patterns)
    )


@pytest.fixture(scope="module")
def kinds(package: Package) -> set[str]:
    """The resource types of the templates: every setting, plans, a VPC, a site, domains."""
    folders = [
        package("prod"),
        package("test", EVERYTHING, ASYNCHRONOUS),
        package("dev", {"usage_plan": {}}, chalice=VPC | DOMAIN),
    ]
    return {resource["Type"] for folder in folders for resource in expanded(folder).values()}


def test_role_of_cloudformation_may_what_its_handlers_call(kinds: set[str]) -> None:
    """For every resource type in the templates of all settings."""
    allowed = actions_of("cloudformation-role")
    missing = {
        (kind, permission)
        for kind in kinds
        for permission in needed_permissions(kind)
        if not any(fnmatchcase(permission, action) for action in allowed)
    }

    assert missing == set()
    assert len(kinds) > 35


def test_exceptions_are_in_use(kinds: set[str]) -> None:
    """Each is about a permission of a handler: a typing mistake would hide a gap."""
    for types, patterns in NOT_NEEDED.items():
        called = {
            permission
            for kind in kinds
            if fnmatchcase(kind, types)
            for permission in handler_permissions(kind)
        }
        for pattern in patterns:
            assert any(re.fullmatch(pattern, each) for each in called), (types, pattern)


@pytest.mark.parametrize("name", ["cloudformation-role", "deploy-role"])
def test_policy_fits_into_a_role(name: str) -> None:
    """As an inline policy, whose white space does not count."""
    document = json.loads((POLICIES / f"{name}.json").read_text())
    assert len(json.dumps(document, separators=(",", ":"))) < MAX_INLINE_CHARACTERS
    sids = [statement["Sid"] for statement in document["Statement"]]
    assert len(set(sids)) == len(sids)


@pytest.mark.timeout(180)
def test_deploy_role_may_what_make_stack_calls(empty_account: Account) -> None:
    """The workflow needs its stack, its bucket and the role of CloudFormation: nothing else."""
    account = empty_account
    account.make("account")
    account.client("s3").create_bucket(Bucket="packages")
    statements = json.loads(
        json.dumps(policy("deploy-role"))
        .replace("BUCKET", "packages")
        .replace("CLOUDFORMATION_ROLE", "cloudformation")
    )
    iam = account.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
        ],
    }
    arns = {}
    for name in ("deploy", "cloudformation"):
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        arns[name] = role["Role"]["Arn"]
    iam.put_role_policy(
        RoleName="deploy",
        PolicyName="deploy",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )
    given = account.client("sts").assume_role(RoleArn=arns["deploy"], RoleSessionName="test")
    keys = given["Credentials"]
    account.issuer = {"OIDC_ISSUER": "none", "CLOUDFORMATION_ROLE_ARN": arns["cloudformation"]}
    account.configure(deployment="AllAtOnce", usage_plan={})
    account.make("package", "STAGE=dev")

    output = account.make(
        *("stack", "STAGE=dev", "BUCKET=packages"),
        keys=(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]),
    )

    assert "The API responds at" in output


def test_cloudformation_takes_the_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator does not keep the role of a change set."""
    assert stack.role() == {}
    monkeypatch.setenv("CLOUDFORMATION_ROLE_ARN", "arn:aws:iam::1:role/x")
    assert stack.role() == {"RoleARN": "arn:aws:iam::1:role/x"}
