"""The log: one JSON line per request, with nothing that a client sent."""

import json
from typing import Any

import pytest

import app
from chalicelib.storage import dynamodb
from tests.client import Client


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was logged since the last look."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_request_is_one_log_line(in_process: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """Id, operation, status, milliseconds and DynamoDB calls; no body, name or email."""
    secret = "ada.secret@shop.example"
    answer = in_process.post("/users", {"name": "Secret Ada", "email": secret})
    in_process.get(f"/users?email={secret}&limit=0")
    in_process.patch("/users", {"name": secret})
    output = capsys.readouterr()
    created, listed, refused = (json.loads(line) for line in output.out.splitlines())

    assert created == {
        "level": "INFO",
        "requestId": answer.headers["x-request-id"],
        "status": 201,
        "method": "POST",
        "route": "/users",
        "operation": "create_user",
        "subject": "sue",
        "milliseconds": created["milliseconds"],
        "dynamodbCalls": 1,
    }
    assert 0 < created["milliseconds"] < 10_000
    assert (listed["operation"], listed["status"]) == ("list_users", 400)
    assert (refused["operation"], refused["status"]) == (None, 405)
    assert (refused["method"], refused["route"]) == ("PATCH", "/users")
    assert "ecret" not in output.out + output.err


def test_unexpected_error_is_logged_without_its_values(
    in_process: Client, capsys: pytest.CaptureFixture[str], broken_database: None
) -> None:
    """The client gets a problem document with the id; the log has type and stack under it."""
    answer = in_process.send("GET", "/todos/secret-key")

    (line,) = lines(capsys)
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json["requestId"] == line["requestId"] == answer.headers["x-request-id"]
    assert b"KeyError" not in answer.body
    assert (line["level"], line["status"], line["error"]) == ("ERROR", 500, "KeyError")
    assert any("dynamodb.py" in frame for frame in line["stack"])
    assert "secret" not in json.dumps(line)


@pytest.fixture
def broken_database() -> Any:
    """Make the next DynamoDB call raise an unexpected error."""

    def fail(**_: Any) -> None:
        raise KeyError("secret")

    dynamodb.client.meta.events.register("before-call.dynamodb", fail)
    yield
    dynamodb.client.meta.events.unregister("before-call.dynamodb", fail)


def test_missing_table_is_in_the_log_only(
    in_process: Client, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS's own message is what an operator needs; the client gets none of it."""
    monkeypatch.setattr(app.todos, "table", "storefront-nowhere-todos")

    answer = in_process.send("GET", "/todos/x")

    (line,) = lines(capsys)
    assert answer.status == 500
    assert b"nowhere" not in answer.body
    assert "ResourceNotFoundException" in line["reason"]


@pytest.mark.parametrize(
    ("method", "path", "status", "route"),
    [("GET", "/secret", 404, None), ("OPTIONS", "/todos/secret", 200, "/todos/{key}")],
)
def test_unknown_paths_and_preflights_are_logged(
    in_process: Client,
    capsys: pytest.CaptureFixture[str],
    method: str,
    path: str,
    status: int,
    route: str | None,
) -> None:
    """Every request id of a local response is in the log."""
    answer = in_process.deployment.send_lines(method, path, [], b"")

    (line,) = lines(capsys)
    assert answer.status == line["status"] == status
    assert line["requestId"] == answer.headers["x-request-id"]
    assert (line["method"], line["route"], line["operation"]) == (method, route, None)
    assert "secret" not in json.dumps(line)
