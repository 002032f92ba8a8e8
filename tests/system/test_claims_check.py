"""`make claims-check`: what it finds, and that it finds nothing where all agree."""

import subprocess
from pathlib import Path

import pytest

from chalicelib.storage import claims, dynamodb
from infra.data.claims_check import check
from tests.client import Client
from tests.conftest import OLD_FILES, PROJECT, SHELL, Launch
from tests.samples import unique


@pytest.fixture
def user(in_process: Client) -> dict[str, str]:
    """A user with a username and an email."""
    item: dict[str, str] = in_process.create(
        "/users", {"name": "Ada", "username": unique(), "email": f"{unique()}@shop.example"}
    )
    return item


def test_consistent_items_and_claims(user: dict[str, str]) -> None:
    """What the API has written agrees."""
    assert list(check(dynamodb.client)) == []


def test_missing_claim_is_reported(in_process: Client, user: dict[str, str]) -> None:
    """A user whose email anybody could take."""
    claim = f"users#email#{user['email']}"
    dynamodb.client.delete_item(TableName=claims.TABLE, Key={"id": {"S": claim}})

    (found,) = check(dynamodb.client)

    assert found == f"user '{user['userId']}' does not hold the claim \"{claim}\""
    dynamodb.client.put_item(
        TableName=claims.TABLE, Item={"id": {"S": claim}, "owner": {"S": user["userId"]}}
    )


def test_orphaned_claim_is_reported(in_process: Client, user: dict[str, str]) -> None:
    """A value that no user has and no user can claim."""
    table = dynamodb.table_name("users")
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


def claims_check(**variables: str) -> tuple[int, str]:
    """Run the command. Returns its status and its output."""
    given = [f"{name}={value}" for name, value in variables.items()]
    result = subprocess.run(
        ["make", "claims-check", *OLD_FILES, *given],
        cwd=PROJECT,
        env=SHELL,
        capture_output=True,
        text=True,
        check=False,
    )
    output = [line for line in (result.stdout + result.stderr).splitlines() if "make:" not in line]
    return result.returncode, "\n".join(output)


def test_claims_check_of_a_running_server(launch: Launch, tmp_path: Path) -> None:
    """Status 0 where all agree; a sentence and another status where nothing runs."""
    running = launch(tmp_path)
    running.read_until("ready")

    assert claims_check(DATA_DIR=str(tmp_path)) == (0, "Stage local: no disagreements")
    running.stop()
    status, output = claims_check(DATA_DIR=str(tmp_path))
    assert status != 0
    assert output == f"No make run uses the data in {tmp_path}; start it with make run."
