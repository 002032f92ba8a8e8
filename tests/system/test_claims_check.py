"""`make claims-check`: what it finds, and that it finds nothing where all agree."""

import subprocess
from pathlib import Path

import pytest

from chalicelib import claims, dynamodb
from infra.claims_check import check
from tests.client import Client
from tests.conftest import PROJECT, SHELL, Launch
from tests.samples import unique


@pytest.fixture
def user(in_process: Client) -> dict[str, str]:
    """A user with a username and an email."""
    item: dict[str, str] = in_process.create(
        "/users", {"name": "Ada", "username": unique(), "email": f"{unique()}@shop.example"}
    )
    return item


def test_items_and_claims_that_agree_are_no_finding(user: dict[str, str]) -> None:
    """What the API has written agrees."""
    assert list(check(dynamodb.client)) == []


def test_a_claim_that_is_missing_is_found(in_process: Client, user: dict[str, str]) -> None:
    """A user whose email anybody could take."""
    claim = f"users#email#{user['email']}"
    dynamodb.client.delete_item(TableName=claims.TABLE, Key={"id": {"S": claim}})

    (found,) = check(dynamodb.client)

    assert found == f"user '{user['userId']}' does not hold the claim \"{claim}\""
    dynamodb.client.put_item(
        TableName=claims.TABLE, Item={"id": {"S": claim}, "owner": {"S": user["userId"]}}
    )


def test_an_orphaned_claim_is_found(in_process: Client, user: dict[str, str]) -> None:
    """A value that nobody has and nobody can take."""
    table = dynamodb.table("users")
    dynamodb.client.delete_item(TableName=table, Key={"userId": {"S": user["userId"]}})

    found = sorted(check(dynamodb.client))

    assert found == [
        f"the claim \"users#{field}#{user[field]}\" is not user '{user['userId']}' any more"
        for field in ("email", "username")
    ]
    for field in ("email", "username"):
        dynamodb.client.delete_item(
            TableName=claims.TABLE, Key={"id": {"S": f"users#{field}#{user[field]}"}}
        )


def test_the_command_checks_the_running_shop(launch: Launch, tmp_path: Path) -> None:
    """Status 0 where all agree; a sentence and status 1 where nothing runs."""
    local = launch(tmp_path)
    local.read_until("ready")

    def claims_check() -> tuple[int, str]:
        command = [
            "make",
            "claims-check",
            f"DATA_DIR={tmp_path}",
            "STAGE=local",
            "--old-file=.venv/installed",
        ]
        result = subprocess.run(
            command, cwd=PROJECT, env=SHELL, capture_output=True, text=True, check=False
        )
        return result.returncode, result.stdout + result.stderr

    assert claims_check() == (0, "storefront-local-*: no disagreements\n")
    local.stop()
    status, said = claims_check()
    assert status != 0
    assert f"Nothing runs with the data in {tmp_path}; start it with make run.\n" in said
