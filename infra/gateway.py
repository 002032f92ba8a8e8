"""`chalice local`, made to answer as the deployed API does, and as HTTP asks.

`python -m infra.gateway local ...` takes Chalice's own command line. It differs from the plain
command where that would mislead a client or a developer:

- an unknown path is a 404 problem document, as the deployed API's gateway responses make it,
  not API Gateway's own 403; preflight answers carry the headers that every answer carries;
- the files of the docs page are there, at /docs/assets, so that it works offline;
- 204, 304 and HEAD have no body and say nothing of one, a Content-Length that is no number and
  a chunked body are refused, an unknown method is a 405;
- bursts of connections are accepted, and answers do not wait for a delayed acknowledgement;
- only the app's own files are watched for changes, and none that is saved while the app loads is
  missed.

What is replaced here is internal to Chalice, which is why its version is pinned.
"""

import logging
import os
import sys
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from importlib.metadata import distribution
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import chalice.cli
import chalice.local
from chalice.cli.filewatch import stat
from chalice.local import ForbiddenError
from chalice.utils import OSUtils

WATCHED = ("app.py", "chalicelib", ".chalice/config.json")
BACKLOG = 128


# Where the development dependency has them, which is not imported: that would load Flask.
ASSETS_FOLDER = Path(str(distribution("flask-swagger-ui").locate_file("flask_swagger_ui/dist")))
ASSETS = {
    "/docs/assets/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/docs/assets/swagger-ui.css": "text/css; charset=utf-8",
}


class Gateway(chalice.local.LocalGateway):
    """API Gateway as the deployed API configures it."""

    def handle_request(
        self, method: str, path: str, headers: dict[str, Any], body: bytes | None
    ) -> dict[str, Any]:
        if method == "GET" and path in ASSETS:
            return _asset(path)
        try:
            answer = super().handle_request(method, path, headers, body)
        except ForbiddenError:
            # No route matched.
            return _problem(HTTPStatus.NOT_FOUND, f"There is nothing at {path.partition('?')[0]}.")
        if method == "OPTIONS" and answer["body"] is None:
            answer["headers"] |= _app_http().common_headers(str(uuid4()), HTTPStatus.OK)
        return answer


class Handler(chalice.local.ChaliceRequestHandler):
    """Chalice's request handler, with what HTTP/1.1 asks for beyond it."""

    # The head and the body of an answer are two packets: without this, the second waits 40 ms
    # for the first one's acknowledgement.
    disable_nagle_algorithm = True

    def _generic_handle(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "The body must have a Content-Length.")
        elif not (length.isascii() and length.isdigit()):
            self._refuse(HTTPStatus.BAD_REQUEST, "The Content-Length must be a number of bytes.")
        else:
            super()._generic_handle()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = _generic_handle

    def __getattr__(self, name: str) -> Any:
        """Any other method is the app's to refuse: it knows what to say instead."""
        if name.startswith("do_"):
            return self._generic_handle
        raise AttributeError(name)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no request of the API at all: what BaseHTTPRequestHandler refuses."""
        status = HTTPStatus(code)
        self._refuse(status, f"{message or status.phrase}.")

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        # What follows on this connection may be a body: it is not read as the next request.
        self.close_connection = True
        answer = _problem(status, detail)
        headers = answer["headers"] | {"Connection": "close"}
        self._send_http_response_with_body(status, headers, answer["body"])

    def _send_http_response_with_body(
        self, code: int, headers: dict[str, Any], body: str | bytes
    ) -> None:
        if code not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED) and self.command != "HEAD":
            super()._send_http_response_with_body(code, headers, body)
            return
        self.send_response(code)
        self._send_headers(headers)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the app has logged the request."""


class Server(chalice.local.LocalDevServer):
    """Chalice's server, which leaves it to `make run` to say that it is there."""

    def serve_forever(self) -> None:
        self.server.serve_forever()


class Watcher(stat.StatFileWatcher):
    """Chalice's watcher, which compares with what the files were when it was made.

    Chalice's own takes its first look while the app loads, and misses what is saved meanwhile.
    """

    def __init__(self) -> None:
        super().__init__(Sources())
        super()._seed_mtime_cache(str(Path.cwd()))

    def _seed_mtime_cache(self, root_dir: str) -> None:
        """The first look was taken."""


class Sources(OSUtils):
    """The files whose change makes `chalice local` start again."""

    def walk(
        self, path: str, followlinks: bool = False
    ) -> Iterator[tuple[str, list[str], list[str]]]:
        for name in WATCHED:
            watched = self.joinpath(path, name)
            if self.directory_exists(watched):
                for root, folders, files in super().walk(watched, followlinks):
                    yield root, folders, [file for file in files if file.endswith(".py")]
            elif self.file_exists(watched):
                yield self.dirname(watched), [], [self.basename(watched)]


def _asset(path: str) -> dict[str, Any]:
    """A file of the docs page."""
    return {
        "statusCode": int(HTTPStatus.OK),
        "headers": {"Content-Type": ASSETS[path], "X-Content-Type-Options": "nosniff"},
        "multiValueHeaders": {},
        "body": (ASSETS_FOLDER / path.rpartition("/")[2]).read_text(),
    }


def _app_http() -> Any:
    # Imported when a request is there: a mistake in the app's own files must not end the process
    # that waits for it to be mended.
    from chalicelib import http

    return http


def _problem(status: HTTPStatus, detail: str) -> dict[str, Any]:
    http = _app_http()
    request_id = str(uuid4())
    failure = http.Failure(status, detail, request_id)
    return {
        "statusCode": int(status),
        "headers": failure.headers | http.common_headers(request_id, status),
        "multiValueHeaders": {},
        "body": failure.body,
    }


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


REPLACEMENTS: tuple[tuple[object, str, object], ...] = (
    (chalice.local, "LocalGateway", Gateway),
    (chalice.local, "LocalDevServer", partial(Server, handler_cls=Handler)),
    (chalice.local.ThreadedHTTPServer, "request_queue_size", BACKLOG),
)


def main() -> int:
    """Run Chalice's command line with the replacements in place."""
    # Chalice's command shows every library's INFO; botocore's is where it found its settings.
    logging.getLogger("botocore").setLevel(logging.WARNING)
    watcher = Watcher()
    for owner, name, replacement in (*REPLACEMENTS, (stat, "StatFileWatcher", lambda: watcher)):
        setattr(owner, name, replacement)
    if "CHALICE_WORKER" in os.environ:
        # infra/local.py is the parent that Chalice's reloader asks for. Its end of the pipe
        # closes when it dies, however it dies.
        Thread(target=_end_with_parent, daemon=True).start()
    return chalice.cli.main()


if __name__ == "__main__":
    sys.exit(main())
