"""Every operation by every kind of caller: docs/access.md, line by line."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from app import app
from chalicelib import auth, settings
from chalicelib.http.api import declared_routes
from chalicelib.storage import dynamodb
from infra.local.issuer import Issuer
from tests import sign_in
from tests.client import Client
from tests.conftest import PROJECT, Launch, Local
from tests.samples import unique

PAGE = (PROJECT / "docs" / "access.md").read_text()
LINE = re.compile(r"^\| `([A-Z]+) (\S+)` \|(.+)\|$", re.MULTILINE)
CALLERS = (
    "anonymous",
    "customer",
    "another customer",
    "author",
    "staff",
    "machine",
    "expired",
    "forged",
)


class Cell(NamedTuple):
    """A request of one kind of caller, and the status that it gets."""

    method: str
    path: str
    caller: str
    status: int


def cells() -> list[Cell]:
    """The cells of the page's table."""
    return [
        Cell(method, path, caller, int(status))
        for method, path, columns in LINE.findall(PAGE)
        for caller, status in zip(CALLERS, columns.split("|"), strict=True)
    ]


def test_every_operation_is_in_the_table() -> None:
    """Every method of every path, except HEAD, which is as GET."""
    routes = {(each.method, each.path) for each in declared_routes(app) if each.method != "HEAD"}
    named = {(method, path.partition("?")[0]) for method, path, _ in LINE.findall(PAGE)}

    assert named == routes
    assert f"| {' | '.join(CALLERS)} |" in PAGE


class People:
    """The callers, and what belongs to them: made anew for each request."""

    def __init__(self, staff: Client, issuer: Issuer) -> None:
        self.customer, self.author = f"c-{unique()}", f"a-{unique()}"
        self.issuer = issuer
        self.staff = staff
        self.keys = {
            "users": self.customer,
            "products": staff.create("/products", {"name": "Cup", "price": 1})["id"],
            "reviews": self.client("author").create("/reviews", {"review": "Good."})["id"],
            "todos": self.client("customer").create("/todos", {"task": "Dust"})["id"],
        }
        staff.create("/users", {"userId": self.customer, "name": "Ada"})

    def client(self, caller: str) -> Client:
        """A client that calls as one of CALLERS."""
        return self.staff.signed_in(self.authorization(caller))

    def authorization(self, caller: str) -> str | None:
        """The `Authorization` header of one of CALLERS."""
        match caller:
            case "anonymous":
                return None
            case "customer":
                return sign_in.authorization(self.customer, issuer=self.issuer)
            case "another customer":
                return sign_in.authorization(unique(), issuer=self.issuer)
            case "author":
                return sign_in.authorization(self.author, issuer=self.issuer)
            case "staff":
                return sign_in.authorization("sue", "staff", issuer=self.issuer)
            case "machine":
                return sign_in.authorization("stock-sync", "staff", issuer=self.issuer)
            case "expired":
                return sign_in.authorization("sue", "staff", issuer=self.issuer, seconds=-61)
        return sign_in.forged("sue", "staff", issuer=self.issuer)


BODIES: dict[str, Any] = {
    "users": {"name": "Ada"},
    "products": {"name": "Cup", "price": 2},
    "todos": {"task": "Sweep"},
    "reviews": {"review": "Very good."},
}


@pytest.fixture(params=["in_process", "local"])
def people(request: pytest.FixtureRequest, in_process: Client) -> People:
    """The callers, in this process and at a `make run`."""
    if request.param == "in_process":
        return People(in_process, sign_in.ISSUER)
    local: Local = request.getfixturevalue("local")
    return People(local.api, sign_in.issuer_of(local.port, local.folder))


@pytest.mark.parametrize("path", sorted({cell.path for cell in cells()}))
def test_table(people: People, path: str) -> None:
    """Each cell, on items of its own; HEAD is as GET."""
    for cell in [each for each in cells() if each.path == path]:
        own = people if cell.method == "GET" else People(people.staff, people.issuer)
        for method in (cell.method, "HEAD") if cell.method == "GET" else (cell.method,):
            (resource,) = re.findall(r"^/(\w+)", path) or [""]
            # The key is of the item of another, except where the column is the item's own.
            key = own.keys.get(resource, "")
            place = path.replace("{key}", key).replace("userId=KEY", f"userId={key}")
            place = place.replace("owner=KEY", f"owner={own.customer}")
            place = place.replace("author=KEY", f"author={own.author}")
            body = BODIES.get(resource) if method in ("POST", "PUT", "PATCH") else None
            if (method, path) == ("PUT", "/users"):
                body = {"userId": key, "name": "Ada"}
            if (method, path) == ("POST", "/users") and cell.caller == "customer":
                own.staff.delete(f"/users/{own.customer}")

            response = own.client(cell.caller).request(method, place, body)

            assert response.status == cell.status, (cell, method, response.body)


def test_early_refusals_cost_nothing(
    in_process: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """401 and 403 that do not depend on the stored item: no call to DynamoDB.

    Nor is the body read, except where it has the key.
    """
    ada = in_process.signed_in(sign_in.authorization(unique()))
    once = {"Idempotency_Key": unique()}
    responses = [
        ada.post("/products", b"{", **once),
        ada.post("/users", {"userId": "ben", "name": "Ben"}, **once),
        ada.patch("/users/ben", b"{"),
        ada.put("/users", {"userId": "ben", "name": "Ben"}),
        ada.delete("/users?userId=ben"),
        ada.get("/users/ben"),
        ada.get("/reviews?author=ben"),
        ada.get("/todos?owner=ben"),
        ada.post("/todos?owner=ben", b"{", **once),
        ada.patch("/todos/x?owner=ben", b"{"),
        in_process.signed_in(None).post("/reviews", b"{", **once),
    ]

    assert [each.status for each in responses] == [403] * 10 + [401]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["dynamodbCalls"] for line in lines] == [0] * 11


def test_customers_own_user(in_process: Client) -> None:
    """The key is the subject, given or not; a digest stands for a subject that is no key."""
    key = unique()
    ada = in_process.signed_in(sign_in.authorization(key))
    strange = in_process.signed_in(sign_in.authorization(f"auth0|{key}"))

    assert ada.post("/users", {"userId": unique(), "name": "Ada"}).status == 403
    assert ada.create("/users", {"name": "Ada"})["userId"] == key
    assert ada.post("/users", {"userId": key, "name": "Ada"}).status == 409
    made = strange.create("/users", {"name": "Ada"})["userId"]
    assert re.fullmatch(r"sub-[0-9a-f]{40}", made)
    assert strange.get(f"/users/{made}").status == 200
    # Nobody gets another's digest by choosing it as a subject.
    assert in_process.signed_in(sign_in.authorization(made)).get(f"/users/{made}").status == 403


@pytest.mark.parametrize("subject", ["me", "anyone", "..", "a" * 65, "a b", "ä", "sub-x"])
def test_subject_that_is_no_plain_key(in_process: Client, subject: str) -> None:
    """A digest takes its place everywhere: keys, owners, authors and the log."""
    caller = in_process.signed_in(sign_in.authorization(subject))

    review = caller.create("/reviews", {"review": "Good."})

    assert review in caller.get("/reviews?author=me").json["items"]
    assert caller.patch(f"/reviews/{review['id']}", {"rating": 5}).status == 200
    assert caller.get(f"/users/{quote(subject)}").status == 403


def test_log_has_the_subject_alone(in_process: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """No token, and a digest of a subject that may be an email address."""
    authorization = sign_in.authorization("ada@shop.example")
    caller = in_process.signed_in(authorization)
    caller.get("/todos")
    caller.get("/todos", Authorization=f"{authorization}x")

    output = capsys.readouterr().out
    known, unknown = (json.loads(line) for line in output.splitlines())
    assert known["subject"].startswith("sub-")
    assert unknown["subject"] is None
    assert unknown["reason"] == "the form or the signature"
    assert authorization.partition(" ")[2] not in output
    assert "shop.example" not in output


def test_author_is_a_condition_of_the_write(in_process: Client) -> None:
    """One call, and 403 with the etag of the author's own review, too."""
    ada, bob = (in_process.signed_in(sign_in.authorization(unique())) for _ in range(2))
    review = ada.create("/reviews", {"review": "Good."})
    path = f"/reviews/{review['id']}"

    assert bob.patch(path, {"rating": 1}, If_Match=review["etag"]).status == 403
    assert bob.put(path, {"review": "Bad."}).status == 403
    assert bob.delete(path).status == 403
    assert bob.patch(path, {"rating": 1}, If_Match='"x"').status == 403
    assert bob.patch(path, {"productId": "nothing"}).status == 403
    assert bob.patch(f"/reviews/{unique()}", {"rating": 1}).status == 404
    assert in_process.get(path).json == review
    assert ada.patch(path, {"rating": 5}, If_Match=review["etag"]).status == 200


def test_review_without_an_author(in_process: Client) -> None:
    """What was written before reviews had authors is for staff to change."""
    ada = in_process.signed_in(sign_in.authorization(unique()))
    review = ada.create("/reviews", {"review": "Good."})
    table, key = dynamodb.table_name("reviews"), {"id": {"S": review["id"]}}
    row: Any = dynamodb.client.get_item(TableName=table, Key=key)["Item"]
    dynamodb.client.put_item(
        TableName=table, Item={name: v for name, v in row.items() if name != "createdBy"}
    )

    assert ada.patch(f"/reviews/{review['id']}", {"rating": 1}).status == 403
    assert in_process.patch(f"/reviews/{review['id']}", {"rating": 1}).status == 200


def test_equal_ids_and_idempotency_keys_at_the_same_instant(local: Local) -> None:
    """Each of two owners creates its own todo, and replays its own."""
    clients = [local.api.signed_in(local.header(name)) for name in ("ada", "bob")]
    for _ in range(10):
        key, once, barrier = unique(), unique(), Barrier(8)

        def create(
            client: Client, task: str, key: str = key, once: str = once, barrier: Any = barrier
        ) -> Any:
            barrier.wait(10)
            return client.post("/todos", {"id": key, "task": task}, Idempotency_Key=once)

        with ThreadPoolExecutor(8) as pool:
            responses = list(pool.map(create, clients * 4, ["ada", "bob"] * 4))

        assert {each.status for each in responses} == {201}
        assert len({each.body for each in responses}) == 2
        for client, name, response in zip(clients, ("ada", "bob"), responses, strict=False):
            assert response.json["task"] == name
            assert client.get(f"/todos/{key}").body == response.body


def test_open_stage(launch: Launch) -> None:
    """With the issuer `none`, every caller is staff, and a token is not looked at."""
    local = launch(OIDC_ISSUER="none")
    assert local.read_until("OIDC_ISSUER") == "OIDC_ISSUER is none: every caller is staff.\n"
    local.forget()
    api = local.api.signed_in(None)

    todo = api.create("/todos", {"task": "Dust"})
    assert todo in api.get("/todos").json["items"]
    assert api.get("/users").status == 200
    assert api.get("/products", Authorization="Bearer nonsense").status == 200
    assert api.get("/dev-issuer/keys").status == 404


def test_local_stage_without_an_issuer(in_process: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain `chalice local`: open routes are open, and every token is refused."""
    monkeypatch.setattr(settings, "OIDC_ISSUER", "")
    auth._verifier.cache_clear()  # noqa: SLF001
    try:
        assert in_process.get("/products").status == 401
        assert in_process.signed_in(None).get("/products").status == 200
        assert in_process.signed_in(None).get("/users").status == 401
    finally:
        auth._verifier.cache_clear()  # noqa: SLF001


@pytest.mark.parametrize("subject", ["anyone", f"sub-{'a' * 40}", "auth0|5f7c"])
def test_subject_that_is_no_key_names_itself(in_process: Client, subject: str) -> None:
    """A caller finds their own items by their subject, which is stored as a digest."""
    person = in_process.signed_in(sign_in.authorization(subject))
    todo = person.create("/todos", {"task": "Dust"})
    review = person.create("/reviews", {"review": "Fine."})

    assert person.get(f"/todos/{todo['id']}", {"owner": subject}).json == todo
    assert review in person.get("/reviews", {"author": subject}).json["items"]
    digest = person.get("/", Accept="application/json").json["caller"]["subject"]
    assert in_process.get(f"/todos/{todo['id']}", {"owner": digest}).json == todo
    if not subject.startswith("sub-"):
        assert in_process.get(f"/todos/{todo['id']}", {"owner": subject}).json == todo
