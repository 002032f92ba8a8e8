"""Unique fields: a username and an email belong to one user at a time."""

from typing import Any

import pytest

from tests.client import Client, Response
from tests.samples import unique

FIELDS = ("username", "email")


def value(field: str) -> str:
    """A value that no other user has."""
    return f"Ada.{unique()}" + ("@Shop.example" if field == "email" else "")


def refused(answer: Response, *fields: str) -> bool:
    """Whether an answer is a 409 that names these fields."""
    return answer.status == 409 and answer.problems == dict.fromkeys(fields, "is taken")


@pytest.mark.parametrize("field", FIELDS)
def test_a_value_belongs_to_one_user(api: Client, field: str) -> None:
    """Create, replace and patch refuse a value that another user has, and change nothing."""
    taken = value(field)
    owner = api.create("/users", {"name": "Ada", field: taken})
    other = api.create("/users", {"name": "Bea", field: value(field)})
    place = f"/users/{other['userId']}"

    assert refused(api.post("/users", {"name": "Eve", field: taken}), field)
    assert refused(api.put(place, {"name": "Bea", field: taken}), field)
    assert refused(api.patch(place, {field: taken}), field)
    assert refused(api.put("/users", {"userId": other["userId"], "name": "B", field: taken}), field)
    assert api.get(place).json == other
    assert api.get("/users", {field: taken}).json["items"] == [owner]


@pytest.mark.parametrize("field", FIELDS)
def test_values_are_compared_without_case(api: Client, field: str) -> None:
    """`Ada` and `ada` are the same username, `ADA@x.org` and `ada@x.org` the same email."""
    taken = value(field)
    api.create("/users", {"name": "Ada", field: taken})

    for spelling in (taken.upper(), taken.lower()):
        assert refused(api.post("/users", {"name": "Eve", field: spelling}), field)


def test_conflict_names_every_taken_value(api: Client) -> None:
    """Key, username and email in one answer."""
    body = {"userId": unique(), "name": "A", **{field: value(field) for field in FIELDS}}
    api.create("/users", body)

    response = api.post("/users", body)

    assert refused(response, "userId", "username", "email")
    for taken in (body["userId"], body["username"], body["email"]):
        assert f"'{taken}'" in response.json["detail"]


def leave(api: Client, user: Any, field: str, way: str) -> None:
    """Give up a value, in one of the ways there are."""
    place = f"/users/{user['userId']}"
    responses = {
        "delete": lambda: api.delete(place),
        "delete by query": lambda: api.delete(f"/users?userId={user['userId']}"),
        "take away": lambda: api.patch(place, {field: None}),
        "replace without": lambda: api.put(place, {"name": "Ada"}),
        "patch": lambda: api.patch(place, {field: value(field)}),
        "replace": lambda: api.put(place, {"name": "Ada", field: value(field)}),
    }
    assert responses[way]().status in (200, 204)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "way", ["delete", "delete by query", "take away", "replace without", "patch", "replace"]
)
def test_released_value_can_be_claimed(api: Client, field: str, way: str) -> None:
    """After each kind of release, one other user can have the value."""
    wanted = value(field)
    leave(api, api.create("/users", {"name": "Ada", field: wanted}), field, way)

    assert api.post("/users", {"name": "Eve", field: wanted}).status == 201
    assert refused(api.post("/users", {"name": "Bea", field: wanted}), field)


@pytest.mark.parametrize("field", FIELDS)
def test_a_user_may_keep_its_own_value(api: Client, field: str) -> None:
    """A write with the same value is not a conflict."""
    mine = value(field)
    user = api.create("/users", {"name": "Ada", field: mine})
    place = f"/users/{user['userId']}"

    assert api.patch(place, {field: mine}).json[field] == mine
    assert api.put(place, {"name": "Ada", field: mine}).json[field] == mine
    assert api.patch(place, {"name": "Bea"}).json[field] == mine
    assert refused(api.post("/users", {"name": "Eve", field: mine}), field)


@pytest.mark.parametrize("field", FIELDS)
def test_a_user_may_change_the_case_of_its_own_value(api: Client, field: str) -> None:
    """The stored spelling changes; the value still belongs to the user."""
    user = api.create("/users", {"name": "Ada", field: value(field)})

    changed = api.patch(f"/users/{user['userId']}", {field: user[field].upper()}).json

    assert changed[field] == user[field].upper()
    assert refused(api.post("/users", {"name": "Eve", field: user[field]}), field)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_failed_write_leaves_claims_unchanged(api: Client, method: str) -> None:
    """A stale etag, and a user that is not there, leave all values with whom they are."""
    old, new = value("email"), value("email")
    user = api.create("/users", {"name": "Ada", "email": old})
    body = None if method == "DELETE" else {"name": "Ada", "email": new}

    assert api.request(method, f"/users/{user['userId']}", body, If_Match='"x"').status == 412
    assert api.request(method, f"/users/{unique()}", body).status == 404
    assert refused(api.post("/users", {"name": "Eve", "email": old}), "email")
    assert api.post("/users", {"name": "Eve", "email": new}).status == 201
