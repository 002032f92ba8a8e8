"""A DynamoDB that always has the same answers, over TLS, on connections that are kept.

It runs as a separate process, `python -m bench.dynamodb CERTIFICATE`, prints its port on standard
output, and ends with its standard input. Nothing is stored: what is measured is the function.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
"""

import json
import socket
import ssl
import sys
from threading import Thread
from typing import Any
from uuid import UUID
from zlib import crc32

from tests.lambda_connection import Connection

KEY = str(UUID(int=0x5707EF2047, version=4))
ITEMS = 25


def row(key: str, *, ours: bool) -> dict[str, Any]:
    """A product as it is stored. The app keeps one attribute for its indexes that peers do not."""
    moment = "2026-11-20T09:30:00.125Z"
    return {
        "id": {"S": key},
        "name": {"S": "Teapot"},
        "price": {"N": "34.5"},
        "description": {"S": "Stoneware, for four cups, glazed by hand in a speckled blue."},
        "createdAt": {"S": moment},
        "updatedAt": {"S": moment},
        "etag": {"S": '"6a1f0e9d7c5b3a2f4e6d8c0b"'},
        **({"collection": {"S": "products"}} if ours else {}),
    }


def answers(*, ours: bool) -> dict[bytes, bytes]:
    """The body that answers each operation."""
    page = [row(str(UUID(int=n + 1, version=4)), ours=ours) for n in range(ITEMS)]
    read = {"Count": len(page), "Items": page, "ScannedCount": len(page)}
    bodies = {"GetItem": {"Item": row(KEY, ours=ours)}, "PutItem": {}, "Query": read, "Scan": read}
    return {
        operation.lower().encode(): json.dumps(body, separators=(",", ":")).encode()
        for operation, body in bodies.items()
    }


OURS, THEIRS = answers(ours=True), answers(ours=False)
NOTHING = b"{}"


def answer(head: bytes, body: bytes) -> bytes:
    """The body that answers a request."""
    _, _, target = head.partition(b"\r\nx-amz-target:")
    operation = target.partition(b"\r\n")[0].rpartition(b".")[2]
    table = json.loads(body)["TableName"]
    if table.endswith("claims"):
        return NOTHING
    return (OURS if table.startswith("storefront") else THEIRS)[operation]


def serve(connection: Connection) -> None:
    """Respond to what comes in on a connection until the client hangs up."""
    while request := connection.receive():
        body = answer(*request)
        headers = {
            "Server": "Server",
            "Date": "Fri, 20 Nov 2026 09:30:00 GMT",
            "Content-Type": "application/x-amz-json-1.0",
            "Connection": "keep-alive",
            "x-amzn-RequestId": "BENCH0000000000000000000000000000000000000000000000A",
            "x-amz-crc32": str(crc32(body)),
        }
        connection.send("200 OK", headers, body)


def accept(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Serve each connection in its own thread."""
    while True:
        plain, _ = listener.accept()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Thread(target=_secured, args=(plain, context), daemon=True).start()


def main() -> None:
    """Serve until standard input ends."""
    (certificate,) = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=accept, args=(listener, context), daemon=True).start()
        print(listener.getsockname()[1], flush=True)
        sys.stdin.read()


def _secured(plain: socket.socket, context: ssl.SSLContext) -> None:
    try:
        with context.wrap_socket(plain, server_side=True) as secured:
            serve(Connection(secured))
    except OSError:
        # A function's process is killed at any point.
        return


if __name__ == "__main__":
    main()
