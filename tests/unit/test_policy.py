"""The IAM policy that is generated from the code."""

import ast
import re
from pathlib import Path

import pytest

from chalicelib.models import RESOURCES
from infra import stages
from infra.errors import CommandError
from infra.template import policy
from tests.conftest import PROJECT


@pytest.mark.parametrize("name", stages.cloud_stages())
def test_committed_policy(name: str) -> None:
    """`make policy` was run after the last change of the code or the declarations."""
    stage = stages.load(name)

    assert policy.path(stage).read_text() == policy.text_of(stage)


def test_scopes_of_actions() -> None:
    """Every action is limited to tables and indexes of the stage; X-Ray's have no resources."""
    statements = policy.document(stages.load("test"))["Statement"]
    allowed = {
        action: statement["Resource"]
        for statement in statements
        for action in statement["Action"]
        if action.startswith("dynamodb:")
    }
    table = "arn:*:dynamodb:*:*:table/storefront-test-"

    assert set(allowed) == set(policy.SCOPES)
    assert allowed["dynamodb:ConditionCheckItem"] == [f"{table}products"]
    assert allowed["dynamodb:UpdateItem"] == [f"{table}{each.name}" for each in RESOURCES]
    assert f"{table}todos/index/statusOfOwner-createdAt" in allowed["dynamodb:Query"]
    assert all("/index/" in resource for resource in allowed["dynamodb:Query"])
    assert {
        action
        for statement in statements
        if statement["Resource"] == "*"
        for action in statement["Action"]
    } == {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


# The functions of events and webhooks have clients of other services, and roles of their own.
OWN_ROLES = ("events/bus.py", "webhooks/secret.py", "webhooks/handler.py")


def clients_made(source: str) -> list[str]:
    """Where a module imports boto3, or makes a client or a session of botocore's."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=imported):
                names += [each.name for each in imported]
            case ast.ImportFrom(module=module, names=imported):
                names += [f"{module}.{each.name}" for each in imported]
            case ast.Attribute(attr="client" | "resource" | "event_client" | "create_client"):
                names.append(ast.unparse(node))
    makers = r"boto3\b|botocore\.session|.*\baws_clients\.\w|.*\bboto3\b|.*create_client"
    return [name for name in names if re.match(makers, name)]


def test_all_calls_to_aws_are_in_one_module() -> None:
    """No other module of the app's function makes a client, which would need permissions."""
    library = PROJECT / "chalicelib"
    allowed = {
        policy.SOURCE,
        library / "aws_clients.py",
        *(library / n for n in OWN_ROLES),
    }
    sources = {PROJECT / "app.py", *library.rglob("*.py")}

    assert allowed < sources
    assert {str(each): clients_made(each.read_text()) for each in sources - allowed} == {
        str(each): [] for each in sources - allowed
    }


@pytest.mark.parametrize(
    "planted",
    [
        'import boto3\nboto3.client("s3").delete_bucket(Bucket="b")',
        'from boto3 import client\nclient("s3").delete_bucket(Bucket="b")',
        'import boto3.session as s\ns.Session().client("s3")',
        "from botocore.session import get_session",
        'from chalicelib import aws_clients\naws_clients.event_client("sqs")',
        "from chalicelib.aws_clients import event_client",
        'dynamodb.boto3.resource("s3")',
    ],
)
def test_planted_client_is_noticed(planted: str) -> None:
    """Also behind docstrings and comments with quotes and hashes."""
    text = (PROJECT / "chalicelib" / "storage" / "collection.py").read_text()

    assert clients_made(f'{text}\n"""A # hash."""  # A """ quote.\n{planted}\n')


def test_every_call_is_found() -> None:
    """Chalice's analyser finds each call that the module's text has."""
    named = set(re.findall(r"\bclient\.(\w+)\(", policy.SOURCE.read_text()))

    assert policy.api_calls(policy.SOURCE.read_text()) == {"dynamodb": named}
    assert len(named) == 6


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another source in place of the module that has the calls."""
    file = tmp_path / "dynamodb.py"
    monkeypatch.setattr(policy, "PROJECT", tmp_path)
    monkeypatch.setattr(policy, "SOURCE", file)
    return file


def test_call_without_a_known_action(source: Path) -> None:
    """Chalice's policy builder would leave such a call out."""
    source.write_text('def f(): client.get_paginator("scan")')

    with pytest.raises(CommandError, match="calls get_paginator of dynamodb, and Chalice does not"):
        policy.actions()


def test_action_without_a_scope(source: Path) -> None:
    """No action is allowed on `*`."""
    source.write_text('def f(): client.scan(TableName="t")')

    with pytest.raises(CommandError, match=r"The code calls dynamodb:Scan, and SCOPES in infra"):
        policy.document(stages.load("dev"))


def test_stage_without_a_policy_file() -> None:
    """Chalice would generate a policy that allows every action on every resource."""
    with pytest.raises(CommandError, match=r"needs \"iam_policy_file\": \"policy-local\.json\""):
        policy.path(stages.load("local"))
