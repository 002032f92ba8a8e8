"""Problem details (RFC 9457): which status an error becomes, and the response that describes it."""

from collections.abc import Mapping
from typing import Any

from chalice import ChaliceViewError, Response
from msgspec.json import Encoder

from chalicelib import errors, logs
from chalicelib.errors import DomainError, FieldError

PROBLEM = "application/problem+json"
RETRY_AFTER_SECONDS = "2"

INTERNAL_ERROR = "An error occurred in the server. It is logged under the requestId."

# RFC 9110 section 15. Not HTTPStatus.phrase, which differs between versions of Python.
TITLES: Mapping[int, str] = {
    200: "OK",
    201: "Created",
    204: "No Content",
    302: "Found",
    304: "Not Modified",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    411: "Length Required",
    412: "Precondition Failed",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}


class MalformedBody(DomainError):
    """The body is not a JSON object in UTF-8."""


class BodyTooLarge(DomainError):
    """The body is longer than `requests.MAX_BODY_BYTES`."""


class UnsupportedMediaType(DomainError):
    """The operation does not accept the body's media type or content coding.

    `headers` say what it accepts: RFC 5789 section 3.1, RFC 9110 section 15.5.16.
    """

    def __init__(self, sentence: str, headers: Mapping[str, str]) -> None:
        super().__init__(sentence)
        self.headers = headers


# By class; a subclass has the status of the nearest class above it.
STATUSES: Mapping[type[Exception], int] = {
    MalformedBody: 400,
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    BodyTooLarge: 413,
    UnsupportedMediaType: 415,
    errors.IdempotencyKeyReused: 422,
    errors.Unavailable: 503,
}

_to_json = Encoder(decimal_format="number").encode


class ProblemResponse(Response):
    """A problem document. `log` is what the log line of the request has in addition."""

    def __init__(
        self, status: int, detail: str, request_id: str, problems: tuple[FieldError, ...] = ()
    ) -> None:
        body = {
            "type": "about:blank",
            "title": TITLES.get(status, "Error"),
            "status": status,
            "detail": detail,
            "requestId": request_id,
            **({"errors": problems} if problems else {}),
        }
        super().__init__(_to_json(body).decode(), {"Content-Type": PROBLEM}, status)
        self.log: dict[str, Any] = {}


def status_of(error: type[Exception]) -> int | None:
    """The status of a class of errors in STATUSES, or of the nearest class above it; or None."""
    return next((STATUSES[each] for each in error.__mro__ if each in STATUSES), None)


def problem_response(error: Exception, request_id: str) -> ProblemResponse:
    """The response for an error: its status and sentence, or a 500 that contains no details."""
    status = status_of(type(error))
    if isinstance(error, DomainError) and status:
        response = ProblemResponse(status, str(error), request_id, error.problems)
    elif isinstance(error, ChaliceViewError):
        response = ProblemResponse(error.STATUS_CODE, str(error), request_id)
    else:
        response = ProblemResponse(500, INTERNAL_ERROR, request_id)
    if isinstance(error, errors.Unauthenticated):
        response.headers["WWW-Authenticate"] = _challenge(error.failure)
        response.log = {"reason": error.reason} if error.reason else {}
    if isinstance(error, UnsupportedMediaType):
        response.headers |= dict(error.headers)
    if response.status_code == STATUSES[errors.Unavailable]:
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    if response.status_code >= 500:  # noqa: PLR2004, server errors
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        response.log = logs.error_members(cause)
    return response


def _challenge(failure: str | None) -> str:
    """The `WWW-Authenticate` header of a 401 (RFC 6750 section 3)."""
    if failure is None:
        return "Bearer"
    return f'Bearer error="invalid_token", error_description="{failure}"'
