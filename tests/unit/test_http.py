"""API Gateway's events, of kinds that the contract's deployments do not send."""

import json
from typing import Any

import pytest

from app import app
from chalicelib import settings
from chalicelib.http.problems import STATUSES, TITLES
from tests import sign_in
from tests.client import Client
from tests.samples import unique

# RFC 9110 section 15, and RFC 6585 for 429. Python's own phrases differ between its versions.
RFC_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    411: "Length Required",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def event(path: str, route: str, **context: str) -> dict[str, Any]:
    """An event as API Gateway sends it for a POST."""
    return {
        "requestContext": {
            "resourcePath": route,
            "path": path,
            "httpMethod": "POST",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            **context,
        },
        "headers": {"Authorization": sign_in.staff()},
        "multiValueHeaders": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": {},
        "stageVariables": None,
        "body": '{"task": "Dust"}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("path", "location"),
    [("/dev/todos", "/dev/todos/"), ("/todos", "/todos/"), ("/shop/v1/todos/", "/shop/v1/todos/")],
)
def test_location_under_a_base_path(in_process: Client, path: str, location: str) -> None:
    """Location begins with the stage's path, or with the base path of a custom domain."""
    response = app(event(path, "/todos"), None)

    assert response["headers"]["Location"] == location + json.loads(response["body"])["id"]


@pytest.mark.parametrize(
    ("path", "link"), [("/dev", "/dev/todos"), ("/dev/", "/dev/todos"), ("/", "/todos")]
)
def test_links_under_a_base_path(path: str, link: str) -> None:
    """The links of the root are under the stage's path."""
    response = app(event(path, "/", httpMethod="GET"), None)

    assert json.loads(response["body"])["links"]["todos"] == link


def test_idempotency_key_under_two_base_paths(in_process: Client) -> None:
    """A repetition under the custom domain is the same request as under the stage's URL."""
    lines = {"Idempotency-Key": [unique()], "Authorization": [sign_in.staff()]}
    header = {"multiValueHeaders": lines}
    first, second = (app(event(path, "/todos") | header, None) for path in ("/dev/todos", "/todos"))

    assert first["body"] == second["body"]
    assert second["headers"]["Idempotency-Replayed"] == "true"


def test_request_id(in_process: Client) -> None:
    """The response has API Gateway's request id."""
    response = app(event("/dev/todos", "/todos"), None)

    assert response["headers"]["X-Request-Id"] == "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


def test_event_that_is_not_a_request() -> None:
    """The function may be invoked with any event, for example to keep it warm: no 5xx."""
    response = app({"Records": []}, None)

    assert response["statusCode"] == 400
    detail = "The event is not a request that the API can read."
    assert json.loads(response["body"])["detail"] == detail
    assert response["headers"]["Access-Control-Allow-Origin"] == "*"


def test_body_in_base64(in_process: Client) -> None:
    """API Gateway encodes binary bodies."""
    sent = event("/todos", "/todos") | {"body": "eyJ0YXNrIjogIkR1c3QifQ==", "isBase64Encoded": True}

    assert json.loads(app(sent, None)["body"])["task"] == "Dust"


def test_two_idempotency_keys(in_process: Client) -> None:
    """Two lines of Idempotency-Key are a 400; API Gateway's `headers` has the last line alone."""
    lines = {"idempotency-key": ["a", "b"], "authorization": [sign_in.staff()]}
    sent = event("/todos", "/todos") | {"multiValueHeaders": lines, "headers": {"x": "b"}}

    response = app(sent, None)

    assert response["statusCode"] == 400
    assert json.loads(response["body"])["errors"][0]["field"] == "Idempotency-Key"


ORIGINS = ("https://shop.example", "https://staff.example")


@pytest.mark.parametrize("origin", [*ORIGINS, "https://evil.example", None])
def test_several_allowed_origins(
    in_process: Client, monkeypatch: pytest.MonkeyPatch, origin: str | None
) -> None:
    """The request's own origin is allowed if it is in the list, and Vary names it."""
    monkeypatch.setattr(settings, "CORS_ALLOW_ORIGINS", ORIGINS)
    headers: Any = {"Origin": origin} if origin else {}

    for response in (
        in_process.get("/health", **headers),
        in_process.get("/todos/nobody", **headers),
        in_process.request("PATCH", "/todos", {}, **headers),
        in_process.request("OPTIONS", "/todos", **headers),
    ):
        allowed = response.headers.get("access-control-allow-origin")
        assert allowed == (origin if origin in ORIGINS else None)
        assert response.headers["vary"] == "Origin"
    assert in_process.get("/", **headers).headers["vary"] == "Accept, Origin"


def test_titles() -> None:
    """Titles are RFC 9110's on every version of Python."""
    assert {status: TITLES[status] for status in RFC_TITLES} == RFC_TITLES
    assert set(STATUSES.values()) <= set(RFC_TITLES)


def test_hsts_of_a_domain_of_ones_own(in_process: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Responses of an API with a custom domain have the header, errors included; others do not."""
    name = "strict-transport-security"
    assert name not in in_process.get("/health").headers

    monkeypatch.setattr(settings, "HSTS_SECONDS", 60)

    for path in ("/health", "/todos/nobody"):
        assert in_process.send("GET", path).headers[name] == "max-age=60"
