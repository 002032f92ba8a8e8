"""What every response has: common headers, CORS, and problem details for errors."""

import pytest

from tests.client import Client, Response
from tests.samples import SAMPLES

pytestmark = pytest.mark.wire

# RFC 9110 section 15.
TITLES = {
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
}

EXPOSED = {"ETag", "Link", "Location", "Retry-After", "X-Request-Id", "Idempotency-Replayed"}


def many_answers(api: Client) -> dict[str, Response]:
    """One response of each kind that a client can bring about."""
    todo = api.post("/todos", {"task": "Dust"})
    place = todo.headers["location"]
    return {
        "root": api.get("/"),
        "health": api.get("/health"),
        "created": todo,
        "read": api.get(place),
        "not modified": api.get(place, If_None_Match="*"),
        "list": api.get("/todos?limit=1"),
        "redirect": api.get("/", Accept="text/html"),
        "deleted": api.delete(place),
        "invalid": api.post("/todos", {}),
        "malformed": api.post("/todos", b"{"),
        "not found": api.get(place),
        "wrong method": api.request("PATCH", "/todos", {}),
        "wrong method on an item": api.request("POST", place, {}),
        "taken": api.post("/todos", {"id": api.create("/todos", {"task": "x"})["id"], "task": "y"}),
        "stale": api.delete(api.post("/todos", {"task": "x"}).headers["location"], If_Match='"x"'),
        "too large": api.post("/todos", b" " * 70_000),
        "not JSON": api.post("/todos", b"x", Content_Type="text/plain"),
    }


def test_every_response_has_the_common_headers(api: Client) -> None:
    """CORS, request id, nosniff and Cache-Control are on all responses, errors included."""
    ids = set()
    for kind, response in many_answers(api).items():
        headers = response.headers
        assert headers["access-control-allow-origin"] == "*", kind
        assert set(headers["access-control-expose-headers"].split(",")) == EXPOSED
        assert "access-control-allow-credentials" not in headers
        # They are a preflight's.
        assert "access-control-allow-headers" not in headers
        assert "access-control-max-age" not in headers
        assert headers["x-content-type-options"] == "nosniff"
        cached = "private, no-cache" if api.authorization else "no-cache"
        expected = "no-store" if response.status >= 400 else cached
        assert headers["cache-control"] == expected
        ids.add(headers["x-request-id"])
        if response.body:
            expected = "application/problem+json" if response.status >= 400 else "application/json"
            assert headers["content-type"] == expected

    assert len(ids) == len(many_answers(api))


def test_every_error_is_a_problem_document(api: Client) -> None:
    """RFC 9457: type, title, status, detail, the request's id, and nothing internal."""
    for kind, response in many_answers(api).items():
        if response.status < 400:
            continue
        problem = response.json
        assert problem.keys() - {"errors"} == {"type", "title", "status", "detail", "requestId"}
        assert problem["status"] == response.status, kind
        assert problem["title"] == TITLES[response.status]
        assert problem["requestId"] == response.headers["x-request-id"]
        assert problem["detail"]
        assert not any(word in response.body for word in (b"storefront-", b"Traceback", b"arn:"))


@pytest.mark.anonymous
@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PATCH", "/users", {"POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS"}),
        ("DELETE", "/todos", {"POST", "GET", "HEAD", "OPTIONS"}),
        ("POST", "/products/x", {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}),
        ("POST", "/products/x/reviews", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/health", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_wrong_method_is_a_405(api: Client, method: str, path: str, allow: set[str]) -> None:
    """Allow lists the methods of the path."""
    response = api.request(method, path, Content_Length="0")

    assert response.status == 405
    assert set(response.headers["allow"].split(", ")) == allow
    assert response.json["detail"].startswith(f"{method} ")


@pytest.mark.anonymous
@pytest.mark.parametrize("method", ["TRACE", "PROPFIND"])
def test_unknown_method_is_a_405(in_process: Client, live: Client, method: str) -> None:
    """On AWS it is refused before it reaches anything of ours."""
    for api in (in_process, live):
        response = api.request(method, "/todos", Content_Length="0")

        assert response.status == 405
        assert set(response.headers["allow"].split(", ")) == {"POST", "GET", "HEAD", "OPTIONS"}


@pytest.mark.anonymous
@pytest.mark.parametrize("path", ["/", "/health", *(sample.path for sample in SAMPLES)])
def test_preflight_headers(api: Client, path: str) -> None:
    """OPTIONS allows the origin, the route's methods and the contract's headers."""
    for place in (path, f"{path}/x") if path.strip("/") and path != "/health" else (path,):
        response = api.request(
            "OPTIONS",
            place,
            Origin="https://shop.example",
            Access_Control_Request_Method="GET",
            Access_Control_Request_Headers="if-match",
        )

        headers = response.headers
        assert response.status == 200
        assert headers["access-control-allow-origin"] == "*"
        assert set(headers["access-control-allow-headers"].split(",")) >= {
            "Content-Type",
            "Authorization",
            "X-Api-Key",
            "Idempotency-Key",
            "If-Match",
            "If-None-Match",
        }
        wrong = "POST" if place.endswith("/x") or place in ("/", "/health") else "PATCH"
        allow = set(api.request(wrong, place, {}).headers["allow"].split(", "))
        assert set(headers["access-control-allow-methods"].split(",")) == allow
        # RFC 5789 section 3.1.
        patches = "application/json, application/merge-patch+json" if "PATCH" in allow else None
        assert headers.get("accept-patch") == patches


def test_root_links(api: Client) -> None:
    """GET / names the API, its version and stage, and links that can be followed."""
    root = api.get("/").json

    assert {name: root[name] for name in ("name", "stage")} == {
        "name": "storefront",
        "stage": api.deployment.stage,
    }
    assert root["version"]
    links = {str(sample): f"{api.base}{sample.path}" for sample in SAMPLES}
    assert root["links"].items() >= links.items()
    for link in root["links"].values():
        assert api.get(link).status == 200


@pytest.mark.anonymous
def test_openapi_document(api: Client) -> None:
    """GET /openapi.json is OpenAPI 3.1, whose server is where it was read."""
    response = api.get("/openapi.json")

    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json["openapi"].startswith("3.1.")
    assert response.json["servers"] == [{"url": api.base or "/"}]
    assert api.get("/").json["links"]["openapi.json"] == f"{api.base}/openapi.json"


@pytest.mark.anonymous
def test_docs_page(api: Client) -> None:
    """GET /docs is HTML that may load and run what it names alone."""
    response = api.get("/docs")

    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert b"openapi.json" in response.body
    assert api.get("/").json["links"]["docs"] == f"{api.base}/docs"


@pytest.mark.anonymous
@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 302),
        ("TEXT/HTML", 302),
        ("*/*", 200),
        ("application/json", 200),
        ("text/html;q=0, application/json", 200),
    ],
)
def test_browsers_are_redirected_to_the_docs_page(api: Client, accept: str, status: int) -> None:
    """GET / redirects requests that accept HTML, and no others."""
    response = api.get("/", Accept=accept)

    assert response.status == status
    assert response.headers["vary"] == "Accept"
    if status == 302:
        assert response.headers["location"] == f"{api.base}/docs"
        assert response.body == b""


@pytest.mark.anonymous
def test_health(api: Client) -> None:
    """GET /health is liveness."""
    assert api.get("/health").json == {"status": "ok"}


def test_trailing_slash(api: Client) -> None:
    """/todos/ is /todos, also in the Location it answers with."""
    response = api.post("/todos/", {"task": "Dust"})

    assert response.headers["location"] == f"{api.base}/todos/{response.json['id']}"


@pytest.mark.anonymous
@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_documents_can_be_revalidated(api: Client, path: str) -> None:
    """They have an etag, and are not sent again while it is the same."""
    first = api.get(path)
    again = api.get(path, If_None_Match=f'"x", {first.headers["etag"]}')

    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert api.get(path, If_None_Match='"x"').body == first.body
