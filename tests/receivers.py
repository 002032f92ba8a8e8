"""Receivers of webhooks on this machine. tests/internet leads senders to them."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import trustme
from msgspec import Struct
from standardwebhooks import Webhook, WebhookVerificationError

# An address of the internet.
PUBLIC = "93.184.216.34"


class Request(Struct):
    """A request that a receiver has had."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def is_signed_with(self, secret: str) -> bool:
        """Whether the Standard Webhooks library accepts its signature, and its time."""
        try:
            Webhook(secret).verify(self.body, dict(self.headers))
        except WebhookVerificationError:
            return False
        return True


class Receiver:
    """A web server that keeps its requests, and answers each by `answer`."""

    def __init__(self, authority: trustme.CA | None = None, *names: str) -> None:
        self.requests: list[Request] = []
        # What answers a request; a status code answers all.
        self.answer: int | Callable[[Handler], None] = 204
        # Set when the test ends: what hangs until then goes on.
        self.ended = Event()
        outer = self

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Senders give up, or do not trust the certificate."""

        class Own(Handler):
            receiver = outer

        self.server = Server(("127.0.0.1", 0), Own)
        self.port: int = self.server.server_address[1]
        if authority:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            authority.issue_cert(*names).configure_cert(context)
            # The handshake is left to the thread of the connection.
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )

    @contextmanager
    def running(self) -> Iterator["Receiver"]:
        """Serve meanwhile."""
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield self
        finally:
            self.ended.set()
            self.server.shutdown()
            self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Keeps requests, of any method."""

    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self) -> None:
        """Keep the request, and answer it."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.requests.append(Request(self.command, self.path, headers, body))
        response = self.receiver.answer
        if callable(response):
            response(self)
        else:
            self.respond(response)

    do_GET = do_HEAD = do_PUT = do_POST

    def respond(self, status: int, **headers: str) -> None:
        """Send a response without a body."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def hang(handler: Handler) -> None:
    """Do not answer."""
    handler.receiver.ended.wait()


def drip(handler: Handler) -> None:
    """Respond with a byte after the other, for ever."""
    while not handler.receiver.ended.wait(0.05):
        handler.wfile.write(b"H")


def keep_informing(handler: Handler) -> None:
    """Respond with informational responses, for ever."""
    while not handler.receiver.ended.wait(0.05):
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def redirect(location: str) -> Callable[[Handler], None]:
    """Respond with a redirect."""
    return lambda handler: handler.respond(307, Location=location)
