"""Requests: what a client sent, read as the RFCs and the API's contract define it."""

import json
import re
from functools import cached_property
from hashlib import blake2b
from typing import Any, TypeVar, cast
from uuid import uuid4

import chalice
import msgspec

from chalicelib import auth
from chalicelib.context import CallContext, Caller, IdempotencyKey, Precondition
from chalicelib.errors import FieldError, Invalid
from chalicelib.http.problems import BodyTooLarge, MalformedBody, UnsupportedMediaType
from chalicelib.schema import OWNER_PARAMETER, Resource
from chalicelib.validation import parse, parse_number

S = TypeVar("S", bound=msgspec.Struct)

# An entity-tag (RFC 9110 section 8.8.3), and a list of them (section 5.6.1), which may have empty
# elements.
ENTITY_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
ENTITY_TAGS = rf"(?:[ \t]*(?:{ENTITY_TAG}[ \t]*)?,)*[ \t]*(?:{ENTITY_TAG}[ \t]*)?"

IDEMPOTENCY_KEY = r"[\x20-\x7e]{1,255}"

MAX_BODY_BYTES = 64 * 1024
# The operands that DynamoDB's IN takes.
MAX_ETAGS = 100

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
# The header of a response to OPTIONS and of a 415 (RFC 5789 section 3.1).
ACCEPT_PATCH = {"Accept-Patch": f"{JSON}, {MERGE_PATCH}"}

_to_sorted_json = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


class Request:
    """A Chalice request, for an operation on a resource, or for none."""

    def __init__(self, request: chalice.app.Request, resource: Resource | None = None) -> None:
        self._request = request
        self._resource = resource
        self.id = request_id(request)

    @property
    def path(self) -> str:
        """The path of the URL, with the stage's or the domain's path, without a trailing slash."""
        path: str = self._request.context["path"]
        return path.rstrip("/")

    @property
    def base_path(self) -> str:
        """The path of the API's root, without a trailing slash: empty, or like `/dev`."""
        depth = len([segment for segment in self._request.path.split("/") if segment])
        return self.path.rsplit("/", depth)[0]

    @cached_property
    def query(self) -> dict[str, str]:
        """The query parameters. Raises Invalid for those that are given twice."""
        given = self._request.query_params
        if given is None:
            return {}
        repeated = [name for name in given if len(given.getlist(name)) > 1]
        if repeated:
            raise Invalid(*(FieldError(name, "must be given once") for name in repeated))
        return {name: given[name] for name in given}

    def parameter(self, name: str) -> str | None:
        """The last value of a query parameter, unchecked, or None."""
        given: Any = self._request.query_params or {}
        value: str | None = given.get(name)
        return value

    @property
    def accepts_html(self) -> bool:
        """Whether `Accept` names HTML, as a browser's does (RFC 9110 section 12.5.1)."""
        accepted = ",".join(self._header_lines("Accept")).lower().split(",")
        return any(
            each.partition(";")[0].strip() == "text/html" and not re.search(r"q=0(\.0*)?\s*$", each)
            for each in accepted
        )

    def only_parameter(self, name: str) -> str:
        """The value of the one query parameter. Raises Invalid if it is missing, or for others."""
        query = self.query
        missing = [] if name in query else [FieldError(name, "is required")]
        others = [FieldError(n, f"cannot be combined with {name}") for n in query if n != name]
        if missing or others:
            raise Invalid(*missing, *others)
        return query[name]

    def refuse_parameters(self, *known: str) -> None:
        """Raise Invalid for query parameters that the operation does not have."""
        others = [name for name in self.query if name not in known]
        if others:
            message = "is not a parameter of this operation"
            raise Invalid(*(FieldError(name, message) for name in others))

    def query_with(self, name: str, value: str) -> dict[str, str]:
        """The query parameters, and the path's `value` of the parameter `name`. Raises Invalid."""
        if name in self.query:
            raise Invalid(FieldError(name, "is in the path already"))
        return {**self.query, name: value}

    def body(self, *media_types: str) -> dict[str, Any]:
        """The body, a JSON object, sent as `application/json` or as one of `media_types`.

        Raises UnsupportedMediaType, BodyTooLarge (over MAX_BODY_BYTES) or MalformedBody.
        """
        accepted = (JSON, *media_types)
        media_type = self._request.headers.get("Content-Type", "").partition(";")[0].strip()
        if media_type and media_type.lower() not in accepted:
            raise UnsupportedMediaType(
                f"The body must be {' or '.join(accepted)}, not {media_type}.",
                ACCEPT_PATCH if MERGE_PATCH in accepted else {},
            )
        # RFC 9110 section 15.5.16.
        coding = ", ".join(self._header_lines("Content-Encoding")).strip()
        if coding.lower() not in ("", "identity"):
            raise UnsupportedMediaType(
                f"The body must be sent without a Content-Encoding, not with {coding}.",
                {"Accept-Encoding": "identity"},
            )
        return self._json_object

    def body_as(self, kind: type[S], *media_types: str) -> S:
        """The body as a Struct. Raises as `body` does, and Invalid for wrong fields."""
        return parse(kind, self.body(*media_types), noun="request")

    @cached_property
    def caller(self) -> Caller:
        """Who makes the call, by the access token in `Authorization`.

        Raises Unauthenticated for a token that is not valid, or Unavailable if that is not known.
        """
        return auth.caller(self._header_lines("Authorization"))

    @property
    def owner(self) -> str | None:
        """The query parameter `owner` of an operation on an owned resource, or None.

        Raises Invalid if it is given twice.
        """
        if self._resource is None or not self._resource.owned:
            return None
        return self.query.get(OWNER_PARAMETER)

    @cached_property
    def context(self) -> CallContext:
        """Who makes the call, and under which conditions.

        Raises as `caller` does, and Invalid for a wrong header.
        """
        return CallContext(
            caller=self.caller,
            owner=self.owner,
            precondition=self._precondition(),
            idempotency_key=self._idempotency_key() if self._request.method == "POST" else None,
        )

    def _precondition(self) -> Precondition:
        """`If-Match` and `If-None-Match` (RFC 9110 section 13.1).

        If-Match compares strongly: a weak etag is never stored, so it never matches. If-None-Match
        compares weakly: without the `W/`. `If-Match: *` asks that the item exists, which every
        operation on an item asks anyway.
        """
        match = self._entity_tags("If-Match")
        none_match = self._entity_tags("If-None-Match")
        return Precondition(
            match=() if match == ("*",) else match,
            none_match=tuple(tag.removeprefix("W/") for tag in none_match if tag != "*"),
            absent=none_match == ("*",),
        )

    @property
    def idempotency_keys(self) -> list[str]:
        """The values of all lines of `Idempotency-Key`, unchecked."""
        return self._header_lines("Idempotency-Key")

    def _idempotency_key(self) -> IdempotencyKey | None:
        """`Idempotency-Key`, with a digest of the path and the body.

        Bodies are compared as JSON: the order of members and white space do not count.
        """
        lines = self.idempotency_keys
        if not lines:
            return None
        if not self.caller.subject:
            # Anonymous callers would see each other's answers.
            raise Invalid(FieldError("Idempotency-Key", "needs an access token"))
        if len(lines) > 1 or not re.fullmatch(IDEMPOTENCY_KEY, lines[0]):
            message = "must be given once, as 1 to 255 printable ASCII characters"
            raise Invalid(FieldError("Idempotency-Key", message))
        try:
            body = _to_sorted_json(self._json_object)
        except (MalformedBody, BodyTooLarge):
            body = self._raw_body
        path = self.path.removeprefix(self.base_path)
        owner = "" if self.owner is None else f"?{self.owner}"
        sent = f"{path}{owner}".encode() + b"\0" + body
        return IdempotencyKey(lines[0], blake2b(sent, digest_size=16).hexdigest())

    @property
    def _raw_body(self) -> bytes:
        return cast("bytes", self._request.raw_body)

    @cached_property
    def _json_object(self) -> dict[str, Any]:
        size = len(self._raw_body)
        if size > MAX_BODY_BYTES:
            raise BodyTooLarge(f"The body has {size} bytes; it must have at most {MAX_BODY_BYTES}.")
        return parse_json_object(self._raw_body)

    def _entity_tags(self, header: str) -> tuple[str, ...]:
        """The etags that a header lists, or `*` alone. Raises Invalid."""
        lines = self._header_lines(header)
        if not lines:
            return ()
        # Several lines are one list (RFC 9110 section 5.3).
        text = ", ".join(lines)
        if text.strip() == "*":
            return ("*",)
        tags = tuple(re.findall(ENTITY_TAG, text))
        if not re.fullmatch(ENTITY_TAGS, text) or not 0 < len(tags) <= MAX_ETAGS:
            message = f"must be * or a list of 1 to {MAX_ETAGS} etags, each in double quotes"
            raise Invalid(FieldError(header, message))
        return tags

    def _header_lines(self, name: str) -> list[str]:
        """The values of all lines of a header. API Gateway's `headers` has the last line alone."""
        lines = self._lines
        if lines:
            return lines.get(name.lower(), [])
        value = self._request.headers.get(name)
        return [] if value is None else [value]

    @cached_property
    def _lines(self) -> dict[str, list[str]]:
        """All header lines, by the lower-case name; empty where only `headers` is given."""
        given = self._request.to_original_event().get("multiValueHeaders") or {}
        lines: dict[str, list[str]] = {}
        for name, values in given.items():
            lines.setdefault(name.lower(), []).extend(values)
        return lines


def parse_json_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw` (RFC 8259), its numbers exact. Raises MalformedBody."""
    if not raw:
        raise MalformedBody("The body is empty; it must be a JSON object.")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise MalformedBody("The body begins with a byte order mark, which JSON does not allow.")
    try:
        values = json.loads(
            raw.decode(),
            object_pairs_hook=_unique_members,
            parse_float=parse_number,
            parse_int=parse_number,
            parse_constant=_refuse_constant,
        )
        # A lone surrogate (\ud800) is not Unicode text: it cannot be written as UTF-8.
        msgspec.json.encode(values)
    except UnicodeDecodeError:
        raise MalformedBody("The body is not UTF-8.") from None
    except UnicodeEncodeError:
        raise MalformedBody("The body has a lone surrogate in a string.") from None
    except RecursionError:
        raise MalformedBody("The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        found = "ends too early" if error.pos >= len(error.doc.rstrip()) else "is wrong"
        raise MalformedBody(
            f"The body is not JSON: it {found} at line {error.lineno}, column {error.colno}."
        ) from None
    except ValueError as error:
        raise MalformedBody(str(error)) from None
    if not isinstance(values, dict):
        raise MalformedBody("The body must be a JSON object.")
    return values


def request_id(request: chalice.app.Request | None) -> str:
    """API Gateway's id of the request, or else Lambda's (`chalice local`), or else a new UUID."""
    if request is None:
        return str(uuid4())
    context: Any = request.lambda_context
    return str(request.context.get("requestId") or context.aws_request_id)


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ValueError(f"The body has the key {name!r} twice.")
        values[name] = value
    return values


def _refuse_constant(name: str) -> None:
    raise ValueError(f"The body is not JSON: it has {name}.")
