"""Idempotency-Key: the first answer is kept and given again."""

import pytest

from tests.client import Client
from tests.samples import Sample, unique


@pytest.mark.wire
def test_repeated_request_gets_the_first_response(api: Client, sample: Sample) -> None:
    """Status, body, Location and ETag are equal, there is one item, and a replay has its header."""
    key, body = unique(), sample.full()

    first = api.post(sample.path, body, Idempotency_Key=key)
    again = [api.post(sample.path, body, Idempotency_Key=key) for _ in range(3)]

    assert first.status == 201
    assert "idempotency-replayed" not in first.headers
    for response in again:
        assert (response.status, response.body) == (201, first.body)
        assert response.headers["location"] == first.headers["location"]
        assert response.headers["etag"] == first.headers["etag"]
        assert response.headers["idempotency-replayed"] == "true"
    assert api.get(first.headers["location"]).body == first.body


def test_replay_returns_the_item_as_it_was_created(api: Client, sample: Sample) -> None:
    """A replay returns the item as it was created, even if it has been changed or deleted since."""
    key, body = unique(), sample.full()
    first = api.post(sample.path, body, Idempotency_Key=key)
    place = first.headers["location"]

    api.put(place, sample.least())
    assert api.post(sample.path, body, Idempotency_Key=key).body == first.body
    api.delete(place)
    assert api.post(sample.path, body, Idempotency_Key=key).body == first.body
    assert api.get(place).status == 404


def test_repeated_request_without_a_key(api: Client) -> None:
    """The retry of a client that sends no key is its own duplicate."""
    first, second = (api.post("/todos", {"task": "Dust"}) for _ in range(2))

    assert first.headers["location"] != second.headers["location"]


@pytest.mark.parametrize("body", [b'{"task": "Sweep"}', b'{"task": ""}', b"{", b"", b" " * 70_000])
def test_idempotency_key_with_another_body(api: Client, body: bytes) -> None:
    """422 comes before any error in that body; nothing is created."""
    key = unique()
    first = api.post("/todos", {"task": "Dust"}, Idempotency_Key=key)
    newest = api.get("/todos?limit=1").body

    response = api.post("/todos", body, Idempotency_Key=key)

    assert response.status == 422
    assert f"'{key}'" in response.json["detail"]
    assert api.get("/todos?limit=1").body == newest
    assert api.post("/todos", {"task": "Dust"}, Idempotency_Key=key).body == first.body


def test_equal_json_is_the_same_body(api: Client) -> None:
    """Order, white space, escapes and zeros of a retry may differ."""
    key = unique()
    first = api.post("/products", b'{"name": "Caf\xc3\xa9", "price": 1.5}', Idempotency_Key=key)

    again = api.post("/products", b'{"price":1.50,"name":"Caf\\u00e9"}', Idempotency_Key=key)

    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotency-replayed"] == "true"


def test_idempotency_key_with_another_path(api: Client) -> None:
    """A key is for one request; the same body on another path is another."""
    key, body = unique(), {"name": "Ada", "review": "Good."}
    assert api.post("/reviews", body, Idempotency_Key=key).status == 201

    assert api.post("/users", body, Idempotency_Key=key).status == 422


def test_failed_create_is_not_recorded(api: Client) -> None:
    """What failed validation or conflicted may be tried again under its key, corrected or not."""
    key, email = unique(), f"{unique()}@shop.example"
    user = api.create("/users", {"name": "Ada", "email": email})

    assert api.post("/users", {"name": ""}, Idempotency_Key=key).status == 400
    assert api.post("/users", {"name": "Eve", "email": email}, Idempotency_Key=key).status == 409
    api.delete(f"/users/{user['userId']}")
    response = api.post("/users", {"name": "Eve", "email": email}, Idempotency_Key=key)
    assert (response.status, "idempotency-replayed" in response.headers) == (201, False)


def test_create_with_every_rule_is_atomic(api: Client) -> None:
    """A chosen key, an Idempotency-Key, unique fields or a reference: all or nothing."""
    once, email, product = unique(), f"{unique()}@shop.example", unique()
    user = {"userId": unique(), "name": "Ada", "username": unique(), "email": email}
    review = {"id": unique(), "review": "Good.", "productId": product}

    for path, body in (("/users", user), ("/reviews", review)):
        key = f"{once} {path}"
        if path == "/reviews":
            assert api.post(path, body, Idempotency_Key=key).status == 400
            api.create("/products", {"id": product, "name": "Cup", "price": 1})
        first = api.post(path, body, Idempotency_Key=key)
        assert first.status == 201
        assert api.post(path, body, Idempotency_Key=key).body == first.body
        assert api.post(path, body).status == 409
        assert api.post(path, body, Idempotency_Key=unique()).status == 409


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\tb", "\x7f"])
def test_invalid_idempotency_key(api: Client, key: str) -> None:
    """1 to 255 characters; another header value is a 400 that names it."""
    response = api.post("/todos", {"task": "Dust"}, Idempotency_Key=key)

    assert response.status == 400
    assert list(response.problems) == ["Idempotency-Key"]


@pytest.mark.wire
@pytest.mark.parametrize("key", ["x", "x" * 255, "a b", "~!#/\\\"'"])
def test_idempotency_key_may_be_any_printable_ascii(api: Client, key: str) -> None:
    """Spaces, quotes and slashes included."""
    body = {"task": unique()}
    key = key[:200] + unique() if len(key) > 200 else key + unique()

    first = api.post("/todos", body, Idempotency_Key=key)

    assert first.status == 201
    assert api.post("/todos", body, Idempotency_Key=key).body == first.body


def test_idempotency_key_is_ignored_by_other_methods(api: Client) -> None:
    """It is POST's: the others are idempotent by themselves."""
    key, todo = unique(), api.create("/todos", {"task": "Dust"})
    place = f"/todos/{todo['id']}"

    for _ in range(2):
        assert api.patch(place, {"task": unique()}, Idempotency_Key=key).status == 200
    assert api.get(place, Idempotency_Key="\u00e9").status == 200
