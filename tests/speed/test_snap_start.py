"""The first request after a restore of SnapStart, with each way in which a connection can end."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from bench import handlers
from bench.events import events
from bench.measure import Machine, Variant
from tests.lambda_connection import Connection
from tests.lambda_runtime import Function


class Relay:
    """Forwards connections to a port, until those that exist are closed, reset or silent."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        # The client's and the server's side of each connection, one after the other.
        self.sides: list[socket.socket] = []
        self.silent: set[socket.socket] = set()
        # More environment variables of the function.
        self.variables: dict[str, str] = {}
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def close(self) -> None:
        """End every connection with a FIN, as a server does that is tired of it."""
        for side in self.sides:
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """End every connection with a RST, as a network does that has forgotten it."""
        for client in (each for each in self.sides[::2] if each.fileno() >= 0):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

    def be_silent(self) -> None:
        """Forward nothing more on the connections that exist."""
        self.silent.update(self.sides)

    def stop(self) -> None:
        """End everything."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.close()
        for thread in self.threads:
            thread.join()
        for each in (self.listener, *self.sides):
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                for side in (client, server):
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.sides.append(side)
                for pair in ((client, server), (server, client)):
                    self.threads.append(threading.Thread(target=self._forward, args=pair))
                    self.threads[-1].start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if source not in self.silent:
                    target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relay(machine: Machine) -> Iterator[Relay]:
    """A relay before DynamoDB."""
    made = Relay(machine.port)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def app(measured: list[Variant]) -> Variant:
    """The packed app."""
    return measured[0]


class Restored(Function):
    """An environment of SnapStart: `at_snapshot` is called where Lambda takes the snapshot."""

    def __init__(
        self, machine: Machine, app: Variant, relay: Relay, at_snapshot: Callable[[], Any]
    ) -> None:
        self.at_snapshot = at_snapshot
        super().__init__(
            app.task,
            app.candidate.handler,
            python=machine.python,
            environment={
                **app.candidate.variables,
                "AWS_ENDPOINT_URL_DYNAMODB": f"https://127.0.0.1:{relay.port}",
                "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
                **relay.variables,
            },
            cpus=machine.cpus,
        )

    def initialized(self) -> Connection:
        """Take the snapshot, and restore it."""
        waiting = self.asked_for(b"/restore/next ")
        self.at_snapshot()
        waiting.send("200 OK", {}, b"")
        return super().initialized()


def get_product(function: Function) -> None:
    """Send a request, which succeeds."""
    response, _ = function.invoke(events(handlers.app())["get"])
    assert json.loads(response)["statusCode"] == 200, response


@pytest.mark.parametrize("way", ["close", "reset", "be_silent"])
def test_first_request_after_a_restore(
    machine: Machine, app: Variant, relay: Relay, way: str
) -> None:
    """The restore opens a connection, and the first request opens none."""
    at_snapshot: list[int] = []

    def end_connections() -> None:
        at_snapshot.append(len(relay.sides))
        getattr(relay, way)()

    with Restored(machine, app, relay, end_connections) as function:
        at_ready = len(relay.sides)
        get_product(function)
        assert at_snapshot[0] < at_ready == len(relay.sides)


def test_credentials_are_renewed_by_the_restore(
    machine: Machine, app: Variant, relay: Relay
) -> None:
    """Those in the snapshot have expired; the first request does not wait for others."""
    issued: list[datetime] = []
    now = datetime.now(UTC)
    # botocore renews credentials that are valid for less than 10 minutes.
    lifetimes = [timedelta(minutes=9)]

    class Credentials(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issued.append(now + lifetimes[-1])
            body = {
                "AccessKeyId": "restored",
                "SecretAccessKey": "restored",
                "Token": "restored",
                "Expiration": issued[-1].isoformat(),
            }
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = HTTPServer(("127.0.0.1", 0), Credentials)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    relay.variables = {
        # As with SnapStart, where the credentials are in no variable.
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_SESSION_TOKEN": "",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{server.server_port}/",
    }
    at_snapshot: list[int] = []

    def rotate() -> None:
        at_snapshot.append(len(issued))
        lifetimes.append(timedelta(hours=6))

    try:
        with Restored(machine, app, relay, rotate) as function:
            at_ready = len(issued)
            get_product(function)
            assert at_snapshot[0] >= 1
            assert at_ready == at_snapshot[0] + 1
            assert len(issued) == at_ready
    finally:
        server.shutdown()
        server.server_close()
