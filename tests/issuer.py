"""An issuer of access tokens for tests: its documents over HTTP, and tokens signed by its keys."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

AUDIENCE = "https://api.shop.example"
PrivateKey = Any

MAKERS = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


@cache
def _private_keys() -> dict[str, PrivateKey]:
    return {algorithm: make() for algorithm, make in MAKERS.items()}


def jwk_of(key: PrivateKey, algorithm: str, key_id: str, **members: Any) -> dict[str, Any]:
    """The public JWK of a private key."""
    public = json.loads(get_default_algorithms()[algorithm].to_jwk(key.public_key()))
    return {**public, "kid": key_id, "use": "sig", "alg": algorithm, **members}


def b64(content: bytes | dict[str, Any]) -> str:
    """base64url without padding, of bytes or of JSON."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


class Issuer(ThreadingHTTPServer):
    """An issuer on loopback. `requests` are the paths that were asked for.

    `status` other than 200 is the response to every request, with `location`. While `open` is not
    set, no request gets a response.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.private = dict(_private_keys())
        self.keys = [jwk_of(key, alg, alg.lower()) for alg, key in self.private.items()]
        self.configuration: dict[str, Any] = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        self.requests: list[str] = []
        self.status = 200
        self.location = ""
        # The informational responses before each response.
        self.informational: tuple[int, ...] = ()
        self.open = Event()
        self.open.set()

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a valid token; a change to None removes a claim."""
        now = int(time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 600}
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def token(
        self,
        algorithm: str = "RS256",
        *,
        header: dict[str, Any] | None = None,
        key: PrivateKey = None,
        **changes: Any,
    ) -> str:
        """A token with the claims of a valid one, and changes of its claims or its header."""
        headers = {"kid": algorithm.lower(), **(header or {})}
        signing = key or self.private[algorithm]
        return jwt.encode(self.claims(**changes), signing, algorithm=algorithm, headers=headers)

    def signed(self, header: dict[str, Any], payload: bytes) -> str:
        """A token of any header and payload, signed by the RSA key."""
        text = f"{b64(header)}.{b64(payload)}"
        signature = get_default_algorithms()["RS256"].sign(text.encode(), self.private["RS256"])
        return f"{text}.{b64(signature)}"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Issuer

    def do_GET(self) -> None:
        """Respond with the issuer's documents."""
        self.server.requests.append(self.path)
        self.server.open.wait()
        is_keys = self.path == "/keys"
        document: Any = {"keys": self.server.keys} if is_keys else self.server.configuration
        content = json.dumps(document).encode()
        for status in self.server.informational:
            self.send_response_only(status)
            self.end_headers()
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, as in http.server
        """Print nothing."""


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """An issuer in a thread."""
    with Issuer() as issuer:
        Thread(target=issuer.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield issuer
        finally:
            issuer.open.set()
            issuer.shutdown()
