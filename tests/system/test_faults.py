"""What clients see when one attempt fails, or one answer is lost: nothing."""

from typing import Any

import pytest

from tests.client import Answer, Client
from tests.proxy import ERRORS, Proxy
from tests.samples import unique


@pytest.mark.parametrize("way", [*ERRORS, "reset", "lose", "conflict"])
def test_single_fault_is_retried(faulty: Client, proxy: Proxy, way: str) -> None:
    """One failed attempt is tried again, also where the lost answer was that of a write."""
    key = unique()
    place = f"/todos/{key}"

    def once(method: str, path: str, body: Any = None) -> Answer:
        with proxy.misbehaving(way, count=1):
            return faulty.send(method, path, body)

    created = once("POST", "/todos", {"id": key, "task": "Dust"})
    assert (created.status, created.json["task"]) == (201, "Dust")
    assert once("GET", place).body == created.body
    replaced = once("PUT", place, {"task": "Sweep"})
    assert (replaced.status, replaced.json["task"]) == (200, "Sweep")
    assert faulty.get(place).body == replaced.body
    patched = once("PATCH", place, {"status": "done"})
    assert patched.json == replaced.json | {
        "status": "done",
        "updatedAt": patched.json["updatedAt"],
        "etag": patched.json["etag"],
    }
    assert once("GET", "/todos?limit=1").status == 200
    assert once("DELETE", place).status == 204
    assert faulty.get(place).status == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_lost_response_of_a_conditional_write(faulty: Client, proxy: Proxy, method: str) -> None:
    """The second attempt finds the etag that the first one wrote: that is no conflict."""
    item = faulty.create("/todos", {"task": "Dust"})
    place = f"/todos/{item['id']}"

    with proxy.misbehaving("lose", count=1):
        answer = faulty.request(method, place, {"task": "Sweep"}, If_Match=item["etag"])

    assert (answer.status, answer.json["task"]) == (200, "Sweep")
    assert faulty.get(place).body == answer.body


@pytest.mark.parametrize("way", [*ERRORS, "reset", "lose", "conflict"])
def test_single_fault_of_a_transaction_is_retried(faulty: Client, proxy: Proxy, way: str) -> None:
    """A transaction is tried again too; one whose answer was lost is not done twice."""
    email, other = (f"{unique()}@shop.example" for _ in range(2))
    user = {"userId": unique(), "name": "Ada", "email": email}
    place, once = f"/users/{user['userId']}", {"Idempotency-Key": unique()}

    with proxy.misbehaving(way, count=1):
        created = faulty.send("POST", "/users", user, **once)
    assert created.status == 201
    assert "idempotency-replayed" not in created.headers
    # The read is first; the fault is for the transaction.
    for method, body, status in (("PATCH", {"email": other}, 200), ("DELETE", None, 204)):
        with proxy.misbehaving(way, count=1, after=1):
            assert faulty.send(method, place, body).status == status
    for free in (email, other):
        assert faulty.post("/users", {"name": "Eve", "email": free}).status == 201


def test_conflict_with_a_lost_response(faulty: Client, proxy: Proxy) -> None:
    """A create that meets another's item is a 409, retried or not."""
    item = faulty.create("/todos", {"task": "Dust"})
    with proxy.misbehaving("lose", count=1):
        assert faulty.post("/todos", {"id": item["id"], "task": "Sweep"}).status == 409
    assert faulty.get(f"/todos/{item['id']}").json == item
