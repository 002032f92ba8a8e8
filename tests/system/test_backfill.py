"""`make backfill`: what it adds to items from before a declaration, and what it reports."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from msgspec import Meta, defstruct

from chalicelib.schema import Resource
from chalicelib.storage import claims, dynamodb
from infra.data import backfill
from infra.data.claims_check import check
from tests import sign_in
from tests.client import Client
from tests.samples import unique

USERS, TODOS = (dynamodb.table_name(name) for name in ("users", "todos"))
Backfill = Callable[[], list[str]]


@pytest.fixture
def run(in_process: Client) -> Iterator[Backfill]:
    """A function that runs the backfill and returns its lines; the claims agree at the end."""

    def run() -> list[str]:
        output: list[str] = []
        backfill.backfill(dynamodb.client, tell=output.append)
        return output

    yield run
    assert list(check(dynamodb.client)) == []


@pytest.fixture
def user(in_process: Client) -> Any:
    """A user with a username and an email."""
    name = unique()
    return in_process.create(
        "/users", {"name": "Ada", "username": f"Ada.{name}", "email": f"{name}@shop.example"}
    )


def stored(table: str, key: dict[str, Any]) -> Any:
    """A row of a table."""
    return dynamodb.client.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]


def remove_attributes(table: str, key: dict[str, Any], *names: str) -> None:
    """Take attributes from a row, as if it were older than their declaration."""
    row = {name: value for name, value in stored(table, key).items() if name not in names}
    dynamodb.client.put_item(TableName=table, Item=row)


def claim_on(field: str, user: Any) -> dict[str, Any]:
    """The key of the claim on a value of a user."""
    return {"id": {"S": f"users#{field}#{user[field].lower()}"}}


def delete_claims(user: Any) -> None:
    """Delete a user's claims, as if its fields were not unique when it was written."""
    for field in ("username", "email"):
        dynamodb.client.delete_item(TableName=claims.TABLE, Key=claim_on(field, user))


def test_defaults_and_lowercase_copies(in_process: Client, run: Backfill, user: Any) -> None:
    """Rows are as if they were written now, with the same etag; a second run adds nothing."""
    todo = in_process.create("/todos", {"task": "Dust"})
    todo_key, user_key = {"id": {"S": f"sue#{todo['id']}"}}, {"userId": {"S": user["userId"]}}
    before = stored(TODOS, todo_key), stored(USERS, user_key)
    remove_attributes(TODOS, todo_key, "status")
    remove_attributes(USERS, user_key, "usernameLowercase")
    assert in_process.get("/users", {"username": user["username"]}).json["items"] == []

    assert run() == [f"{USERS}: 1 items completed", f"{TODOS}: 1 items completed"]

    assert (stored(TODOS, todo_key), stored(USERS, user_key)) == before
    assert in_process.get("/users", {"username": user["username"]}).json["items"] == [user]
    assert run() == []


def test_claims(
    in_process: Client, run: Backfill, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values from before a field was unique cannot be taken any more; more than one batch."""
    monkeypatch.setattr(backfill, "BATCH", 10)
    others = [
        in_process.create("/users", {"name": "Ben", "username": f"ben.{unique()}"})
        for _ in range(12)
    ]
    delete_claims(user)
    for other in others:
        dynamodb.client.delete_item(TableName=claims.TABLE, Key=claim_on("username", other))

    assert run() == []

    for field in ("username", "email"):
        owner = stored(claims.TABLE, claim_on(field, user))["owner"]
        assert owner == {"S": user["userId"]}
    for name in (user["username"].upper(), others[-1]["username"]):
        assert in_process.post("/users", {"name": "Eve", "username": name}).status == 409


@pytest.mark.parametrize("repair", ["PATCH", "DELETE"])
def test_value_of_two_items(in_process: Client, run: Backfill, user: Any, repair: str) -> None:
    """One of them has the claim; the other is reported, until it is changed or deleted."""
    other = in_process.create("/users", {"name": "Ben", "username": unique()})
    delete_claims(user)
    dynamodb.client.delete_item(TableName=claims.TABLE, Key=claim_on("username", other))
    row, own = (stored(USERS, {"userId": {"S": each["userId"]}}) for each in (other, user))
    copied = {name: own[name] for name in ("username", "usernameLowercase")}
    dynamodb.client.put_item(TableName=USERS, Item=row | copied)

    first, second = run(), run()

    owner = stored(claims.TABLE, claim_on("username", user))["owner"]["S"]
    loser = ({user["userId"], other["userId"]} - {owner}).pop()
    assert first == second == [f"user '{loser}': another user has its username"]
    new = {"username": unique()} if repair == "PATCH" else None
    assert in_process.request(repair, f"/users/{loser}", new).status in (200, 204)
    assert stored(claims.TABLE, claim_on("username", user))["owner"]["S"] == owner
    assert run() == []


def test_concurrent_writes(in_process: Client, run: Backfill, user: Any) -> None:
    """A write between the scan and the backfill's own write: nothing is left out."""
    key = {"userId": {"S": user["userId"]}}
    delete_claims(user)
    remove_attributes(USERS, key, "usernameLowercase", "emailLowercase")
    names = iter(("Bea", "Cleo", "Dora", "Eve", "Fay", "Gil"))
    events = dynamodb.client.meta.events

    def rename(params: dict[str, Any], **_: Any) -> None:
        # Another PATCH before each write that the backfill makes, but not before its own.
        events.unregister("provide-client-params.dynamodb.UpdateItem", rename)
        events.unregister("provide-client-params.dynamodb.TransactWriteItems", rename)
        in_process.patch(f"/users/{user['userId']}", {"name": next(names)})
        events.register("provide-client-params.dynamodb.TransactWriteItems", rename)

    events.register("provide-client-params.dynamodb.UpdateItem", rename)
    try:
        assert run() == [f"{USERS}: 1 items completed"]
    finally:
        events.unregister("provide-client-params.dynamodb.TransactWriteItems", rename)

    assert next(names) == "Eve"
    assert {"usernameLowercase", "emailLowercase"} <= stored(USERS, key).keys()
    for field in ("username", "email"):
        assert stored(claims.TABLE, claim_on(field, user))["owner"]["S"] == user["userId"]


def test_items_from_before_their_resource_was_owned(in_process: Client, run: Backfill) -> None:
    """Nobody sees them until they are given to an owner, who sees them as they were."""
    todo = in_process.create("/todos", {"task": "Dust", "status": "done"})
    row = stored(TODOS, {"id": {"S": f"sue#{todo['id']}"}})
    in_process.delete(f"/todos/{todo['id']}")
    old = {name: value for name, value in row.items() if name != "statusOfOwner"}
    old |= {"id": {"S": todo["id"]}, "collection": {"S": "todos"}}
    dynamodb.client.put_item(TableName=TODOS, Item=old)

    assert in_process.get(f"/todos/{todo['id']}").status == 404
    (line,) = run()
    assert line.startswith(f"{TODOS}: 1 items have no owner, so nobody sees them; make backfill ")
    ada = in_process.signed_in(sign_in.authorization("ada"))
    ada.create("/todos", {"id": todo["id"], "task": "In the way"})
    output: list[str] = []
    backfill.backfill(dynamodb.client, owner="ada", tell=output.append)
    assert output == [f"todo '{todo['id']}': ada has one with this key; name another OWNER"]
    assert ada.delete(f"/todos/{todo['id']}").status == 204
    backfill.backfill(dynamodb.client, owner="ada")

    assert ada.get(f"/todos/{todo['id']}").json == todo
    assert todo in ada.get("/todos", {"status": "done"}).json["items"]
    assert in_process.get(f"/todos/{todo['id']}").status == 404
    assert run() == []


def test_missing_attributes() -> None:
    """Defaults, copies of defaults, and copies that a version without them has left behind."""
    kind = defstruct("Cup", [("colour", Annotated[str, Meta(min_length=1, max_length=9)], "Red")])
    cups = Resource(
        name="cups",
        noun="cup",
        fields=kind,
        filters=("colour",),
        ignore_case=frozenset({"colour"}),
    )
    blue, red = {"S": "Blue"}, {"S": "red"}

    missing = [
        backfill.missing_attributes(cups, row)
        for row in (
            {"id": blue},
            {"id": blue, "colour": blue},
            {"id": blue, "colour": blue, "colourLowercase": red},
        )
    ]

    assert missing == [
        {"colour": {"S": "Red"}, "colourLowercase": red},
        {"colourLowercase": {"S": "blue"}},
        {"colourLowercase": {"S": "blue"}},
    ]


def test_copy_that_is_out_of_date(in_process: Client, run: Backfill, user: Any) -> None:
    """A version without the copy has changed the field: the copy and the claim follow."""
    key = {"userId": {"S": user["userId"]}}
    delete_claims({"username": user["username"], "email": user["email"]})
    changed = f"New.{unique()}"
    dynamodb.client.put_item(
        TableName=USERS, Item=stored(USERS, key) | {"username": {"S": changed}}
    )

    assert run() == [f"{USERS}: 1 items completed"]

    assert in_process.get("/users", {"username": changed}).json["items"][0]["username"] == changed
    assert in_process.post("/users", {"name": "Eve", "username": changed}).status == 409
