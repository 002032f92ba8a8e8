"""What the local server does beyond plain `chalice local`."""

import socket
from http.client import HTTPConnection

import pytest

from tests.client import Client, Live


@pytest.fixture
def port(live: Client) -> int:
    """The port of the live API."""
    assert isinstance(live.house, Live)
    return live.house.port


def exchange(port: int, request: bytes) -> bytes:
    """Send bytes, and read until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while received := connection.recv(65536):
            answer += received
        return answer


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "FOO"])
@pytest.mark.parametrize("path", ["/nothing", "/todos/a/b", "/TODOS", "/todos/../users/x/y"])
def test_an_unknown_path_is_a_404(live: Client, method: str, path: str) -> None:
    """As on a deployed API: a problem document with the common headers."""
    answer = live.request(method, path, Authorization="Bearer x")

    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-request-id"] == answer.json["requestId"]
    assert answer.json["detail"] == f"There is nothing at {path}."


def test_a_preflight_answer_has_the_common_headers(live: Client) -> None:
    """Also what the app itself never sees."""
    headers = live.request("OPTIONS", "/todos").headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-cache"
    assert headers["x-request-id"]


@pytest.mark.parametrize(
    ("head", "status_line"),
    [
        (b"POST /todos HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n", b"HTTP/1.1 411 "),
        (b"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n", b"HTTP/1.1 400 "),
        (b"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n", b"HTTP/1.1 400 "),
        (b"POST /todos HTTP/1.1\r\nHost: x\r\nContent-Length: \xb2\r\n", b"HTTP/1.1 400 "),
        (b"POST /todos HTTP/9.9\r\nHost: x\r\n", b""),
        (b"POST /todos\r\nHTTP/1.1\r\n", b""),
        (b"POST /" + b"x" * 70_000 + b" HTTP/1.1\r\n", b"HTTP/1.1 414 "),
        (b"GET /todos HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n", b"HTTP/1.1 431 "),
    ],
)
def test_what_is_no_request_is_refused_in_the_apis_form(
    port: int, head: bytes, status_line: bytes
) -> None:
    """Nothing hangs, and what follows on the connection is not taken for a request.

    Without a version that it knows, the server answers as HTTP/0.9 does: the body alone.
    """
    answer = exchange(port, head + b'\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n{"status": "x"}')

    assert answer.startswith(status_line or b'{"type":"about:blank"')
    assert (b"application/problem+json" in answer) == bool(status_line)
    assert answer.count(b'"requestId":') == 1
    assert b"Traceback" not in answer


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("DELETE", "/todos/{}", {}, 204),
        ("GET", "/todos/{}", {"If-None-Match": "*"}, 304),
        ("HEAD", "/todos", {}, 405),
    ],
)
def test_an_answer_without_a_body_keeps_the_connection(
    live: Client, port: int, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """204, 304 and HEAD send no body; the next request on the connection is answered."""
    todo = live.create("/todos", {"task": "Dust"})["id"]
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path.format(todo), headers=headers)
    response = connection.getresponse()

    assert (response.status, response.read()) == (status, b"")
    assert response.headers["Content-Length"] is None
    assert status == 405 or response.headers["Content-Type"] is None
    connection.request("GET", "/health")
    assert connection.getresponse().read() == b'{"status":"ok"}'
    connection.close()


def test_a_burst_of_clients_is_served(port: int) -> None:
    """Fifty connections at once are all accepted."""
    request = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    connections = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(50)]
    for connection in connections:
        connection.sendall(request)
    for connection in connections:
        with connection:
            assert connection.recv(12) == b"HTTP/1.1 200"
