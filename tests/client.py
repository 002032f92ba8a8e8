"""A client of the API that speaks HTTP and nothing else, wherever the API runs."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from http.client import HTTPConnection, HTTPSConnection
from time import monotonic
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from chalice import Chalice
from chalice.config import Config
from chalice.test import Client as ChaliceClient

from infra.local.server import Gateway

Headers = Mapping[str, str]

IDLE_SECONDS = 1.0


@dataclass(frozen=True)
class Response:
    """A response. Header names are in lower case; `json` has numbers as int or Decimal."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)

    @property
    def problems(self) -> dict[str, str]:
        """The messages of the wrong fields, by field."""
        return {error["field"]: error["message"] for error in self.json.get("errors", [])}


class Deployment(Protocol):
    """A place where the API runs: under a base path, empty or like `/dev`, and as a stage."""

    base: str
    stage: str

    def send(self, method: str, path: str, headers: Headers, body: bytes) -> Response:
        """Send a request and wait for the response."""

    def send_lines(
        self, method: str, path: str, lines: list[tuple[str, str]], body: bytes
    ) -> Response:
        """Send a request with these header lines, of which some may have the same name."""


class InProcess:
    """The app in this process, through Chalice's test client."""

    base = ""
    stage = "local"

    def __init__(self, app: Chalice) -> None:
        self.client = ChaliceClient(app, stage_name="local").http
        self.gateway = Gateway(app, Config())

    def send(self, method: str, path: str, headers: Headers, body: bytes) -> Response:
        if method == "OPTIONS":
            # The test client fails on a response without a body, such as a preflight's.
            return self.send_lines(method, path, list(headers.items()), body)
        response = self.client.request(method, path, headers=dict(headers), body=body)
        received = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status_code, received, response.body)

    def send_lines(
        self, method: str, path: str, lines: list[tuple[str, str]], body: bytes
    ) -> Response:
        response = self.gateway.respond(method, path, lines, body)
        received = {name.lower(): str(value) for name, value in response["headers"].items()}
        return Response(response["statusCode"], received, response["body"].encode())


class Live:
    """A server at a URL: http:// on loopback, https:// elsewhere."""

    def __init__(self, url: str, stage: str = "local") -> None:
        parts = self.parts = urlsplit(url)
        self.netloc = parts.netloc
        # Names under localhost are loopback (RFC 6761 section 6.3); resolvers may not know that.
        host = parts.hostname or ""
        self.host = "127.0.0.1" if host.endswith("localhost") else host
        self.base = parts.path.rstrip("/")
        self.stage = stage
        self._idle: deque[tuple[float, HTTPConnection]] = deque()

    @property
    def port(self) -> int | None:
        return self.parts.port

    def send(self, method: str, path: str, headers: Headers, body: bytes) -> Response:
        return self.send_lines(method, path, list(headers.items()), body)

    def send_lines(
        self, method: str, path: str, lines: list[tuple[str, str]], body: bytes
    ) -> Response:
        connection = self._connect()
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in [("Host", self.netloc), *lines]:
                connection.putheader(name, value)
            if body or method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            content = response.read()
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._idle.append((monotonic(), connection))
        received = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, received, content)

    def _connect(self) -> HTTPConnection:
        """An idle connection, or a new one. Servers close a connection that is idle for long."""
        while self._idle:
            since, connection = self._idle.pop()
            if monotonic() - since < IDLE_SECONDS:
                return connection
            connection.close()
        kind = HTTPSConnection if self.parts.scheme == "https" else HTTPConnection
        return kind(self.host, self.port, timeout=30)

    def __del__(self) -> None:
        for _, connection in self._idle:
            connection.close()


class Client:
    """What tests say: `api.post("/todos", {"task": "Dust"})`.

    Paths are the API's own, or as it has answered them: under the base path.
    """

    def __init__(
        self, deployment: Deployment, authorization: str | Callable[[], str] | None = None
    ) -> None:
        self.deployment = deployment
        self.base = deployment.base
        self._authorization = authorization

    @property
    def authorization(self) -> str | None:
        """The `Authorization` header that is sent with every request, if it has none of its own."""
        if callable(self._authorization):
            self._authorization = self._authorization()
        return self._authorization

    def signed_in(self, authorization: str | None) -> "Client":
        """A client of the same deployment for another caller; None is anonymous."""
        return Client(self.deployment, authorization)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """`send`, for a request that no fault can touch."""
        response = self.send(method, path, body, **headers)
        assert response.status < 500, response.body
        return response

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Send a request. A `body` of bytes is sent as it is, any other as JSON.

        Header names are written as Python can: `If_Match`.
        """
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.authorization:
            sent.setdefault("Authorization", self.authorization)
        if body is not None and not isinstance(body, bytes):
            body = to_json(body)
            sent.setdefault("Content-Type", "application/json")
        if not path.startswith(f"{self.base}/"):
            path = f"{self.base}{path}"
        return self.deployment.send(method, path, sent, body or b"")

    def send_lines(
        self, method: str, path: str, lines: list[tuple[str, str]], body: bytes
    ) -> Response:
        """Send a request with these header lines, of which some may have the same name."""
        own = [("Authorization", self.authorization)] if self.authorization else []
        return self.deployment.send_lines(method, f"{self.base}{path}", [*own, *lines], body)

    def get(self, path: str, query: Mapping[str, Any] | None = None, **headers: str) -> Response:
        return self.request("GET", f"{path}?{urlencode(query)}" if query else path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Response:
        return self.request("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Response:
        return self.request("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Response:
        return self.request("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Response:
        return self.request("DELETE", path, **headers)

    def create(self, path: str, body: Any) -> Any:
        """Create an item and give it back."""
        response = self.post(path, body)
        assert response.status == 201, response.body
        return response.json

    def pages(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[list[Any]]:
        """The pages of a list, each requested with the cursor of the page before."""
        query = dict(query or {})
        while True:
            response = self.get(path, query)
            assert response.status == 200, response.body
            yield response.json["items"]
            if response.json["next"] is None:
                return
            query["cursor"] = response.json["next"]

    def walk(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """The items of a list, page after page."""
        for page in self.pages(path, query):
            yield from page


def to_json(value: Any) -> bytes:
    """JSON in UTF-8, with Decimals as numbers."""
    return json.dumps(value, ensure_ascii=False, default=float).encode()
