"""The issuer's public keys: found by OpenID Connect Discovery, kept, rotated and withdrawn.

https://openid.net/specs/openid-connect-discovery-1_0.html
https://www.rfc-editor.org/rfc/rfc7517
"""

import os
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from threading import Lock, Thread
from time import time
from typing import Any, Self
from urllib.parse import urlsplit

import botocore
import msgspec
from jwt import PyJWK
from jwt.exceptions import PyJWTError
from msgspec import Struct

from chalicelib import logs, settings
from chalicelib.errors import Unavailable
from chalicelib.final_response import FinalResponse

DISCOVERY = "/.well-known/openid-configuration"

# One algorithm for each type of key, so that a token cannot choose (RFC 8725 section 3.1).
ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
MIN_RSA_BITS = 2048

# For each part of a response, and for all of a discovery document and the keys.
SOCKET_SECONDS = 3.0
FETCH_SECONDS = 5.0
MAX_DOCUMENT_BYTES = 256 * 1024
MAX_KEYS = 100

# A withdrawn key is refused after this time at the latest.
KEEP_SECONDS = 60 * 60
# While the issuer cannot be reached, its last keys are used for this time.
STALE_SECONDS = 24 * 60 * 60
# Tokens with unknown keys, which anybody can make up, cause one request to the issuer in this time.
COOLDOWN_SECONDS = 30

OK = 200


class PublicKey(Struct, frozen=True):
    """A public key, and the one algorithm that it verifies. `jwk` is its JWK, as text."""

    id: str | None
    algorithm: str
    key: Any
    jwk: str


class FetchFailed(Exception):
    """The issuer cannot be reached, or has sent something that is not as specified."""


class IssuerKeys:
    """The keys of one issuer. Threads may share it."""

    def __init__(self, issuer: str, given: Mapping[str, Any] | None = None) -> None:
        self.issuer = issuer
        self._lock = Lock()
        self._fixed = given is not None
        self._keys = usable_keys(given) if given is not None else ()
        self._fetched_at = 0.0
        self._tried_at = 0.0

    def find(self, key_id: str | None, algorithm: str) -> PublicKey | None:
        """The key with an id, for an algorithm; None if the issuer has no such key.

        Without an id, the one key for the algorithm. Raises Unavailable if the issuer's keys are
        not known and cannot be fetched.
        """
        self._refresh(KEEP_SECONDS)
        found = self._find(key_id, algorithm)
        if found is None:
            # It may be a new key, which another request is about to find, too.
            self._refresh(COOLDOWN_SECONDS, wait=True)
            found = self._find(key_id, algorithm)
        return found

    def has(self, jwk: str) -> bool:
        """Whether a key that was found earlier is still one of the issuer's."""
        self._refresh(KEEP_SECONDS)
        return any(key.jwk == jwk for key in self._keys)

    def _find(self, key_id: str | None, algorithm: str) -> PublicKey | None:
        found = {
            key.jwk: key
            for key in self._keys
            if key.algorithm == algorithm and key_id in (None, key.id)
        }
        # A set may have one key twice.
        return next(iter(found.values())) if len(found) == 1 else None

    def _refresh(self, age: float, *, wait: bool = False) -> None:
        """Fetch the keys if they are older than `age` seconds, and the last try is not recent.

        `wait` waits for the fetch of another thread, also while there are keys that can be used.
        """
        if self._fixed or time() - self._fetched_at < age:
            return
        if not self._lock.acquire(blocking=wait or not self._usable(time())):
            return
        try:
            now = time()
            recent = now - self._tried_at < COOLDOWN_SECONDS
            if now - self._fetched_at < age or (recent and self._usable(now)):
                return
            if not recent:
                self._tried_at = now
                try:
                    self._keys = _fetch_in_time(self.issuer)
                    self._fetched_at = time()
                except FetchFailed as error:
                    logs.write("WARNING", reason=str(error))
            if not self._usable(now):
                raise Unavailable("The issuer of access tokens")
        finally:
            self._lock.release()

    def _usable(self, now: float) -> bool:
        return now - self._fetched_at < STALE_SECONDS


def _fetch_in_time(issuer: str) -> tuple[PublicKey, ...]:
    """As `fetch`, in at most FETCH_SECONDS, however slowly the issuer sends."""
    outcome: list[tuple[PublicKey, ...] | FetchFailed] = []

    def run() -> None:
        try:
            outcome.append(fetch(issuer))
        except FetchFailed as error:
            outcome.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(FETCH_SECONDS)
    if not outcome:
        raise FetchFailed(f"The issuer takes longer than {FETCH_SECONDS:.0f} s.")
    (found,) = outcome
    if isinstance(found, FetchFailed):
        raise found
    return found


def fetch(issuer: str) -> tuple[PublicKey, ...]:
    """The keys that an issuer publishes; empty if it has withdrawn them all. Raises FetchFailed."""
    with _Connection() as connection:
        configuration = connection.get_json(issuer.rstrip("/") + DISCOVERY)
        if configuration.get("issuer") != issuer:
            raise FetchFailed("The issuer in the discovery document is another one.")
        location = configuration.get("jwks_uri")
        if not isinstance(location, str):
            raise FetchFailed("The discovery document has no jwks_uri.")
        if location.partition("://")[0] != issuer.partition("://")[0]:
            raise FetchFailed("The jwks_uri has another scheme than the issuer.")
        keys = usable_keys(connection.get_json(location))
    if not keys:
        logs.write("WARNING", reason="The issuer has no key that can be used.")
    return keys


def usable_keys(document: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    """The keys of a JWK set that can verify tokens. Others are left out (RFC 7517 section 5)."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        return ()
    return tuple(
        key for each in listed[:MAX_KEYS] if isinstance(each, dict) and (key := _usable_key(each))
    )


def _usable_key(members: dict[str, Any]) -> PublicKey | None:
    # Some issuers write null for a member that they leave out.
    jwk = {name: value for name, value in members.items() if value is not None}
    kind, curve = jwk.get("kty"), jwk.get("crv")
    algorithm = ALGORITHMS.get((str(kind), None if kind == "RSA" else str(curve)))
    operations = jwk.get("key_ops", ["verify"])
    key_id = jwk.get("kid")
    if (
        algorithm is None
        or jwk.get("alg", algorithm) != algorithm
        or jwk.get("use", "sig") != "sig"
        or not (isinstance(operations, list) and "verify" in operations)
        or not isinstance(key_id, str | None)
    ):
        return None
    public = {
        name: value for name, value in jwk.items() if name in ("kty", "crv", "n", "e", "x", "y")
    }
    try:
        key = PyJWK(public, algorithm).key
    except PyJWTError:
        return None
    if kind == "RSA" and key.key_size < MIN_RSA_BITS:
        return None
    return PublicKey(key_id, algorithm, key, msgspec.json.encode(public, order="sorted").decode())


class _Connection:
    """GET requests that follow no redirect, with bounded time and size, on one connection."""

    def __init__(self) -> None:
        self._connection: HTTPConnection | None = None
        self._origin: tuple[str, str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def get_json(self, url: str) -> dict[str, Any]:
        """The JSON object at a URL. Raises FetchFailed."""
        try:
            parts = urlsplit(url)
            connection = self._connect(parts.scheme, parts.netloc)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", target, headers={"Accept": "application/json"})
            response = connection.getresponse()
            content = response.read(MAX_DOCUMENT_BYTES + 1)
        except (OSError, HTTPException, ValueError) as error:
            # ValueError: the URL itself is wrong.
            raise FetchFailed(f"The issuer cannot be reached: {type(error).__name__}.") from error
        if response.status != OK:
            raise FetchFailed(f"The issuer responded with status {response.status}.")
        if len(content) > MAX_DOCUMENT_BYTES:
            raise FetchFailed("The issuer's document is too large.")
        try:
            return msgspec.json.decode(content, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise FetchFailed("The issuer's document is not a JSON object.") from None

    def _connect(self, scheme: str, netloc: str) -> HTTPConnection:
        if self._connection is None or self._origin != (scheme, netloc):
            self._close()
            self._connection = _open(scheme, netloc)
            self._connection.response_class = FinalResponse
            self._origin = (scheme, netloc)
        return self._connection

    def _close(self) -> None:
        if self._connection:
            self._connection.close()


def _open(scheme: str, netloc: str) -> HTTPConnection:
    if scheme == "http":
        return HTTPConnection(netloc, timeout=SOCKET_SECONDS)
    return HTTPSConnection(
        netloc, timeout=SOCKET_SECONDS, context=ssl.create_default_context(cafile=_roots(netloc))
    )


def _roots(netloc: str) -> str:
    """The certificate authorities for a host: Amazon's own for Cognito, which load faster."""
    given = os.environ.get("AWS_CA_BUNDLE")
    if given:
        return given
    if netloc.endswith((".amazonaws.com", ".amazoncognito.com")):
        return settings.CA_BUNDLE
    return str(Path(botocore.__file__).parent / "cacert.pem")
