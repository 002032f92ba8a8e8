"""The log: one JSON line per request, with nothing that a client sent."""

import json
from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

import app
from chalicelib.storage import dynamodb
from tests.client import Client


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was logged since the last look."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_request_is_one_log_line(in_process: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """Id, operation, status, milliseconds and use of DynamoDB; no body, name or email."""
    secret = "ada.secret@shop.example"
    response = in_process.post("/users", {"name": "Secret Ada", "email": secret})
    in_process.get(f"/users?email={secret}&limit=0")
    in_process.patch("/users", {"name": secret})
    output = capsys.readouterr()
    created, listed, refused = (json.loads(line) for line in output.out.splitlines())

    assert created == {
        "level": "INFO",
        "requestId": response.headers["x-request-id"],
        "status": 201,
        "method": "POST",
        "route": "/users",
        "operation": "create_user",
        "subject": "sue",
        "version": None,
        "milliseconds": created["milliseconds"],
        "dynamodbCalls": 1,
        "readUnits": 0.0,
        "writeUnits": created["writeUnits"],
    }
    assert 0 < created["milliseconds"] < 10_000
    assert (listed["operation"], listed["status"]) == ("list_users", 400)
    assert (refused["operation"], refused["status"]) == ("unknown", 405)
    assert (refused["method"], refused["route"]) == ("PATCH", "/users")
    assert "ecret" not in output.out + output.err


def test_replay_is_logged(in_process: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """Metrics count how often clients send a request again."""
    for _ in range(2):
        in_process.post("/todos", {"task": "Dust"}, **{"Idempotency-Key": "logged"})

    first, second = lines(capsys)
    assert "replayed" not in first
    assert second["replayed"] is True


def test_transaction_conflict_is_logged(
    in_process: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """A conflict that a second attempt resolves is not an error, and is counted."""
    refusals = [_conflict()]

    def refuse(**_: Any) -> Any:
        return refusals.pop() if refusals else None

    dynamodb.client.meta.events.register_first("before-call.dynamodb.PutItem", refuse)
    response = in_process.post("/todos", {"task": "Dust"})
    dynamodb.client.meta.events.unregister("before-call.dynamodb.PutItem", refuse)

    (line,) = lines(capsys)
    assert response.status == 201
    assert (line["transactionConflicts"], line["dynamodbCalls"]) == (1, 2)


def _conflict() -> Any:
    """DynamoDB's answer to a write in whose way a transaction is: the HTTP response, parsed."""
    error = {"Code": "TransactionConflictException", "Message": ""}
    parsed = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400, "RetryAttempts": 0}}
    return AWSResponse("", 400, HTTPHeaders(), BytesIO()), parsed


@pytest.mark.parametrize(
    ("header", "trace_id"),
    [
        ("Root=1-5bef4de7-ad49b0e8;Parent=53995c3f;Sampled=1;Lineage=a:0", "1-5bef4de7-ad49b0e8"),
        ("Root=1-5bef4de7-ad49b0e8;Parent=53995c3f;Sampled=0", None),
        ("", None),
    ],
)
def test_sampled_trace_is_logged(
    in_process: Client,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    header: str,
    trace_id: str | None,
) -> None:
    """A line leads to the trace of its request, if X-Ray keeps that."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)

    in_process.get("/health")

    (line,) = lines(capsys)
    assert line.get("traceId") == trace_id


def test_unexpected_error_is_logged_without_its_values(
    in_process: Client, capsys: pytest.CaptureFixture[str], broken_database: None
) -> None:
    """The client gets a problem document with the id; the log has type and stack under it."""
    response = in_process.send("GET", "/todos/secret-key")

    (line,) = lines(capsys)
    assert response.status == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.json["requestId"] == line["requestId"] == response.headers["x-request-id"]
    assert b"KeyError" not in response.body
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

    response = in_process.send("GET", "/todos/x")

    (line,) = lines(capsys)
    assert response.status == 500
    assert b"nowhere" not in response.body
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
    response = in_process.deployment.send_lines(method, path, [], b"")

    (line,) = lines(capsys)
    assert response.status == line["status"] == status
    assert line["requestId"] == response.headers["x-request-id"]
    assert (line["method"], line["route"], line["operation"]) == (method, route, "unknown")
    assert "secret" not in json.dumps(line)
