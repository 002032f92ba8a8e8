"""What clients see while DynamoDB throttles, fails, hangs or resets every connection."""

from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest

from tests.client import Client, Response
from tests.proxy import Proxy
from tests.samples import unique

# API Gateway's timeout is 29 s.
PATIENCE_SECONDS = 20


@pytest.mark.parametrize("fault", ["throttle", "fail", "be unavailable", "hang", "reset"])
def test_unreachable_database_is_a_503(faulty: Client, proxy: Proxy, fault: str) -> None:
    """Every call gets 503 with Retry-After, in time, and nothing has changed."""
    item = faulty.create("/todos", {"id": unique(), "task": "Dust"})
    place, other = f"/todos/{item['id']}", f"/todos/{unique()}"
    requests = [
        ("GET", place, None),
        ("GET", "/todos", None),
        ("GET", "/todos?status=pending", None),
        ("POST", "/todos", {"id": other.rpartition("/")[2], "task": "Sweep"}),
        ("PUT", place, {"task": "Sweep"}),
        ("PATCH", place, {"task": "Sweep"}),
        ("DELETE", place, None),
    ]

    with proxy.misbehaving(fault), ThreadPoolExecutor(len(requests)) as pool:
        responses = list(pool.map(lambda request: timed(faulty, *request), requests))
        seen = proxy.seen

    for (response, seconds), request in zip(responses, requests, strict=True):
        assert response.status == 503, request
        assert response.headers["content-type"] == "application/problem+json"
        assert int(response.headers["retry-after"]) > 0
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.json["detail"].startswith("The database is busy or cannot be reached.")
        assert seconds < PATIENCE_SECONDS
        assert not any(word in response.body for word in (b"storefront-", b"Exception", b"Error"))
    # Bounded: no call was sent more than three times. A read may follow a create or a change.
    assert len(requests) <= seen <= 3 * (len(requests) + 3)
    assert faulty.get(place).json == item
    assert faulty.get(other).status == 404
    assert faulty.get("/health").status == 200


def test_writes_without_any_response_are_whole_or_absent(faulty: Client, proxy: Proxy) -> None:
    """503 may hide a write that happened, never half of one."""
    key = unique()
    with proxy.misbehaving("lose"):
        response = faulty.send("POST", "/todos", {"id": key, "task": "Dust", "status": "done"})

    assert response.status == 503
    item = faulty.get(f"/todos/{key}").json
    assert (item["task"], item["status"]) == ("Dust", "done")
    assert item["id"] in [each["id"] for each in faulty.walk("/todos", {"status": "done"})]


def test_permanent_conflict_is_a_503(faulty: Client, proxy: Proxy) -> None:
    """Conflicts are tried again with pauses, for a bounded time; nothing has changed."""
    email = f"{unique()}@shop.example"
    user = faulty.create("/users", {"name": "Ada", "email": email})
    todo = faulty.create("/todos", {"task": "Dust"})
    place, single = f"/users/{user['userId']}", f"/todos/{todo['id']}"
    requests = [
        # Each of one write, without a transaction.
        ("POST", "/todos", {"task": "Sweep"}),
        ("PATCH", single, {"task": "Sweep"}),
        ("PUT", single, {"task": "Sweep"}),
        ("DELETE", single, None),
        # Transactions.
        ("POST", "/users", {"name": "Eve", "email": f"x{email}"}),
        ("PATCH", place, {"email": f"x{email}"}),
        ("PUT", place, {"name": "Eve"}),
        ("DELETE", place, None),
    ]

    with proxy.misbehaving("conflict"), ThreadPoolExecutor(len(requests)) as pool:
        responses = list(pool.map(lambda request: timed(faulty, *request), requests))
        seen = proxy.seen

    for response, seconds in responses:
        assert response.status == 503
        assert int(response.headers["retry-after"]) > 0
        assert seconds < PATIENCE_SECONDS
    assert 2 * len(requests) < seen < 40 * len(requests)
    assert faulty.get(place).json == user
    assert faulty.get(single).json == todo
    assert faulty.post("/users", {"name": "Eve", "email": f"x{email}"}).status == 201


def timed(client: Client, method: str, path: str, body: Any) -> tuple[Response, float]:
    """Send a request. Returns the answer and its seconds."""
    started = monotonic()
    response = client.send(method, path, body)
    return response, monotonic() - started
