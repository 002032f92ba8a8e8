"""`Api`: Chalice whose views take a `Request`, and whose responses and log lines have one form."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from functools import lru_cache, partial, update_wrapper
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar, cast
from urllib.parse import unquote

import chalice
import msgspec
from chalice import Chalice, Response

import chalicelib
from chalicelib import logs, oidc, settings
from chalicelib.access import owner_key, require_rule
from chalicelib.errors import (
    Conflict,
    DeclarationError,
    DomainError,
    FieldError,
    Forbidden,
    IdempotencyKeyReused,
    Invalid,
    NotAuthor,
    Unauthenticated,
    Unavailable,
)
from chalicelib.http.operations import (
    Create,
    CustomOperation,
    Delete,
    List,
    Operation,
    Replace,
    Route,
)
from chalicelib.http.problems import ProblemResponse, problem_response
from chalicelib.http.requests import JSON, Request, request_id
from chalicelib.http.responses import (
    CORS,
    HTML,
    PREFLIGHT_HEADERS,
    REPLAYED,
    add_common_headers,
    created,
    json_response,
    ok,
    ok_or_not_modified_text,
)
from chalicelib.schema import OWNER_PARAMETER, Resource
from chalicelib.storage import dynamodb, idempotency

T = TypeVar("T")

# What a log line has as the operation of a request that no view responds to. Metric filters leave
# out lines that have no value of a dimension.
UNKNOWN_OPERATION = "unknown"

# The OpenAPI document, which infra/docs/openapi.py writes.
OPENAPI_FILE = Path(chalicelib.__file__).with_name("openapi.json")
# The name of the document's security scheme of the API's issuer.
SIGN_IN = "signIn"

# The subject of the current request's caller, for the log line.
_subject = ContextVar("subject", default="")


class InvocationFailed(Exception):
    """An invocation that is not an HTTP request has failed; its log line has the error."""


class View:
    """A view function as Chalice calls it, with the operation that its route declares.

    It catches all errors: Chalice would make responses of them before any middleware could
    (https://github.com/aws/chalice/issues/1884).
    """

    def __init__(
        self, app: Chalice, function: Callable[..., Any], operation: Operation | None
    ) -> None:
        update_wrapper(self, function)
        self.app = app
        self.function = function
        self.operation = operation

    def __call__(self, **variables: str) -> Response:
        """The response to the current request; an error is a response, too.

        `variables` are the path's, percent-encoded.
        """
        resource = self.operation.resource if self.operation else None
        request = Request(cast("chalice.app.Request", self.app.current_request), resource)
        outcome = _outcome(lambda: self._respond(request, variables))
        if isinstance(outcome, Exception):
            return problem_response(outcome, request.id)
        return outcome

    def _respond(self, request: Request, variables: Mapping[str, str]) -> Response:
        operation = self.operation
        keys = {name: unquote(value) for name, value in variables.items()}
        # A token that is not valid is refused on every route.
        _subject.set(request.caller.subject)
        if operation:
            _authorize(operation, request, keys)
        if isinstance(operation, CustomOperation) and operation.answer and request.idempotency_keys:
            # A record holds an item, and the response is something else.
            message = "is not supported by this operation"
            raise Invalid(FieldError("Idempotency-Key", message))
        try:
            result = self.function(request, **keys)
        except (IdempotencyKeyReused, Unauthenticated, Unavailable):
            raise
        except DomainError as error:
            if isinstance(error, Forbidden) and not isinstance(error, NotAuthor):
                # The caller may not do this with any item.
                raise
            # A repeated request may be refused before the transaction compares its idempotency
            # record, because its body is invalid, or because the first request changed the item.
            replayed = self._find_replay(request, error)
            if replayed is None:
                raise
            return replayed
        if not isinstance(result, Response):
            return json_response(200, result)
        if not isinstance(result.body, str | bytes):
            return json_response(result.status_code, result.body, cast("Any", result.headers))
        return result

    def _find_replay(self, request: Request, error: DomainError) -> Response | None:
        """The response to an earlier request with the same idempotency key, or None."""
        if isinstance(self.operation, Create) and isinstance(error, Conflict):
            # The transaction of a create has compared the record already.
            return None
        with suppress(Invalid):
            replayed = idempotency.find_replay(request.context)
            if replayed:
                is_create = isinstance(self.operation, Create)
                return created(request, replayed) if is_create else ok(replayed)
        return None


def _authorize(operation: Operation, request: Request, keys: Mapping[str, str]) -> None:
    """Refuse a caller before the body is read, if the rule does not depend on the stored item.

    The data-access module checks the rule again, with the key wherever that comes from. Raises
    Unauthenticated or Forbidden, and Invalid for a wrong owner.
    """
    resource, rule, key = operation.resource, operation.rule, keys.get("key")
    match operation:
        case List(or_read=or_read):
            key = request.parameter(resource.key) if or_read else None
            if key is not None:
                rule = resource.access.rule("read")
        case Replace(key_in="body"):
            key = None
        case Delete(key_in="query"):
            key = request.parameter(resource.key)
    require_rule(rule, request.caller, key)
    if resource.owned:
        if not isinstance(operation, List):
            # A misspelt `owner` would mean the caller's own item.
            request.refuse_parameters(OWNER_PARAMETER)
        owner_key(request.owner, request.caller)


class Api(Chalice):
    """Chalice with `View`s, HEAD for every GET, and one log line for every invocation.

    Blueprints work as in Chalice; their views take a `Request`, too. Requests are handled by
    functions, not by methods, because `chalice local` replaces the class of the app
    (chalice.local.LocalChalice).
    """

    def __init__(self, app_name: str) -> None:
        super().__init__(app_name, configure_logs=False)
        self.api.cors = CORS
        self.register_middleware(partial(_handle, self), "all")

    def _register_handler(self, handler_type: str, name: str, *handlers: Any) -> None:
        """Register a function. Raises DeclarationError for one that would bypass the middleware.

        Lambda imports the module of a Blueprint alone, and not app.py, for a function that is no
        route. The last of `handlers` are the options of the Blueprint, if it is in one.
        """
        options = handlers[-1] or {}
        if handler_type != "route" and "module_name" in options:
            raise DeclarationError(
                f"The function {name} is in a Blueprint, where it would have no log line and no "
                "settings of the app: declare it in app.py, and call the module from there."
            )
        super()._register_handler(handler_type, name, *handlers)

    def _register_route(
        self, name: str, user_handler: Callable[..., Any], kwargs: Any, **options: Any
    ) -> None:
        """Register a route of the app or of a Blueprint, which both end here.

        https://github.com/aws/chalice/issues/2056
        """
        declared = dict(kwargs["kwargs"])
        view = View(self, user_handler, declared.pop("operation", None))
        methods = list(declared.get("methods", ["GET"]))
        if "GET" in methods:
            # RFC 9110 section 9.1.
            methods.append("HEAD")
        # Request.body checks the media type: Chalice would check it on GET, too.
        declared |= {"methods": methods, "content_types": []}
        super()._register_route(name, view, {**kwargs, "kwargs": declared}, **options)


def declared_routes(app: Chalice) -> list[Route]:
    """Every route of an app, in the order of registration."""
    return [
        Route(
            path=path,
            method=method,
            name=entry.view_name,
            doc=entry.view_function.__doc__ or "",
            operation=getattr(entry.view_function, "operation", None),
        )
        for path, methods in app.routes.items()
        for method, entry in methods.items()
    ]


def resources_by_list_path(app: Chalice) -> dict[str, Resource]:
    """The resources by the paths of their lists: `/users`, `/products` and so on."""
    return {
        route.path: route.operation.resource
        for route in declared_routes(app)
        if isinstance(route.operation, List) and "{" not in route.path
    }


def _handle(app: Chalice, event: Any, get_response: Callable[..., Any]) -> Any:
    """Middleware for every kind of event."""
    usage = dynamodb.start_usage()
    _subject.set("")
    started = perf_counter()
    if event is None or isinstance(event, chalice.app.Request):
        return _finish_request(app, event, get_response(event), lambda: _measured(started, usage))
    outcome = _outcome(lambda: get_response(event))
    failed = isinstance(outcome, Exception)
    logs.write(
        "ERROR" if failed else "INFO",
        requestId=getattr(event.context, "aws_request_id", None),
        function=getattr(event.context, "function_name", None),
        event=type(event).__name__,
        **_measured(started, usage),
        **(logs.error_members(outcome) if isinstance(outcome, Exception) else {}),
    )
    if failed:
        # Lambda logs what is raised: the original's message may quote the event.
        raise InvocationFailed("The log line with this request id has the error.") from None
    return outcome


def _finish_request(
    app: Chalice,
    request: chalice.app.Request | None,
    response: Response,
    measured: Callable[[], dict[str, Any]],
) -> Response:
    own_id = request_id(request)
    if not isinstance(response.body, str | bytes):
        response = _chalice_error(response, request, own_id)
    for name in PREFLIGHT_HEADERS:
        # Chalice adds them to every response.
        response.headers.pop(name, None)
    add_common_headers(response, own_id, request.headers.get("Origin") if request else None)
    if request and "Authorization" in request.headers and response.status_code < 400:  # noqa: PLR2004, errors
        # RFC 9111 section 5.2.2.7.
        response.headers["Cache-Control"] = "private, no-cache"
    views = app.routes.get(request.path, {}) if request else {}
    view = views.get(request.method) if request else None
    log_response(
        response,
        own_id,
        method=request.method if request else None,
        route=request.path if request else None,
        operation=view.view_name if view else UNKNOWN_OPERATION,
        subject=_subject.get() or None,
        **measured(),
    )
    if request and request.method == "HEAD":
        if settings.IS_LOCAL and response.status_code not in {204, 304}:
            # API Gateway sets it itself.
            text = response.body
            length = len(text.encode() if isinstance(text, str) else text)
            response.headers["Content-Length"] = str(length)
        response.body = ""
    return response


def log_response(response: Response, own_id: str, **members: Any) -> None:
    """Write the log line of an HTTP request."""
    logs.write(
        "ERROR" if response.status_code >= 500 else "INFO",  # noqa: PLR2004, server errors
        requestId=own_id,
        status=response.status_code,
        **members,
        **({"replayed": True} if REPLAYED in response.headers else {}),
        **(response.log if isinstance(response, ProblemResponse) else {}),
    )


def openapi_document(request: Request) -> Response:
    """200, with the OpenAPI document of the API, or 304."""
    return _document(request, openapi_text(request.base_path), {"Content-Type": JSON})


def docs_page(app: Chalice, request: Request) -> Response:
    """200, with the page that shows the OpenAPI document, or 304."""
    # Imported here because most environments never serve the page.
    from chalicelib.http import docs_page as page  # noqa: PLC0415

    headers = {"Content-Type": HTML, "Content-Security-Policy": page.content_security_policy()}
    return _document(request, page.html(app.app_name), headers)


def _document(request: Request, text: str, headers: Mapping[str, str]) -> Response:
    """A text with an etag, by which clients ask whether it has changed."""
    etag = f'"{blake2b(text.encode(), digest_size=12).hexdigest()}"'
    return ok_or_not_modified_text(request, text, {"ETag": etag, **headers})


# An API is reached under the path of its stage, and perhaps under a custom domain.
@lru_cache(maxsize=4)
def openapi_text(base: str) -> str:
    """The OpenAPI document of the API whose root is at the path `base`, as JSON."""
    document = msgspec.json.decode(OPENAPI_FILE.read_bytes())
    document["servers"] = [{"url": base or "/"}]
    schemes = document["components"]["securitySchemes"]
    if settings.OIDC_ISSUER == oidc.NO_AUTH:
        # Every caller is staff.
        schemes.clear()
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["security"] = [{}]
    elif settings.OIDC_ISSUER:
        url = f"{settings.OIDC_ISSUER.rstrip('/')}/.well-known/openid-configuration"
        schemes[SIGN_IN]["openIdConnectUrl"] = url
    return msgspec.json.encode(document).decode()


def _outcome(call: Callable[[], T]) -> T | Exception:
    """What a call returns, or the error that it raises."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001, the one place where every error ends
        return error


def _measured(started: float, usage: dynamodb.Usage) -> dict[str, Any]:
    """The members of a log line that describe an invocation of any kind."""
    return {
        "version": settings.FUNCTION_VERSION,
        "milliseconds": round((perf_counter() - started) * 1000, 1),
        "dynamodbCalls": usage.calls,
        "readUnits": usage.read_units,
        "writeUnits": usage.write_units,
        **({"transactionConflicts": usage.conflicts} if usage.conflicts else {}),
    }


def _chalice_error(
    response: Response, request: chalice.app.Request | None, own_id: str
) -> ProblemResponse:
    """The problem document for an error response of Chalice's own."""
    status = response.status_code
    if request and status == 405:  # noqa: PLR2004, Method Not Allowed
        allow = f"{response.headers['Allow']}, OPTIONS"
        detail = f"{request.method} is not possible here; {allow} are."
        problem = ProblemResponse(status, detail, own_id)
        problem.headers["Allow"] = allow
        return problem
    if request:
        return ProblemResponse(status, str(response.body.get("Message", "")), own_id)
    # Chalice's status is 500, which would set off alarms for an event that keeps the function warm.
    return ProblemResponse(400, "The event is not a request that the API can read.", own_id)
