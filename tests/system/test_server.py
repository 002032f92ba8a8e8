"""The local server: HTTP as the RFCs define it, and paths as API Gateway reads them."""

import json
import random
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from infra.data import tables
from infra.local import database, run
from tests import sign_in
from tests.client import Client, Live
from tests.conftest import PROJECT, Local, client_of, free_port
from tests.processes import eventually


@pytest.fixture
def port(live: Client) -> int:
    """The port of the live API."""
    assert isinstance(live.deployment, Live)
    return live.deployment.port or 0


def exchange(port: int, request: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes, and read until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        response = b""
        with suppress(ConnectionResetError):
            # The server keeps a half-closed connection for a while.
            while not half_close and (received := connection.recv(65536)):
                response += received
        return response


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "FOO"])
@pytest.mark.parametrize("path", ["/nothing", "/todos/a/b", "/TODOS", "/todos/../users/x/y"])
def test_unknown_path(live: Client, method: str, path: str) -> None:
    """A problem document with the common headers, as in the deployed API."""
    response = live.request(method, path, Authorization="Bearer x")

    assert response.status == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["x-request-id"] == response.json["requestId"]
    assert response.json["detail"] == f"No resource has the path {path}."


@pytest.mark.parametrize("segment", ["teapot;v=1", "teapot#x", "teapot%3Bv=1"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_path_is_matched_as_sent(live: Client, method: str, segment: str) -> None:
    """`;` and `#` are part of the key, which is invalid then: no other item is addressed."""
    response = live.request(method, f"/products/{segment}")

    assert response.status == 400
    assert list(response.problems) == ["id"]
    assert live.get("/products/teapot").status == 200


@pytest.mark.parametrize("path", ["//evil.example/", "//evil.example/products", "//products"])
def test_path_with_an_empty_segment(live: Client, path: str) -> None:
    """It is no host: nothing redirects or links to it."""
    response = live.request("GET", path, Accept="text/html")

    assert response.status == 404
    assert response.json["detail"] == f"No resource has the path {path}."
    assert not {"location", "link"} & response.headers.keys()


def test_preflight(live: Client) -> None:
    """The response has the common headers, though the app never sees the request."""
    headers = live.request("OPTIONS", "/todos").headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-cache"
    assert headers["x-request-id"]


BODY = b'{"task": "malformed"}'
MALFORMED = {
    "no length": b"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n" + BODY,
    "a negative length": b"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n" + BODY,
    "two lengths": (
        b"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Length: 21\r\nContent-Length: 20\r\n\r\n"
        + BODY
    ),
    "no version": b"POST /todos\r\nHost: x\r\nContent-Length: 21\r\n\r\n" + BODY,
    "no host": b"POST /todos HTTP/1.1\r\nContent-Length: 21\r\n\r\n" + BODY,
    "a folded header": (
        b"POST /todos HTTP/1.1\r\nHost: x\r\nX :y\r\nContent-Length: 21\r\n\r\n" + BODY
    ),
}


@pytest.mark.parametrize("request_", MALFORMED.values(), ids=MALFORMED)
def test_malformed_request(live: Client, port: int, request_: bytes) -> None:
    """The HTTP server refuses it, closes the connection, and nothing is written."""
    newest = live.get("/todos?limit=1").json

    response = exchange(port, request_ + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")

    assert response.startswith(b"HTTP/1.1 400 ")
    assert response.count(b"HTTP/1.1 ") == 1
    head, _, content = response.partition(b"\r\n\r\n")
    problem = json.loads(content)
    assert f"x-request-id: {problem['requestId']}".encode() in head
    assert (problem["status"], problem["title"]) == (400, "Bad Request")
    assert live.get("/todos?limit=1").json == newest


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /todos HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000, 431),
        (b"GET /todos?" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x", 414),
        (b"GET /todos HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000, 431),
    ],
)
def test_over_long_request(port: int, request_: bytes, status: int) -> None:
    """Headers and paths have API Gateway's limits; hypercorn refuses a head that never ends."""
    response = exchange(port, request_ + b"\r\nConnection: close\r\n\r\n")

    assert response.startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize("method", ["get", "Get", "patch", "Delete"])
def test_method_in_small_letters(live: Client, port: int, method: str) -> None:
    """Methods are case-sensitive (RFC 9110 section 9.1): nothing is executed."""
    todo = live.create("/todos", {"task": "Dust"})
    lines = f"Host: x\r\nAuthorization: {live.authorization}\r\nContent-Length: 16\r\n\r\n"
    request = f"{method} /todos/{todo['id']} HTTP/1.1\r\n{lines}".encode() + b'{"task":"Sweep"}'

    assert exchange(port, request).startswith(b"HTTP/1.1 400 ")
    assert live.get(f"/todos/{todo['id']}").json == todo


def test_body_that_is_too_large_is_not_read(port: int) -> None:
    """The 413 comes before the rest of 300 MB, with the right number."""
    head = b"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Length: 300000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head + b" " * (10 * 1024 * 1024 + 70_000))
        response = b""
        while more := connection.recv(65536):
            response += more

    assert response.startswith(b"HTTP/1.1 413 ")
    problem = json.loads(response.partition(b"\r\n\r\n")[2])
    assert problem["detail"] == "The body must have at most 10485760 bytes."


@pytest.mark.parametrize("path", ["/todos", "/health", "/todos/nobody", "/docs"])
def test_head_has_the_length_of_get(live: Client, path: str) -> None:
    """HEAD has the headers of GET, and no chunks."""
    get, head = live.get(path), live.request("HEAD", path)
    varying = {"x-request-id", "date"}
    lengths = {"content-length"} if get.status == 404 else set()

    assert {n: v for n, v in head.headers.items() if n not in varying | lengths} == {
        n: v for n, v in get.headers.items() if n not in varying | lengths
    }
    assert head.headers["content-length"].isdigit()


def test_truncated_body(live: Client, port: int) -> None:
    """A request whose body ends early is not executed."""
    newest = live.get("/todos?limit=1").json
    head = b"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"

    exchange(port, head + b'{"task": "truncated"}', half_close=True)

    assert live.get("/todos?limit=1").json == newest


def test_chunked_body(live: Client, port: int) -> None:
    """Chunks are decoded, as API Gateway does (RFC 9112 section 7.1)."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        response = client.post(
            "/todos",
            content=iter([b'{"task": ', b'"chunked"}']),
            headers={"Authorization": live.authorization or ""},
        )

    assert response.status_code == 201
    assert response.json()["task"] == "chunked"


def test_all_clients_get_the_same_refusals(live: Client, port: int) -> None:
    """curl, httpx and a raw socket: one status for one mistake."""
    newest = live.get("/todos?limit=1").json
    url, curl = f"http://127.0.0.1:{port}/todos", shutil.which("curl")
    assert curl
    cases: list[tuple[dict[str, str], bytes, int]] = [
        ({"Content-Type": "text/plain"}, b"x", 415),
        ({"Content-Type": "application/json"}, b"{", 400),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"x", 415),
        ({"Content-Type": "application/json"}, b" " * 70_000, 413),
        ({"Content-Type": "application/json", "X": "x" * 20_000}, b"{}", 431),
    ]
    for given, body, status in cases:
        headers = {"Authorization": live.authorization or "", **given}
        options = [
            option for name, value in headers.items() for option in ("-H", f"{name}: {value}")
        ]
        output = subprocess.run(
            [
                curl,
                "-s",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                *options,
                "--data-binary",
                "@-",
                url,
            ],
            input=body,
            capture_output=True,
            check=False,
        ).stdout.decode()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST /todos HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}"
        raw = exchange(port, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        with httpx.Client(trust_env=False) as client:
            assert client.post(url, content=body, headers=headers).status_code == status
        assert output == f"{status}", headers
        assert raw.startswith(f"HTTP/1.1 {status} ".encode()), headers
    assert live.get("/todos?limit=1").json == newest


def test_a_thousand_malformed_requests(live: Client, port: int) -> None:
    """Truncated, duplicated and over-long requests change nothing; the server still responds."""
    newest = live.get("/todos?limit=1").json
    chance = random.Random(1)
    valid = b"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Length: 21\r\n\r\n" + BODY
    for number in range(1000):
        match number % 3:
            case 0:
                sent = valid[: chance.randrange(1, len(valid) - 1)]
            case 1:
                line = chance.choice([b"Content-Length: 20", b"Content-Length: x", b"Host : y"])
                sent = valid.replace(b"Host: x", b"Host: x\r\n" + line)
            case _:
                long = b"x" * chance.randrange(20_000, 40_000)
                sent = valid.replace(b"Host: x", b"Host: x\r\nConnection: close\r\nX: " + long)
        response = exchange(port, sent, half_close=number % 3 == 0)
        assert response.startswith((b"HTTP/1.1 4", b"" if number % 3 == 0 else b"HTTP/1.1 4"))

    assert live.get("/todos?limit=1").json == newest
    assert live.get("/health").status == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("DELETE", "/todos/{}", {}, 204),
        ("GET", "/todos/{}", {"If-None-Match": "*"}, 304),
        ("HEAD", "/todos", {}, 200),
    ],
)
def test_response_without_a_body(
    live: Client, port: int, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """204, 304 and HEAD send no body, and the connection can be used again."""
    todo = live.create("/todos", {"task": "Dust"})["id"]
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    own = {"Authorization": live.authorization or ""}
    connection.request(method, path.format(todo), headers=own | headers)
    response = connection.getresponse()

    assert (response.status, response.read()) == (status, b"")
    assert (response.headers["Content-Length"] is None) == (method != "HEAD")
    assert response.headers["Transfer-Encoding"] is None
    connection.request("GET", "/health")
    assert connection.getresponse().read() == b'{"status":"ok"}'
    connection.close()


def test_burst_of_connections(port: int) -> None:
    """Fifty connections at once are all accepted."""
    request = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    connections = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(50)]
    for connection in connections:
        connection.sendall(request)
    for connection in connections:
        with connection:
            assert connection.recv(12) == b"HTTP/1.1 200"


# Two requests that are in their views at the same time, each with a barrier before its view.
CONCURRENT = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from app import app
from infra.local.server import load_gateway

gateway = load_gateway()
barrier = Barrier(2)

@app.middleware("http")
def wait_for_the_other(event, get_response):
    barrier.wait(10)
    return get_response(event)

def patch(key):
    body = json.dumps({"name": key}).encode()
    response = gateway.respond("PATCH", f"/products/{key}", [], body)
    return json.loads(response["body"])

with ThreadPoolExecutor(2) as pool:
    print(json.dumps(list(pool.map(patch, sys.argv[1:]))), file=sys.stderr)
"""


def test_concurrent_requests_are_kept_apart(local: Local) -> None:
    """Each of two concurrent requests gets the response to itself."""
    keys = [local.api.create("/products", {"name": "Cup", "price": 1})["id"] for _ in range(2)]

    result = subprocess.run(
        [sys.executable, "-c", CONCURRENT, *keys],
        cwd=PROJECT,
        env=run.environment((local.folder / "url").read_text()) | {"OIDC_ISSUER": "none"},
        capture_output=True,
        text=True,
        check=True,
    )

    items = json.loads(result.stderr)
    assert [(item["id"], item["name"]) for item in items] == [(key, key) for key in keys]


def test_plain_chalice_local() -> None:
    """`chalice local --stage local` serves the same API, with the database of a `make run`."""
    data = database.start(None)
    port = free_port()
    try:
        tables.create_local(client_of(data.url))
        with subprocess.Popen(
            [
                *(Path(sys.executable).with_name("chalice"), "local", "--stage", "local"),
                *("--no-autoreload", "--port", f"{port}"),
            ],
            cwd=PROJECT,
            env=run.environment(data.url) | sign_in.VARIABLES,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                eventually(lambda: run.is_listening(port))
                api = Client(Live(f"http://127.0.0.1:{port}"), sign_in.staff())
                item = api.create("/products", {"name": "Cup", "price": 1})
                assert api.get(f"/products/{item['id']}").json == item
                assert api.get(f"/products/{item['id']}/reviews").json["items"] == []
                assert "/products" in api.get("/openapi.json").json["paths"]
                assert api.request("PATCH", "/products", {}).status == 405
                assert api.get("/", Accept="text/html").status == 302
            finally:
                run.stop(process)
    finally:
        run.stop(data.process)
