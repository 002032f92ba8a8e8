"""A proxy, before the database or before the API, that does what networks and databases do."""

import json
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from zlib import crc32

# DynamoDB's errors: status and name.
ERRORS = {
    "throttle": (400, "ProvisionedThroughputExceededException"),
    "throttle the account": (400, "RequestLimitExceeded"),
    "throttle on demand": (400, "ThrottlingException"),
    "fail": (500, "InternalServerError"),
    "be unavailable": (503, "ServiceUnavailable"),
}
WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
NAMESPACE = "com.amazonaws.dynamodb.v20120810#"


class Proxy(ThreadingHTTPServer):
    """Forwards POSTs to a server, or misbehaves as configured.

    Ways to misbehave: those of `ERRORS`; `hang` (no response), `reset` (the connection, before the
    request is forwarded), `lose` (the response, after it was), `damage` (a byte of the response),
    `miscount` (its checksum), `conflict` (writes alone). Several faults in one string, with commas,
    are those of one request after the other.

    `actions` counts the requests by DynamoDB's name of the action, and `tokens` has the
    ClientRequestToken of each transaction.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.target = port
        self.fault = ""
        self.faulty = range(0)
        self.seen = 0
        self.actions: Counter[str] = Counter()
        self.tokens: set[str] = set()
        self.meanwhile: Callable[[], None] = lambda: None
        self.share = 0.0
        self.recovered = Event()
        self.lock = Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @contextmanager
    def misbehaving(
        self,
        fault: str,
        count: int = 1_000_000,
        after: int = 0,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Iterator[None]:
        """Misbehave with `count` requests after the next `after`. At the end, hanging ones go on.

        `meanwhile` is called before a response is lost or damaged.
        """
        self.recovered.clear()
        self.fault, self.seen, self.meanwhile = fault, 0, meanwhile
        self.actions.clear()
        self.tokens.clear()
        self.faulty = range(after + 1, after + 1 + count)
        try:
            yield
        finally:
            self.fault = ""
            self.recovered.set()

    @contextmanager
    def losing(self, share: float) -> Iterator[None]:
        """Reset the connections of a share of the requests: half of them are not forwarded."""
        self.share = share
        try:
            yield
        finally:
            self.share = 0.0

    def fault_of_next(self) -> str:
        """How to misbehave with the next request; empty if not at all."""
        self.seen += 1
        if self.share:
            return random.choice(("lose", "reset")) if random.random() < self.share else ""
        if self.seen not in self.faulty:
            return ""
        faults = self.fault.split(",")
        return faults[(self.seen - self.faulty.start) % len(faults)]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what this is about."""


class Handler(BaseHTTPRequestHandler):
    """One connection of the app's."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy

    def do_POST(self) -> None:
        """Forward a request, or misbehave as configured."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        action = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        with self.server.lock:
            self.server.actions[action] += 1
            fault = self.server.fault_of_next()
            if action == "TransactWriteItems":
                self.server.tokens.add(json.loads(body)["ClientRequestToken"])
        if fault in ERRORS:
            self.fail(*ERRORS[fault])
        elif fault == "conflict" and action == "TransactWriteItems":
            # The first write meets another transaction, which the others have come after.
            count = len(json.loads(body)["TransactItems"])
            refused = [{"Code": "ConditionalCheckFailed"}] * (count - 1)
            reasons = [{"Code": "TransactionConflict"}, *refused]
            self.fail(400, "TransactionCanceledException", CancellationReasons=reasons)
        elif fault == "conflict" and action in WRITES:
            self.fail(400, "TransactionConflictException")
        elif fault == "hang":
            self.server.recovered.wait(60)
            self.close_connection = True
        elif fault == "reset":
            self.reset()
        elif fault == "lose":
            self.forward(body)
            self.server.meanwhile()
            self.reset()
        elif fault in ("damage", "miscount"):
            status, headers, content = self.forward(body)
            self.server.meanwhile()
            headers["x-amz-crc32"] = str(crc32(content) ^ (fault == "miscount"))
            # Without its first brace, it is no JSON.
            self.respond(status, headers, content if fault == "miscount" else b"[" + content[1:])
        else:
            self.respond(*self.forward(body))

    def fail(self, status: int, name: str, **members: Any) -> None:
        """Respond with an error that has the name of a table, which clients must not see."""
        error = {"__type": f"{NAMESPACE}{name}", "message": "for storefront-x", **members}
        self.respond(
            status, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(error).encode()
        )

    def forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self.server.target)
        try:
            connection.request("POST", self.path, body, dict(self.headers))
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def respond(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        # Lingering for no time makes the kernel send RST in place of FIN.
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, as it is in http.server
        """Write no line to the log."""


@contextmanager
def running_proxy(port: int) -> Iterator[Proxy]:
    """A proxy in front of the server on `port`, in a thread."""
    with Proxy(port) as proxy:
        Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
