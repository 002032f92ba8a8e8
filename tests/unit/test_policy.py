"""The IAM policy that is generated from the code."""

import re
from pathlib import Path

import pytest

from chalicelib.models import RESOURCES
from infra import stages
from infra.aws import policy
from infra.errors import CommandError
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


def test_all_calls_to_aws_are_in_one_module() -> None:
    """No other module of the app uses the client, boto3 or botocore's sessions."""
    sources = [PROJECT / "app.py", *(PROJECT / "chalicelib").rglob("*.py")]
    allowed = {policy.SOURCE, PROJECT / "chalicelib" / "storage" / "sdk.py"}
    pattern = re.compile(r"\bboto3\b|\bclient\b\.|create_client|get_session|sdk\.client")

    for source in set(sources) - allowed:
        code = re.sub(r'""".*?"""|#.*', "", source.read_text(), flags=re.DOTALL)
        assert not pattern.search(code), source


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
    source.write_text(
        'import boto3\nc = boto3.client("dynamodb")\ndef f(): c.get_paginator("scan")\n'
    )

    with pytest.raises(CommandError, match="calls get_paginator of dynamodb, and Chalice does not"):
        policy.actions()


def test_action_without_a_scope(source: Path) -> None:
    """No action is allowed on `*`."""
    source.write_text(
        'import boto3\nc = boto3.client("dynamodb")\ndef f(): c.scan(TableName="t")\n'
    )

    with pytest.raises(
        CommandError, match=r"The code calls dynamodb:Scan, and SCOPES in infra/aws"
    ):
        policy.document(stages.load("dev"))


def test_stage_without_a_policy_file() -> None:
    """Chalice would generate a policy that allows every action on every resource."""
    with pytest.raises(CommandError, match=r"needs \"iam_policy_file\": \"policy-local\.json\""):
        policy.path(stages.load("local"))
