"""One fault of a call to DynamoDB: what the client gets, and what other clients' writes keep."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.client import Client, Response
from tests.proxy import ERRORS, Proxy
from tests.samples import unique

# After these, nothing was written. After the others, DynamoDB may have made the write.
CERTAIN = ("throttle", "throttle the account", "throttle on demand", "conflict")
UNCERTAIN = ("fail", "be unavailable", "reset")
CHANGES = ("POST", "PUT", "PUT with If-Match", "PATCH", "PATCH with If-Match")


@pytest.mark.parametrize("fault", CERTAIN)
def test_write_that_was_refused_is_sent_again(faulty: Client, proxy: Proxy, fault: str) -> None:
    """A throttle or a conflict of one attempt is not seen by the client."""
    place = f"/todos/{unique()}"
    with proxy.misbehaving(fault, count=1):
        created = faulty.post("/todos", {"id": place.rpartition("/")[2], "task": "Dust"})
    assert created.status == 201
    with proxy.misbehaving(fault, count=1):
        replaced = faulty.put(place, {"task": "Sweep"})
    assert (replaced.status, replaced.json["task"]) == (200, "Sweep")
    with proxy.misbehaving(fault, count=1):
        patched = faulty.patch(place, {"status": "done"})
    assert (patched.status, patched.json["task"]) == (200, "Sweep")
    assert faulty.get(place).body == patched.body
    with proxy.misbehaving(fault, count=1):
        assert faulty.delete(place).status == 204
    assert faulty.get(place).status == 404


@pytest.mark.parametrize("fault", [*ERRORS, "reset", "lose", "damage", "miscount"])
def test_read_is_sent_again(faulty: Client, proxy: Proxy, fault: str) -> None:
    """A fault of one attempt of a read or a list is not seen by the client."""
    item = faulty.create("/todos", {"task": "Dust"})
    for path in (f"/todos/{item['id']}", "/todos?limit=1"):
        with proxy.misbehaving(fault, count=1):
            assert faulty.get(path).status == 200


@pytest.mark.parametrize("fault", UNCERTAIN)
@pytest.mark.parametrize("request_line", [*CHANGES, "DELETE", "DELETE with If-Match"])
def test_write_that_may_have_been_made_is_not_sent_again(
    faulty: Client, proxy: Proxy, request_line: str, fault: str
) -> None:
    """The client gets a 503 that says so; DynamoDB got the write once."""
    item = faulty.create("/todos", {"task": "Dust"})
    method, key, headers = target(request_line, item)
    with proxy.misbehaving(fault, count=1):
        response = write(faulty, method, key, **headers)
        assert sum(proxy.actions[action] for action in WRITES[method]) == 1

    assert_outcome_is_unknown(response)
    after = faulty.get(f"/todos/{key}")
    assert (after.status, after.json.get("etag")) == (
        (404, None) if method == "POST" else (200, item["etag"])
    )


@pytest.mark.parametrize("fault", ["lose", "damage", "miscount"])
@pytest.mark.parametrize("request_line", CHANGES)
def test_write_is_recognized_by_its_etag(
    faulty: Client, proxy: Proxy, request_line: str, fault: str
) -> None:
    """A write whose response is lost succeeds, if nobody has written since."""
    item = faulty.create("/todos", {"task": "Dust"})
    method, key, headers = target(request_line, item)
    with proxy.misbehaving(fault, count=1):
        response = write(faulty, method, key, **headers)

    assert (response.status, response.json["task"]) == (201 if method == "POST" else 200, "Sweep")
    assert faulty.get(f"/todos/{key}").body == response.body


def test_delete_whose_response_is_lost(faulty: Client, proxy: Proxy) -> None:
    """An item that is gone does not tell who deleted it."""
    item = faulty.create("/todos", {"task": "Dust"})
    with proxy.misbehaving("lose", count=1):
        assert_outcome_is_unknown(faulty.send("DELETE", f"/todos/{item['id']}"))
    assert faulty.get(f"/todos/{item['id']}").status == 404


@pytest.mark.parametrize("fault", ["lose", "damage", "miscount"])
@pytest.mark.parametrize(
    ("request_line", "other"),
    [
        ("PUT", "PATCH"),
        ("PUT with If-Match", "PATCH"),
        ("PATCH", "PUT"),
        ("PATCH with If-Match", "PUT"),
        ("PATCH", "DELETE"),
        ("PATCH with If-Match", "DELETE"),
        ("POST", "PUT"),
        ("POST", "DELETE"),
        ("DELETE", "POST"),
        ("DELETE with If-Match", "POST"),
    ],
)
def test_confirmed_write_of_another_client_is_kept(
    faulty: Client, proxy: Proxy, request_line: str, other: str, fault: str
) -> None:
    """A write follows one whose response is lost: it stays, and the first client gets a 503."""
    item = faulty.create("/todos", {"task": "Dust"})
    method, key, headers = target(request_line, item)
    confirmed: list[Response] = []

    def write_meanwhile() -> None:
        proxy.fault = ""
        confirmed.append(write(faulty, other, key, task="Of another client"))

    with proxy.misbehaving(fault, count=1, meanwhile=write_meanwhile):
        response = write(faulty, method, key, **headers)

    assert_outcome_is_unknown(response)
    assert confirmed[0].status in (200, 201, 204)
    after = faulty.get(f"/todos/{key}")
    if other == "DELETE":
        assert after.status == 404
    else:
        assert after.body == confirmed[0].body


@pytest.mark.parametrize("fault", [*ERRORS, "reset", "lose", "damage", "miscount", "conflict"])
def test_single_fault_of_a_transaction_is_retried(faulty: Client, proxy: Proxy, fault: str) -> None:
    """A transaction is sent again; one whose response was lost is not made twice."""
    email, other = (f"{unique()}@shop.example" for _ in range(2))
    user = {"userId": unique(), "name": "Ada", "email": email}
    place = f"/users/{user['userId']}"
    idempotency_header = {"Idempotency-Key": unique()}

    with proxy.misbehaving(fault, count=1):
        created = faulty.send("POST", "/users", user, **idempotency_header)
    assert created.status == 201
    assert "idempotency-replayed" not in created.headers
    # The read is first; the fault is for the transaction.
    for method, body, status in (("PATCH", {"email": other}, 200), ("DELETE", None, 204)):
        with proxy.misbehaving(fault, count=1, after=1):
            assert faulty.send(method, place, body).status == status
    for free in (email, other):
        assert faulty.post("/users", {"name": "Eve", "email": free}).status == 201


def test_transaction_is_made_once_while_another_client_writes(faulty: Client, proxy: Proxy) -> None:
    """DynamoDB recognizes a transaction by its token, also after another client's write."""
    email = f"{unique()}@shop.example"
    place = f"/users/{faulty.create('/users', {'name': 'Ada'})['userId']}"
    confirmed: list[Response] = []

    def write_meanwhile() -> None:
        proxy.fault = ""
        confirmed.append(faulty.patch(place, {"name": "Eve"}))

    with proxy.misbehaving("lose", count=1, after=1, meanwhile=write_meanwhile):
        response = faulty.patch(place, {"email": email})

    assert (response.status, response.json["name"], response.json["email"]) == (200, "Ada", email)
    assert faulty.get(place).body == confirmed[0].body
    assert confirmed[0].json["email"] == email


def test_transaction_that_meets_another_one_after_a_lost_response(
    faulty: Client, proxy: Proxy
) -> None:
    """It is sent under the same token again: with another one, it could be made twice."""
    place = f"/users/{faulty.create('/users', {'name': 'Ada'})['userId']}"
    email = f"{unique()}@shop.example"
    with proxy.misbehaving("lose,conflict,", count=3, after=1):
        changed = faulty.patch(place, {"email": email})
        assert len(proxy.tokens) == 1

    assert (changed.status, changed.json["email"]) == (200, email)


def test_transaction_that_conflicts_after_a_lost_response(faulty: Client, proxy: Proxy) -> None:
    """The lost attempt may still be made: the client is told so, and nothing is sent anew."""
    place = f"/users/{faulty.create('/users', {'name': 'Ada'})['userId']}"
    email = f"{unique()}@shop.example"
    with proxy.misbehaving("reset,conflict,conflict", after=1):
        response = faulty.send("PATCH", place, {"email": email})
        assert (len(proxy.tokens), proxy.actions["TransactWriteItems"]) == (1, 3)

    assert_outcome_is_unknown(response)
    assert "email" not in faulty.get(place).json


def test_transaction_that_is_refused_after_a_lost_response(faulty: Client, proxy: Proxy) -> None:
    """A 409 would say that the item does not exist, and the lost attempt could still make it."""
    email = f"{unique()}@shop.example"
    faulty.create("/users", {"name": "Ada", "email": email})
    with proxy.misbehaving("reset", count=1):
        response = faulty.send("POST", "/users", {"name": "Eve", "email": email})

    assert_outcome_is_unknown(response)
    assert faulty.post("/users", {"name": "Eve", "email": email}).status == 409


def test_transaction_without_any_response(faulty: Client, proxy: Proxy) -> None:
    """After the last attempt, the client is told that the write may have been made."""
    key = unique()
    with proxy.misbehaving("lose"):
        response = faulty.send(
            "POST", "/users", {"userId": key, "name": "Ada", "email": f"{key}@x.y"}
        )
    assert_outcome_is_unknown(response)
    assert faulty.get(f"/users/{key}").json["email"] == f"{key}@x.y"


def test_conflict_with_a_lost_response(faulty: Client, proxy: Proxy) -> None:
    """A create that meets another client's item is not told that this item is its own."""
    item = faulty.create("/todos", {"task": "Dust"})
    with proxy.misbehaving("lose", count=1):
        response = faulty.send("POST", "/todos", {"id": item["id"], "task": "Sweep"})
    assert_outcome_is_unknown(response)
    assert faulty.get(f"/todos/{item['id']}").json == item


WRITES = {
    "POST": ("PutItem",),
    "PUT": ("UpdateItem",),
    "PATCH": ("UpdateItem",),
    "DELETE": ("DeleteItem",),
}


def target(request_line: str, item: Any) -> tuple[str, str, dict[str, str]]:
    """The method, the key and the headers of a request, such as `PUT with If-Match`, for an item.

    A POST has a new key.
    """
    method, _, header = request_line.partition(" with ")
    key = unique() if method == "POST" else item["id"]
    return method, key, {header: item["etag"]} if header else {}


def write(api: Client, method: str, key: str, task: str = "Sweep", **headers: str) -> Response:
    """Send a write of a todo."""
    bodies: dict[str, Any] = {
        "POST": {"id": key, "task": task},
        "PUT": {"task": task},
        "PATCH": {"task": task},
    }
    path = "/todos" if method == "POST" else f"/todos/{key}"
    send: Callable[..., Response] = partial(api.send, method, path, bodies.get(method))
    return send(**headers)


def assert_outcome_is_unknown(answer: Response) -> None:
    """A 503 that says that the write may have been made."""
    assert answer.status == 503, answer.body
    assert "it may have been made" in answer.json["detail"]
    assert int(answer.headers["retry-after"]) > 0
