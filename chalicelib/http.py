"""HTTP: requests in, responses out. What a client asks, and how it is answered.

`Api` is Chalice with two additions: its views are given a `Request` and may raise the domain's
errors, and every response, Chalice's own included, leaves in the API's form.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache, wraps
from hashlib import blake2b
from http import HTTPStatus
from time import perf_counter
from typing import Any, cast
from urllib.parse import unquote, urlencode
from uuid import uuid4

import chalice
import msgspec
from chalice import Chalice, CORSConfig
from chalice import Response as Response  # noqa: PLC0414, app.py has it from here

import chalicelib
from chalicelib import dynamodb, errors, logs, settings
from chalicelib.claims import Once, recall
from chalicelib.errors import DomainError, Invalid, Problem
from chalicelib.items import Item, Page, Precondition
from chalicelib.validation import number

# RFC 9110 section 8.8.3, and lists of them (section 5.6.1), in which empty elements are allowed.
ETAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
ETAGS = rf"(?:[ \t]*(?:{ETAG}[ \t]*)?,)*[ \t]*(?:{ETAG}[ \t]*)?"

IDEMPOTENCY_KEY = r"[\x20-\x7e]{1,255}"

MAX_BODY_BYTES = 64 * 1024
# The most operands that DynamoDB's IN takes.
MAX_ETAGS = 100
RETRY_AFTER_SECONDS = "2"

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
PROBLEM = "application/problem+json"
HTML = "text/html; charset=utf-8"


class Malformed(DomainError):
    """The body is no JSON object in UTF-8."""


class TooLarge(DomainError):
    """The body is longer than `MAX_BODY_BYTES`."""


class NotJson(DomainError):
    """The body's media type is not one that the operation takes."""


STATUSES: dict[type[Exception], HTTPStatus] = {
    Malformed: HTTPStatus.BAD_REQUEST,
    errors.Invalid: HTTPStatus.BAD_REQUEST,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Taken: HTTPStatus.CONFLICT,
    errors.Stale: HTTPStatus.PRECONDITION_FAILED,
    errors.Reused: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotJson: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

CORS = CORSConfig(
    allow_origin=settings.CORS_ALLOW_ORIGIN,
    allow_headers=["Idempotency-Key", "If-Match", "If-None-Match"],
    expose_headers=[
        "ETag",
        "Link",
        "Location",
        "Retry-After",
        "X-Request-Id",
        "Idempotency-Replayed",
    ],
    max_age=600,
)
CORS_HEADERS = CORS.get_access_control_headers()

_to_sorted_json = msgspec.json.Encoder(decimal_format="number", order="sorted").encode
_to_json = msgspec.json.Encoder(decimal_format="number").encode

View = Callable[..., Response]


class Request:
    """What a client asks: a Chalice request, read as the API's contract and the RFCs say."""

    def __init__(self, request: chalice.app.Request) -> None:
        self._request = request
        self.id = _request_id(request)

    @property
    def base(self) -> str:
        """The path of the API's root, without a closing slash: empty, or `/dev` on a stage."""
        depth = len([segment for segment in self._request.path.split("/") if segment])
        return self.path.rsplit("/", depth)[0]

    @property
    def path(self) -> str:
        """The path that was asked for, from the host's root."""
        path: str = self._request.context["path"]
        return path.rstrip("/")

    @property
    def query(self) -> dict[str, str]:
        """The query parameters. Raises Invalid for those that are given twice."""
        given = self._request.query_params
        if given is None:
            return {}
        repeated = [name for name in given if len(given.getlist(name)) > 1]
        if repeated:
            raise Invalid(*(Problem(name, "must be given once") for name in repeated))
        return {name: given[name] for name in given}

    @property
    def wants_html(self) -> bool:
        """Whether a person's browser asks: what it accepts names HTML (RFC 9110 section 12.5.1)."""
        accepted = self._request.headers.get("Accept", "").lower().split(",")
        return any(
            each.partition(";")[0].strip() == "text/html" and not re.search(r"q=0(\.0*)?\s*$", each)
            for each in accepted
        )

    def parameter(self, name: str) -> str:
        """The one query parameter that the operation takes. Raises Invalid without or beside it."""
        query = self.query
        missing = [] if name in query else [Problem(name, "is required")]
        beside = [Problem(n, f"cannot be given beside {name}") for n in query if n != name]
        if missing or beside:
            raise Invalid(*missing, *beside)
        return query[name]

    def body(self, *also: str) -> dict[str, Any]:
        """The body, a JSON object; `also` are media types that count as JSON here.

        Raises NotJson, TooLarge (over 64 KiB) or Malformed.
        """
        media_type = self._request.headers.get("content-type", "").partition(";")[0].strip()
        takes = (JSON, *also)
        if media_type and media_type.lower() not in takes:
            raise NotJson(f"The body must be {' or '.join(takes)}, not {media_type}.")
        return self._content

    @property
    def precondition(self) -> Precondition:
        """`If-Match` and `If-None-Match` (RFC 9110 section 13.1). Raises Invalid.

        If-Match compares strongly: a weak etag is no stored one, so it never matches.
        If-None-Match compares weakly: without the `W/`. `If-Match: *` asks for what every
        operation on an item asks for anyway, that it be there.
        """
        match = self._etags("If-Match")
        none_match = self._etags("If-None-Match")
        return Precondition(
            match=() if match == ("*",) else match,
            none_match=tuple(tag.removeprefix("W/") for tag in none_match if tag != "*"),
            absent=none_match == ("*",),
        )

    @property
    def once(self) -> Once | None:
        """`Idempotency-Key` of a POST, with a digest of its path and body. Raises Invalid.

        JSON that says the same is the same body, however its members are ordered and spaced.
        """
        key = self._request.headers.get("Idempotency-Key")
        if key is None or self._request.method != "POST":
            return None
        if not re.fullmatch(IDEMPOTENCY_KEY, key):
            raise Invalid(Problem("Idempotency-Key", "must be 1 to 255 printable ASCII characters"))
        try:
            body = _to_sorted_json(self._content)
        except (Malformed, TooLarge):
            body = self._raw
        sent = self._request.path.encode() + b"\0" + body
        return Once(key, blake2b(sent, digest_size=16).hexdigest())

    @property
    def _raw(self) -> bytes:
        return cast("bytes", self._request.raw_body)

    @cached_property
    def _content(self) -> dict[str, Any]:
        if len(self._raw) > MAX_BODY_BYTES:
            size = len(self._raw)
            raise TooLarge(f"The body has {size} bytes; it must have at most {MAX_BODY_BYTES}.")
        return _json_object(self._raw)

    def _etags(self, header: str) -> tuple[str, ...]:
        text = self._request.headers.get(header)
        if text is None or text.strip() == "*":
            return () if text is None else ("*",)
        tags = tuple(re.findall(ETAG, text))
        if not re.fullmatch(ETAGS, text) or not 0 < len(tags) <= MAX_ETAGS:
            message = f"must be * or a list of 1 to {MAX_ETAGS} etags, each in double quotes"
            raise Invalid(Problem(header, message))
        return tags


def created(request: Request, item: Item) -> Response:
    """201, with the item and where it is."""
    location = f"{request.path}/{item.key}"
    response = _json(HTTPStatus.CREATED, item.values, ETag=item.etag, Location=location)
    if item.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def found(request: Request, item: Item) -> Response:
    """200, with the item, or 304 where the client says that it has it."""
    when = request.precondition
    if when.absent or item.etag in when.none_match:
        return Response("", {"ETag": item.etag}, HTTPStatus.NOT_MODIFIED)
    return changed(item)


def changed(item: Item) -> Response:
    """200, with the item."""
    return _json(HTTPStatus.OK, item.values, ETag=item.etag)


def deleted() -> Response:
    """204, with nothing."""
    return Response("", {}, HTTPStatus.NO_CONTENT)


def listed(request: Request, page: Page) -> Response:
    """200, with a page of items and the link to the next one (RFC 8288).

    A page has no etag, so no precondition changes anything; one that cannot be read is refused as
    everywhere. Raises Invalid.
    """
    _ = request.precondition
    body = {"items": page.items, "next": page.next}
    if page.next is None:
        return _json(HTTPStatus.OK, body)
    query = urlencode({**request.query, "cursor": page.next})
    return _json(HTTPStatus.OK, body, Link=f'<{request.path}?{query}>; rel="next"')


def told(values: Mapping[str, Any], **headers: str) -> Response:
    """200, with something that is not an item."""
    return _json(HTTPStatus.OK, values, **headers)


def shown(app: "Api") -> Response:
    """200, with the page that shows the OpenAPI document."""
    # Most environments are never asked for it.
    from chalicelib import docs  # noqa: PLC0415

    headers: Any = {"Content-Type": HTML, "Content-Security-Policy": docs.policy()}
    return Response(docs.page(app.app_name), headers)


def redirected(location: str, **headers: str) -> Response:
    """302, to another path."""
    return Response("", {"Location": location, **headers}, HTTPStatus.FOUND)


def described(app: "Api", request: Request) -> Response:
    """200, with the OpenAPI document of an API."""
    return Response(_description(app, request.base), {"Content-Type": JSON})


# An API is reached under its stage's path and perhaps under a domain of its own.
@lru_cache(maxsize=4)
def _description(app: "Api", base: str) -> str:
    # Most environments are never asked for it.
    from chalicelib import openapi  # noqa: PLC0415

    document = openapi.document(
        {
            path: {
                method: openapi.Route(entry.view_name, entry.view_function.__doc__ or "")
                for method, entry in methods.items()
            }
            for path, methods in app.routes.items()
        },
        name=app.app_name,
        version=chalicelib.__version__,
        base=base,
    )
    return _to_json(document).decode()


def common_headers(request_id: str, status: int) -> dict[str, str]:
    """The headers of every response, errors included."""
    return {
        **CORS_HEADERS,
        "X-Request-Id": request_id,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache" if status < HTTPStatus.BAD_REQUEST else "no-store",
    }


class Api(Chalice):
    """Chalice whose views take a `Request` and may raise, and whose responses have one form."""

    def __init__(self, app_name: str) -> None:
        super().__init__(app_name, configure_logs=False)
        self.api.cors = CORS
        self.register_middleware(self._finish, "http")

    def route(self, path: str, **options: Any) -> Callable[[View], View]:
        """Chalice's own decorator. `Request.body` checks media types, for each method its own."""
        register = super().route(path, content_types=[], **options)

        def decorate(view: View) -> View:
            @wraps(view)
            def answer(**variables: str) -> Response:
                request = Request(cast("chalice.app.Request", self.current_request))
                try:
                    return _view_response(view, request, variables)
                except Exception as error:  # noqa: BLE001, the one place where all failures end
                    return _failure(error, request.id)

            register(answer)
            return view

        return decorate

    def _finish(
        self, request: chalice.app.Request | None, get_response: Callable[..., Response]
    ) -> Response:
        """Middleware: Chalice's own errors as problem details, common headers, the log line."""
        started = perf_counter()
        dynamodb.calls.set(0)
        request_id = _request_id(request)
        response = get_response(request)
        if not isinstance(response.body, str):
            response = _chalice_failure(response, request, request_id)
        response.headers |= common_headers(request_id, response.status_code)
        views = self.routes.get(request.path, {}) if request else {}
        view = views.get(request.method) if request else None
        logs.write(
            "ERROR" if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else "INFO",
            requestId=request_id,
            operation=view.view_name if view else None,
            status=int(response.status_code),
            milliseconds=round((perf_counter() - started) * 1000, 1),
            dynamodbCalls=dynamodb.calls.get(),
            **(response.fault if isinstance(response, Failure) else {}),
        )
        return response


def _view_response(view: View, request: Request, variables: Mapping[str, str]) -> Response:
    once = request.once
    try:
        return view(request, **{name: unquote(value) for name, value in variables.items()})
    except (Malformed, TooLarge, NotJson, Invalid):
        # Whether the key was used for another request matters more than what is wrong with this.
        recorded = recall(once) if once else None
        if recorded is None:
            raise
        return created(request, recorded)


class Failure(Response):
    """A problem document, and what the log says of it besides."""

    def __init__(
        self, status: HTTPStatus, detail: str, request_id: str, problems: tuple[Problem, ...] = ()
    ) -> None:
        body = {
            "type": "about:blank",
            "title": status.phrase,
            "status": int(status),
            "detail": detail,
            "requestId": request_id,
            **({"errors": problems} if problems else {}),
        }
        super().__init__(_to_json(body).decode(), {"Content-Type": PROBLEM}, status)
        self.fault: dict[str, Any] = {}


def _failure(error: Exception, request_id: str) -> Failure:
    status = STATUSES.get(type(error))
    if status is None or not isinstance(error, DomainError):
        failure = Failure(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "Something went wrong on our side. It is logged under the requestId.",
            request_id,
        )
    else:
        failure = Failure(status, str(error), request_id, error.problems)
    if failure.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        failure.headers["Retry-After"] = RETRY_AFTER_SECONDS
    if failure.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        failure.fault = logs.fault(cause)
    return failure


def _chalice_failure(
    response: Response, request: chalice.app.Request | None, request_id: str
) -> Failure:
    """What Chalice answers by itself, a wrong method or an event that is no request, as ours."""
    status = HTTPStatus(response.status_code)
    detail = "This is not a request that the API can read."
    headers = {}
    if request and status == HTTPStatus.METHOD_NOT_ALLOWED:
        allow = f"{response.headers['Allow']}, OPTIONS"
        detail = f"{request.method} is not possible here; {allow} are."
        headers["Allow"] = allow
    failure = Failure(status, detail, request_id)
    failure.headers |= headers
    return failure


def _json(status: HTTPStatus, values: Mapping[str, Any], **headers: str) -> Response:
    return Response(_to_json(values).decode(), {"Content-Type": JSON, **headers}, status)


def _json_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw` (RFC 8259), its numbers exact. Raises Malformed."""
    if not raw:
        raise Malformed("The body is empty; it must be a JSON object.")
    try:
        values = json.loads(
            raw.decode(),
            object_pairs_hook=_object,
            parse_float=number,
            parse_int=number,
            parse_constant=_no_constant,
        )
        # A lone surrogate (\ud800) is no Unicode text, and cannot be written as UTF-8.
        msgspec.json.encode(values)
    except UnicodeDecodeError:
        raise Malformed("The body is not UTF-8.") from None
    except UnicodeEncodeError:
        raise Malformed("The body has a lone surrogate in a string.") from None
    except RecursionError:
        raise Malformed("The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error.msg} at character {error.pos}.") from None
    except ValueError as error:
        raise Malformed(str(error)) from None
    if not isinstance(values, dict):
        raise Malformed("The body must be a JSON object.")
    return values


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ValueError(f"The body has the key {name!r} twice.")
        values[name] = value
    return values


def _no_constant(name: str) -> None:
    raise ValueError(f"The body is not JSON: it has {name}.")


def _request_id(request: chalice.app.Request | None) -> str:
    """API Gateway's id of the request, or Lambda's where there is none, as in `chalice local`."""
    if request is None:
        return str(uuid4())
    context: Any = request.lambda_context
    return str(request.context.get("requestId") or context.aws_request_id)
