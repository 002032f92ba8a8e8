"""Idempotency records: how long they last."""

from collections.abc import Callable
from time import time
from typing import Any, cast

import pytest

from chalicelib.storage import claims, dynamodb, idempotency
from chalicelib.storage.attributes import Row
from tests.client import Client
from tests.samples import unique

DAY = 24 * 60 * 60


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let time pass for idempotency records."""
    now = time()

    def pass_by(seconds: int) -> None:
        monkeypatch.setattr(idempotency, "time", lambda: now + seconds)

    return pass_by


def test_idempotency_record_expires_after_a_day(
    in_process: Client, later: Callable[[int], None]
) -> None:
    """A replay until then; afterwards the key is as good as new, also where DynamoDB lags."""
    key, body = unique(), {"task": "Dust"}
    first = in_process.post("/todos", body, Idempotency_Key=key)

    later(DAY - 60)
    assert in_process.post("/todos", body, Idempotency_Key=key).body == first.body
    assert in_process.post("/todos", {"task": ""}, Idempotency_Key=key).status == 422
    later(DAY + 60)
    assert in_process.post("/todos", {"task": ""}, Idempotency_Key=key).status == 400
    second = in_process.post("/todos", {"task": "Sweep"}, Idempotency_Key=key)
    assert second.status == 201
    assert second.headers["location"] != first.headers["location"]
    again = in_process.post("/todos", {"task": "Sweep"}, Idempotency_Key=key)
    assert again.body == second.body


def test_ttl_attribute(in_process: Client) -> None:
    """The table's TTL attribute is the records' own, in whole seconds; claims have none."""
    key = unique()
    in_process.post("/todos", {"task": "Dust"}, Idempotency_Key=key)
    user = in_process.create("/users", {"name": "Ada", "username": unique()})

    def stored(name: str) -> Row:
        row: Any = dynamodb.client.get_item(TableName=claims.TABLE, Key={"id": {"S": name}})["Item"]
        return cast("Row", row)

    ttl = dynamodb.client.describe_time_to_live(TableName=claims.TABLE)["TimeToLiveDescription"]
    record = stored(f"Idempotency-Key#sue#{key}")
    assert ttl["AttributeName"] == "expiresAt"
    assert time() + DAY - 60 < int(record["expiresAt"]["N"]) <= time() + DAY
    assert stored(f"users#username#{user['username'].lower()}") == {
        "id": {"S": f"users#username#{user['username'].lower()}"},
        "owner": {"S": user["userId"]},
    }
