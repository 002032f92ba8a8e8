"""The API on this machine: Chalice's LocalGateway, served by hypercorn on loopback.

Runs as a separate process, `python -m infra.local.server PORT`, started by `make run`. It creates
missing tables and loads the sample data first. It responds as the deployed API does where plain
`chalice local` does not:

- an unknown path is a 404 problem document, as in the deployed API's gateway responses;
- preflight responses have the common headers, and both have a log line;
- the event has all lines of a repeated header, as API Gateway's `multiValueHeaders`;
- a path is matched as it was sent: `;` and `#` do not end it;
- a method is matched as it was sent: `get` is none (RFC 9110 section 9.1);
- a request that is no HTTP gets a problem document, too;
- the files of the docs page are served at /docs/assets, so that the page works offline;
- each change is a line on the console, as the event that other systems would get, and is sent to
  the webhook WEBHOOK_URL, if there is one;
- the development issuer is served at /dev-issuer, if `make run` has given its key.
"""

import asyncio
import logging
import os
import signal
import sys
import traceback
from base64 import b64decode
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from importlib.metadata import distribution
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import h11
import hypercorn.protocol
from chalice.config import Config as ChaliceConfig
from chalice.local import ForbiddenError, LocalChalice, LocalGateway
from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.events import Closed
from hypercorn.protocol.h11 import H11Protocol

from infra.local import issuer
from infra.local.issuer import Issuer
from infra.local.run import EVENTS_VARIABLE, HOST, NOT_LOADED

# API Gateway's limits: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_HEADER_BYTES = 10_240
MAX_TARGET_BYTES = 8_192
# What hypercorn reads before it refuses a request itself.
MAX_HEAD_BYTES = 64 * 1024
READ_SECONDS = 30
KEEP_ALIVE_SECONDS = 5
# The time that requests have to end when the server is stopped.
STOP_SECONDS = 5
THREADS = 32

# Not imported, because that would load Flask.
ASSETS_FOLDER = Path(str(distribution("flask-swagger-ui").locate_file("flask_swagger_ui/dist")))
ASSETS = {
    "/docs/assets/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/docs/assets/oauth2-redirect.js": "text/javascript; charset=utf-8",
    "/docs/assets/swagger-ui.css": "text/css; charset=utf-8",
}
# What Chalice's RouteMatcher, which uses urlparse, takes for the end of the path.
PATH_ENDS = {";": "%3B", "#": "%23"}

HeaderLines = list[tuple[str, str]]
LambdaResponse = dict[str, Any]


class Gateway(LocalGateway):
    """API Gateway as the deployed API configures it, beside an issuer of access tokens."""

    def __init__(self, app: Any, config: ChaliceConfig, own: Issuer | None = None) -> None:
        super().__init__(app, config)
        self.issuer = own

    def respond(self, method: str, target: str, lines: HeaderLines, body: bytes) -> LambdaResponse:
        """The response to a request, as a Lambda function returns it."""
        path = target.partition("?")[0]
        headers = _MultiValueHeaders(lines)
        size = sum(len(name) + len(value) for name, value in lines)
        if len(target) > MAX_TARGET_BYTES:
            detail = f"The path and the query must have at most {MAX_TARGET_BYTES} bytes."
            return self._problem(414, detail, method, headers.get("origin"))
        if size > MAX_HEADER_BYTES:
            detail = f"The headers must have at most {MAX_HEADER_BYTES} bytes."
            return self._problem(431, detail, method, headers.get("origin"))
        if method in ("GET", "HEAD") and path in ASSETS:
            return _asset(path)
        if self.issuer and path.startswith(f"{issuer.PATH}/"):
            return self.issuer.respond(method, target, headers, body)
        if path.startswith("//"):
            # Chalice's RouteMatcher would take the first segment for a host.
            return self._problem(
                404, f"No resource has the path {path}.", method, headers.get("origin")
            )
        try:
            response: LambdaResponse = self.handle_request(method, _quoted(target), headers, body)
        except ForbiddenError:
            # Chalice raises it if no route matches.
            return self._problem(
                404, f"No resource has the path {path}.", method, headers.get("origin")
            )
        if method == "OPTIONS" and response["body"] is None:
            return self._preflight(response, headers)
        return response

    def refuse_body(
        self, method: str, target: str, lines: HeaderLines, body: bytes
    ) -> LambdaResponse:
        """The response to a request whose body is larger than API Gateway takes."""
        del target, body
        detail = f"The body must have at most {MAX_BODY_BYTES} bytes."
        origin = _MultiValueHeaders(lines).get("origin")
        return self._problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, method, origin)

    def _generate_lambda_event(self, method: str, path: str, headers: Any, body: Any) -> Any:
        event = super()._generate_lambda_event(method, path, headers, body)
        headers.route = event["requestContext"]["resourcePath"]
        return event | {"multiValueHeaders": headers.lines}

    def _problem(
        self, status: int, detail: str, method: str, origin: str | None = None
    ) -> LambdaResponse:
        from chalicelib.http import problems

        request_id = str(uuid4())
        problem = problems.ProblemResponse(status, detail, request_id)
        return self._finish(problem, request_id, origin, method=method, route=None)

    def _preflight(self, response: LambdaResponse, headers: "_MultiValueHeaders") -> LambdaResponse:
        from chalice import Response

        from chalicelib.http.requests import ACCEPT_PATCH

        answer = Response("", response["headers"], response["statusCode"])
        if "PATCH" in self._app_object.routes.get(headers.route or "", {}):
            answer.headers |= ACCEPT_PATCH
        origin = headers.get("origin")
        return self._finish(answer, str(uuid4()), origin, method="OPTIONS", route=headers.route)

    def _finish(
        self, response: Any, request_id: str, origin: str | None, **members: Any
    ) -> LambdaResponse:
        """Add the common headers, and write the log line, as the app does for its own responses."""
        from chalicelib.http import api, responses

        responses.add_common_headers(response, request_id, origin)
        api.log_response(
            response, request_id, **members, operation=api.UNKNOWN_OPERATION, dynamodbCalls=0
        )
        finished: LambdaResponse = response.to_dict()
        return finished


class Http1(H11Protocol):
    """hypercorn's HTTP/1.1, with the API's responses to what is no request."""

    async def _create_stream(self, request: h11.Request) -> None:
        # hypercorn would write the method in capitals.
        if request.method == request.method.upper():
            await super()._create_stream(request)
        else:
            await self._send_error_response(HTTPStatus.BAD_REQUEST)

    async def _send_error_response(self, status_code: int) -> None:
        from chalicelib.http import api, problems, responses

        request_id = str(uuid4())
        # RFC 9112 section 2.2; h11 has no sentence that a client could act on.
        problem = problems.ProblemResponse(status_code, "The request is not HTTP/1.1.", request_id)
        responses.add_common_headers(problem, request_id, None)
        api.log_response(problem, request_id, operation=api.UNKNOWN_OPERATION, dynamodbCalls=0)
        body = problem.body.encode()
        headers = [(n.lower().encode(), str(v).encode()) for n, v in problem.headers.items()]
        headers += [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
        await self._send_h11_event(h11.Response(status_code=status_code, headers=headers))
        await self._send_h11_event(h11.Data(data=body))
        await self._send_h11_event(h11.EndOfMessage())
        await self.send(Closed())


class _MultiValueHeaders(dict[str, str]):
    """The last line of each header by its name in lower case, as in API Gateway's `headers`.

    `lines` has all lines. `route` is the path of the matching route, once it is known.
    """

    route: str | None = None

    def __init__(self, lines: HeaderLines) -> None:
        super().__init__((name.lower(), value) for name, value in lines)
        self.lines: dict[str, list[str]] = {}
        for name, value in lines:
            self.lines.setdefault(name.lower(), []).append(value)


class Application:
    """The ASGI application of a gateway.

    https://asgi.readthedocs.io/en/latest/specs/www.html
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.threads = ThreadPoolExecutor(THREADS)

    async def __call__(
        self,
        scope: Any,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Respond to a request, once its whole body has come."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        if scope["type"] != "http":
            return
        body = await _read_body(receive)
        if body is None:
            return
        is_too_large = len(body) > MAX_BODY_BYTES
        target = scope["raw_path"].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        lines = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]]
        response = await asyncio.get_running_loop().run_in_executor(
            self.threads,
            self.gateway.refuse_body if is_too_large else self.gateway.respond,
            scope["method"],
            f"{target}?{query}" if query else target,
            lines,
            body,
        )
        content = response["body"] or ""
        if response.get("isBase64Encoded"):
            content = b64decode(content)
        elif isinstance(content, str):
            content = content.encode()
        headers = [
            (name.lower().encode(), str(v).encode()) for name, v in response["headers"].items()
        ]
        # RFC 9110 section 8.6: not with 204 and 304. The app has set it for HEAD: that of GET.
        names = {name for name, _ in headers}
        if response["statusCode"] not in (204, 304) and b"content-length" not in names:
            headers.append((b"content-length", str(len(content)).encode()))
        if is_too_large:
            # The rest of the body is not read.
            headers.append((b"connection", b"close"))
        await send(
            {"type": "http.response.start", "status": response["statusCode"], "headers": headers}
        )
        await send({"type": "http.response.body", "body": content})


async def _read_body(receive: Callable[[], Awaitable[Any]]) -> bytes | None:
    """The body of a request, or its first part if it is too large; None if the client hung up."""
    parts: list[bytes] = []
    size = 0
    while size <= MAX_BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            break
    return b"".join(parts)


def _quoted(target: str) -> str:
    path, mark, query = target.partition("?")
    for end, quoted in PATH_ENDS.items():
        path = path.replace(end, quoted)
    return path + mark + query


def _asset(path: str) -> LambdaResponse:
    """A file of the docs page."""
    return {
        "statusCode": 200,
        "headers": {"Content-Type": ASSETS[path], "X-Content-Type-Options": "nosniff"},
        "multiValueHeaders": {},
        "body": (ASSETS_FOLDER / path.rpartition("/")[2]).read_text(),
    }


def _end_with_parent() -> None:
    # `make run` holds the other end of the pipe, which closes when it ends, however it ends.
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def load_gateway() -> Gateway:
    """The app, with its tables and the sample data."""
    import app as module
    from chalicelib import settings
    from chalicelib.models import RESOURCES
    from chalicelib.storage.dynamodb import client, table_name
    from infra.data import backfill, tables
    from infra.docs import openapi
    from infra.local import events, sample_data, webhooks

    settings.check_oidc()
    tables.create_local(client)
    # What is older than owners becomes the sample staff's.
    backfill.backfill(client, owner="sue")
    sample_data.load_once(client)
    kept = os.environ.get(EVENTS_VARIABLE)
    folder = Path(kept) if kept else None
    receiver = webhooks.receiver(os.environ)
    send = webhooks.Sender(receiver, folder).send if receiver else None
    events.announce(client, [table_name(resource.name) for resource in RESOURCES], send, folder)
    # As `chalice local` does, so that each thread has its own current request.
    app: Any = module.app
    app.__class__ = LocalChalice
    openapi.write()
    key = os.environ.get(issuer.KEY_VARIABLE)
    return Gateway(app, ChaliceConfig(), Issuer(settings.OIDC_ISSUER, Path(key)) if key else None)


async def _serve(gateway: Gateway, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    config = Config()
    config.bind = [f"{HOST}:{port}"]
    config.loglevel = "CRITICAL"
    config.graceful_timeout = STOP_SECONDS
    config.read_timeout = READ_SECONDS
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.h11_max_incomplete_size = MAX_HEAD_BYTES
    config.include_server_header = False
    vars(hypercorn.protocol)["H11Protocol"] = Http1
    await serve(Application(gateway), config, shutdown_trigger=stop.wait)


def main() -> int:
    """Load the app and serve it. Returns the exit status."""
    logging.getLogger("botocore").setLevel(logging.WARNING)
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        gateway = load_gateway()
    except Exception as error:  # noqa: BLE001, any mistake in the app's files
        _print_load_error(error)
        return NOT_LOADED
    asyncio.run(_serve(gateway, int(sys.argv[1])))
    return 0


def _print_load_error(error: Exception) -> None:
    from chalicelib.errors import DeclarationError, SettingError
    from infra.errors import CommandError

    if isinstance(error, DeclarationError | SettingError | CommandError):
        print(error, file=sys.stderr)
    else:
        traceback.print_exception(error)
    print("The app could not be loaded. It is loaded again when a file changes.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
