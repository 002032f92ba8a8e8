"""The policy that is read off the code."""

from pathlib import Path

import pytest

from chalicelib.models import RESOURCES
from infra import policy, stages
from infra.command import Refused


@pytest.mark.parametrize("name", stages.cloud())
def test_the_committed_policy_is_what_the_code_asks_for(name: str) -> None:
    """`make policy` has been run since the code or the declarations changed."""
    stage = stages.load(name)

    assert policy.path(stage).read_text() == policy.text_of(stage)


def test_each_action_is_scoped_to_tables_and_indexes_of_the_stage() -> None:
    """But for X-Ray's, which have no resources, nothing is allowed on everything."""
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
    assert allowed["dynamodb:UpdateItem"] == [f"{table}{each.path}" for each in RESOURCES]
    assert f"{table}todos/index/status-createdAt" in allowed["dynamodb:Query"]
    assert all("/index/" in resource for resource in allowed["dynamodb:Query"])
    assert {
        action
        for statement in statements
        if statement["Resource"] == "*"
        for action in statement["Action"]
    } == {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Give the app a further source file."""
    (tmp_path / "chalicelib").mkdir()
    (tmp_path / "chalicelib" / "more.py").write_text(source)
    monkeypatch.setattr(policy, "PROJECT", tmp_path)
    monkeypatch.setattr(policy, "SOURCES", ("chalicelib",))


@pytest.mark.parametrize(
    "source",
    [
        (
            "import boto3\n"
            "class Store:\n"
            "    def __init__(self):\n"
            '        self.client = boto3.client("dynamodb")\n'
            "    def read(self):\n"
            '        return self.client.get_item(TableName="t", Key={})\n'
        ),
        (
            "import boto3\n"
            'table = boto3.resource("dynamodb").Table("t")\n'
            "def read():\n"
            "    table.get_item()\n"
        ),
        "from chalicelib.dynamodb import client\ndef read():\n    client.get_item()\n",
    ],
    ids=["class", "resource", "import"],
)
def test_a_call_that_the_analyser_does_not_see_is_refused(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy that lacks something is found here, and not by the first user."""
    added(tmp_path, monkeypatch, source)

    with pytest.raises(Refused, match=r"chalicelib/more\.py calls get_item where Chalice's"):
        policy.actions()


def test_a_call_whose_actions_nobody_knows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chalice's policy builder leaves such a call out without a word."""
    source = 'import boto3\nc = boto3.client("dynamodb")\ndef walk(): c.get_paginator("scan")\n'
    added(tmp_path, monkeypatch, source)

    with pytest.raises(Refused, match="calls get_paginator of dynamodb, and Chalice does not know"):
        policy.actions()


def test_an_action_without_a_scope_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is given `*` because nobody said on what."""
    added(
        tmp_path,
        monkeypatch,
        'import boto3\nclient = boto3.client("dynamodb")\ndef scan(): client.scan(TableName="t")\n',
    )

    with pytest.raises(Refused, match=r"The code calls dynamodb:Scan, and infra/policy\.py"):
        policy.document(stages.load("dev"))


def test_a_stage_without_a_policy_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chalice would make a role that may do everything that it finds, on everything."""
    with pytest.raises(Refused, match=r"needs \"iam_policy_file\": \"policy-local\.json\""):
        policy.path(stages.load("local"))
