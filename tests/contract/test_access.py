"""Who may do what, as a client of any deployment sees it. docs/access.md has every operation."""

from urllib.parse import urlencode

import pytest

from tests.client import Client, Response
from tests.samples import unique

# API Gateway renames the header of a function: `x-amzn-Remapped-WWW-Authenticate`.
CHALLENGES = ("www-authenticate", "x-amzn-remapped-www-authenticate")


def challenge(answer: Response) -> str | None:
    """The challenge of a 401."""
    found = [answer.headers[name] for name in CHALLENGES if name in answer.headers]
    return found[0] if len(found) == 1 else None


@pytest.fixture
def anonymous(api: Client) -> Client:
    """A client without a token."""
    return api.signed_in(None)


@pytest.mark.anonymous
@pytest.mark.parametrize(
    "path", ["/", "/health", "/openapi.json", "/docs", "/products", "/reviews"]
)
def test_open_to_anonymous_callers(anonymous: Client, path: str) -> None:
    """No token is needed, and shared caches may keep the answer."""
    response = anonymous.get(path)

    assert response.status == 200
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.access
def test_root_names_the_caller(api: Client, anonymous: Client) -> None:
    """GET / has the subject and the roles of a signed-in caller, and no caller without a token."""
    caller = api.get("/").json["caller"]

    assert caller["subject"]
    assert "staff" in caller["roles"]
    assert "caller" not in anonymous.get("/").json


@pytest.mark.wire
@pytest.mark.access
@pytest.mark.anonymous
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users"),
        ("GET", "/users?userId=x"),
        ("GET", "/users/x"),
        ("PUT", "/users"),
        ("DELETE", "/users?userId=x"),
        ("POST", "/products"),
        ("DELETE", "/products/x"),
        ("GET", "/todos"),
        ("HEAD", "/todos/x"),
        ("POST", "/reviews"),
        ("GET", "/reviews?author=me"),
    ],
)
def test_closed_to_anonymous_callers(anonymous: Client, method: str, path: str) -> None:
    """401 with a challenge and CORS, before the body is read."""
    response = anonymous.request(method, path, b"{not JSON" if method in ("POST", "PUT") else None)

    assert response.status == 401
    assert challenge(response) == "Bearer"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cache-control"] == "no-store"
    if method != "HEAD":
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json["detail"] == "This operation needs an access token."


@pytest.mark.access
@pytest.mark.anonymous
@pytest.mark.parametrize("path", ["/", "/health", "/openapi.json", "/docs", "/products", "/users"])
@pytest.mark.parametrize("value", ["Bearer x", "bearer a.b.c", "Bearer", "Basic c3VlOng=", "x"])
def test_invalid_authorization(anonymous: Client, path: str, value: str) -> None:
    """401 on every route, also where anonymous callers are welcome."""
    response = anonymous.get(path, Authorization=value)

    assert response.status == 401
    given = challenge(response) or ""
    assert given.startswith('Bearer error="invalid_token", error_description="')


def test_invalid_token_of_an_unknown_path_or_method(anonymous: Client) -> None:
    """404 and 405 are as without a token."""
    lines = [("Authorization", "Bearer x")]
    assert anonymous.send_lines("GET", "/nothing", lines, b"").status == 404
    assert anonymous.request("PATCH", "/products", {}, Authorization="Bearer x").status == 405


@pytest.mark.wire
def test_scheme_is_case_insensitive(api: Client) -> None:
    """RFC 9110 section 11.1."""
    token = (api.authorization or "").partition(" ")[2]

    assert api.get("/users?limit=1", Authorization=f"bearer {token}").status == 200


@pytest.mark.wire
@pytest.mark.access
def test_two_authorization_lines(api: Client) -> None:
    """They could be read differently by what is in front of the API."""
    lines = [("Authorization", api.authorization or "")]

    assert api.send_lines("GET", "/users", lines, b"").status == 401


@pytest.mark.wire
@pytest.mark.anonymous
def test_preflight_needs_no_token(anonymous: Client) -> None:
    """Browsers send none with it."""
    response = anonymous.request("OPTIONS", "/users", Origin="https://shop.example")

    assert response.status == 200
    assert "Authorization" in response.headers["access-control-allow-headers"]


def test_reviews_by_author(api: Client) -> None:
    """`author=me` lists the caller's own; the author is not shown, and cannot be chosen."""
    mine = [api.create("/reviews", {"review": f"Good {n}."}) for n in range(3)]

    listed = api.get("/reviews", {"author": "me", "limit": 3}).json["items"]

    assert listed == mine[::-1]
    assert "createdBy" not in listed[0]
    assert api.post("/reviews", {"review": "x", "createdBy": "ada"}).status == 400
    first = api.get("/reviews", {"author": "me", "limit": 2}).json
    second = api.get("/reviews", {"author": "me", "limit": 2, "cursor": first["next"]}).json
    assert second["items"][0] == mine[0]
    other = {"author": unique(), "cursor": first["next"]}
    assert api.get("/reviews", other).problems.keys() == {"cursor"}
    assert api.get("/reviews", {"author": unique()}).json["items"] == []
    assert api.get("/reviews", {"author": "me", "productId": "x"}).status == 400


def test_staff_name_an_owner(api: Client) -> None:
    """Each owner has keys and lists of its own; `Location` and `Link` name the owner, too."""
    key, owner, other = unique(), unique(), unique()
    made = [api.post(f"/todos?owner={name}", {"id": key, "task": name}) for name in (owner, other)]
    own = api.create("/todos", {"id": key, "task": "mine"})

    assert [each.status for each in made] == [201, 201]
    assert api.get(made[0].headers["location"]).body == made[0].body
    assert api.get(f"/todos/{key}").json == own
    assert api.get("/todos", {"owner": owner}).json["items"] == [made[0].json]
    pending = {"owner": other, "status": "pending"}
    assert api.get("/todos", pending).json["items"] == [made[1].json]
    assert api.post(f"/todos?owner={owner}", {"id": key, "task": "x"}).problems == {
        "id": "is taken"
    }
    assert api.patch(f"/todos/{key}?owner={other}", {"status": "done"}).json["task"] == other
    assert api.get("/todos", pending).json["items"] == []
    assert api.delete(made[0].headers["location"]).status == 204
    assert api.get(made[0].headers["location"]).status == 404
    assert api.get(f"/todos/{key}").json == own
    assert api.get("/todos?owner=").status == 400
    assert api.get(f"/todos/{key}?owner=").problems.keys() == {"owner"}
    assert api.get("/products?owner=ada").problems.keys() == {"owner"}


def test_owner_in_other_words(api: Client) -> None:
    """`me` is the caller; a subject that is no key is named as it is, or by its digest."""
    item = api.create("/todos?owner=me", {"task": "Dust"})
    strange = f"auth0|{unique()}"

    made = api.post(f"/todos?{urlencode({'owner': strange})}", {"task": "Sweep"})

    assert api.get(f"/todos/{item['id']}?owner=me").json == item
    assert api.get(f"/todos/{item['id']}").json == item
    assert api.get(made.headers["location"]).body == made.body
    assert api.get("/todos", {"owner": strange}).json["items"] == [made.json]


@pytest.mark.parametrize("query", ["owner=a&owner=b", "Owner=a", "ower=a", "author=me"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "POST"])
def test_owner_that_is_misspelt(api: Client, method: str, query: str) -> None:
    """It would otherwise mean the caller's own item."""
    path = f"/todos/{api.create('/todos', {'task': 'Dust'})['id']}"
    body = {"task": "Sweep"} if method in ("POST", "PUT", "PATCH") else None

    response = api.request(method, f"{'/todos' if method == 'POST' else path}?{query}", body)

    assert response.status == 400
    assert response.problems.keys() == {query.partition("=")[0]}
    assert api.get(path).json["task"] == "Dust"


def test_link_of_an_owners_list(api: Client) -> None:
    """The next page is the same owner's."""
    owner = unique()
    for task in ("Dust", "Sweep"):
        api.create(f"/todos?owner={owner}", {"task": task})

    page = api.get("/todos", {"owner": owner, "limit": 1})

    link = page.headers["link"].partition(";")[0].strip("<>")
    assert f"owner={owner}" in link
    assert [each["task"] for each in api.get(link).json["items"]] == ["Dust"]
    cursor = page.json["next"]
    assert api.get("/todos", {"cursor": cursor, "limit": 1}).problems.keys() == {"cursor"}


def test_idempotency_key_of_another_owners_request(api: Client) -> None:
    """The owner is a part of the request that a key belongs to."""
    key, body = unique(), {"task": "Dust"}

    first = api.post(f"/todos?owner={unique()}", body, Idempotency_Key=key)

    assert first.status == 201
    assert api.post("/todos", body, Idempotency_Key=key).status == 422
