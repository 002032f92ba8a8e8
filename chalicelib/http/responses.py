"""Responses: one function for each way to succeed, and the headers of every response."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from chalice import CORSConfig, Response
from msgspec.json import Encoder

from chalicelib import settings
from chalicelib.http.requests import JSON, Request
from chalicelib.results import Item, Page
from chalicelib.schema import OWNER_PARAMETER

HTML = "text/html; charset=utf-8"
# The header of a response that repeats that of an earlier request.
REPLAYED = "Idempotency-Replayed"

CORS = CORSConfig(
    allow_origin=settings.CORS_ALLOW_ORIGINS[0],
    allow_headers=["Idempotency-Key", "If-Match", "If-None-Match"],
    expose_headers=[
        "ETag",
        "Link",
        "Location",
        "Retry-After",
        "X-Request-Id",
        REPLAYED,
    ],
    max_age=600,
)
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
# Of a preflight's response alone (https://fetch.spec.whatwg.org/#http-responses).
PREFLIGHT_HEADERS = ("Access-Control-Allow-Headers", "Access-Control-Max-Age")
CORS_HEADERS = {
    name: value
    for name, value in CORS.get_access_control_headers().items()
    if name not in PREFLIGHT_HEADERS
}

_to_json = Encoder(decimal_format="number").encode


def ok(content: Item | Mapping[str, Any], **headers: str) -> Response:
    """200, with an item and its etag, or with a JSON object."""
    if isinstance(content, Item):
        return _item_response(200, content, headers)
    return json_response(200, content, headers)


def ok_or_not_modified(request: Request, item: Item) -> Response:
    """200, with the item, or 304 if `If-None-Match` lists its etag (RFC 9110 section 13.1.2)."""
    return _not_modified(request, item.etag) or ok(item)


def ok_or_not_modified_text(request: Request, text: str, headers: Mapping[str, str]) -> Response:
    """200, with a text whose `ETag` is among the headers, or 304."""
    return _not_modified(request, headers["ETag"]) or Response(text, dict(headers))


def ok_page(request: Request, page: Page) -> Response:
    """200, with a page of items and a `Link` to the next page (RFC 8288)."""
    headers = {}
    if page.next is not None:
        query = urlencode({**request.query, "cursor": page.next})
        headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return json_response(200, {"items": page.items, "next": page.next}, headers)


def created(request: Request, item: Item) -> Response:
    """201, with the item and its `Location`."""
    location = f"{request.path}/{item.key}"
    if request.owner is not None:
        location += f"?{urlencode({OWNER_PARAMETER: request.owner})}"
    return _item_response(201, item, {"Location": location})


def deleted() -> Response:
    """204, without a body."""
    return Response("", {}, 204)


def redirected(location: str, **headers: str) -> Response:
    """302, to another path."""
    return Response("", {"Location": location, **headers}, 302)


def json_response(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A response with a JSON value; Decimals are written as exact numbers."""
    return Response(_to_json(content).decode(), {"Content-Type": JSON, **(headers or {})}, status)


def common_headers(request_id: str, status: int, origin: str | None) -> dict[str, str]:
    """The headers of every response. `origin` is the request's `Origin`.

    https://fetch.spec.whatwg.org/#http-access-control-allow-origin
    """
    headers = {
        **CORS_HEADERS,
        "X-Request-Id": request_id,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache" if status < 400 else "no-store",  # noqa: PLR2004, errors
    }
    if settings.CORS_ALLOW_ORIGINS != ("*",):
        del headers[ALLOW_ORIGIN]
        if origin in settings.CORS_ALLOW_ORIGINS:
            headers[ALLOW_ORIGIN] = origin
    if settings.HSTS_SECONDS:
        headers["Strict-Transport-Security"] = f"max-age={settings.HSTS_SECONDS}"
    return headers


def add_common_headers(response: Response, request_id: str, origin: str | None) -> None:
    """Give a response the headers that every response has."""
    # Chalice sets this one itself, and knows only one allowed origin.
    response.headers.pop(ALLOW_ORIGIN, None)
    response.headers |= common_headers(request_id, response.status_code, origin)
    if settings.CORS_ALLOW_ORIGINS != ("*",):
        vary = [response.headers.get("Vary"), "Origin"]
        response.headers["Vary"] = ", ".join(str(each) for each in vary if each)


def _not_modified(request: Request, etag: str) -> Response | None:
    precondition = request.context.precondition
    if precondition.absent or etag in precondition.none_match:
        return Response("", {"ETag": etag}, 304)
    return None


def _item_response(status: int, item: Item, headers: Mapping[str, str]) -> Response:
    replayed = {REPLAYED: "true"} if item.replayed else {}
    return json_response(status, item.values, {"ETag": item.etag, **headers, **replayed})
