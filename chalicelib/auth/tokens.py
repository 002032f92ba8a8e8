"""Access tokens: JWTs of the configured issuer, checked as RFC 8725 advises.

https://www.rfc-editor.org/rfc/rfc7519
https://www.rfc-editor.org/rfc/rfc9068
"""

import re
from collections.abc import Mapping
from hashlib import blake2b
from time import time
from typing import Any

import jwt
from jwt.exceptions import PyJWTError
from msgspec import Struct

from chalicelib.auth.keys import ALGORITHMS, IssuerKeys
from chalicelib.context import Caller
from chalicelib.errors import Unauthenticated

LEEWAY_SECONDS = 60
MAX_TOKEN_BYTES = 8 * 1024
MAX_SUBJECT_LENGTH = 255
# Year 9999. JSON's numbers have no bound.
LATEST_DATE = 253_402_300_800
# Verified tokens that are remembered until they expire.
MAX_REMEMBERED = 1_000

# The header of a JWT may not choose its own key or processing (RFC 7515 section 4.1).
FORBIDDEN_HEADERS = {"b64", "crit", "enc", "jku", "jwk", "x5c", "x5u", "zip"}
TYPES = {"jwt", "at+jwt", "application/jwt", "application/at+jwt"}
# Claims that only ID tokens have (OpenID Connect Core section 2 and 3.1.3.6).
ID_TOKEN_CLAIMS = {"at_hash", "c_hash", "nonce", "s_hash"}

PLAIN_SUBJECT = re.compile(r"(?!\.{1,2}\Z|me\Z|anyone\Z|sub-)[A-Za-z0-9_.-]{1,64}\Z")
SCOPE_CLAIMS = {"scope", "scp"}

INVALID = "The access token is invalid"
EXPIRED = "The access token expired"


class Remembered(Struct, frozen=True):
    """A verified token: its caller, when it expires, and the key that signed it."""

    caller: Caller
    expires_at: float
    thumbprint: str


class Verifier:
    """Checks the access tokens of one issuer for one or more audiences.

    `roles_claims` are the names of the claims that hold roles, or paths like `realm_access.roles`.
    """

    def __init__(
        self,
        issuer: str,
        audiences: tuple[str, ...],
        roles_claims: tuple[str, ...],
        keys: IssuerKeys,
    ) -> None:
        self.issuer = issuer
        self.audiences = audiences
        self.roles_claims = roles_claims
        self.keys = keys
        self._remembered: dict[bytes, Remembered] = {}

    def caller(self, token: str) -> Caller:
        """The caller that a token identifies. Raises Unauthenticated, or Unavailable."""
        raw = token.encode()
        if len(raw) > MAX_TOKEN_BYTES:
            raise Unauthenticated(INVALID)
        digest = blake2b(raw, digest_size=32).digest()
        known = self._remembered.get(digest)
        if known and time() < known.expires_at and self.keys.has(known.thumbprint):
            return known.caller
        self._remembered.pop(digest, None)
        verified = self._verify(token)
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.pop(next(iter(self._remembered)), None)
        self._remembered[digest] = verified
        return verified.caller

    def _verify(self, token: str) -> Remembered:
        try:
            header = jwt.get_unverified_header(token)
            algorithm: Any = header.get("alg")
            if algorithm not in ALGORITHMS.values() or FORBIDDEN_HEADERS & header.keys():
                raise Unauthenticated(INVALID)
            if str(header.get("typ", "JWT")).lower() not in TYPES:
                raise Unauthenticated(INVALID)
            key = self.keys.find(header.get("kid"), algorithm)
            if key is None:
                raise Unauthenticated(INVALID)
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                # What follows is checked below: PyJWT accepts other types of values.
                options={
                    "verify_aud": False,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_iss": False,
                    "verify_jti": False,
                    "verify_nbf": False,
                    "verify_sub": False,
                },
            )
        except (PyJWTError, ValueError, RecursionError):
            raise Unauthenticated(INVALID) from None
        expires_at = self._check(claims)
        roles = self._roles(claims)
        return Remembered(Caller(subject_key(claims["sub"]), roles), expires_at, key.thumbprint)

    def _check(self, claims: Mapping[str, Any]) -> float:
        """When the claims expire, with leeway. Raises Unauthenticated."""
        now = time()
        expires_at = _numeric_date(claims.get("exp"))
        not_before = _numeric_date(claims.get("nbf", 0))
        issued_at = _numeric_date(claims.get("iat", 0))
        subject = claims.get("sub")
        if claims.get("iss") != self.issuer or not self._is_for_us(claims):
            raise Unauthenticated(INVALID)
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_LENGTH:
            raise Unauthenticated(INVALID)
        if _is_id_token(claims):
            raise Unauthenticated(INVALID)
        if now >= expires_at + LEEWAY_SECONDS:
            raise Unauthenticated(EXPIRED)
        if max(not_before, issued_at) > now + LEEWAY_SECONDS:
            raise Unauthenticated(INVALID)
        return expires_at + LEEWAY_SECONDS

    def _is_for_us(self, claims: Mapping[str, Any]) -> bool:
        audience = claims.get("aud")
        if audience is None:
            # Cognito's access tokens have no audience.
            is_access = claims.get("token_use") == "access"
            return is_access and claims.get("client_id") in self.audiences
        listed = audience if isinstance(audience, list) else [audience]
        return any(isinstance(each, str) and each in self.audiences for each in listed)

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """The roles in the configured claims. Raises Unauthenticated if they are no list."""
        return frozenset(role for name in self.roles_claims for role in self._listed(claims, name))

    def _listed(self, claims: Mapping[str, Any], name: str) -> list[str]:
        value: Any = claims
        if name in claims:
            value = claims[name]
        else:
            for part in name.split("."):
                value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            return []
        if name in SCOPE_CLAIMS and isinstance(value, str):
            return [self._scope(each) for each in value.split()]
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Unauthenticated(INVALID)
        return value

    def _scope(self, scope: str) -> str:
        """A scope as a role: without the API's own identifier, as in Cognito's `storefront/staff`.

        https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html
        """
        audience, _, name = scope.rpartition("/")
        return name if audience in self.audiences else scope


def subject_key(subject: str) -> str:
    """A subject as a key of an item: itself, or a digest if it is not a valid key.

    A subject that looks like a digest is replaced by its own, so that nobody can choose another's;
    so are `me`, which the parameter `author` has, and `anyone`, the caller of an open stage.
    """
    if PLAIN_SUBJECT.match(subject):
        return subject
    return f"sub-{blake2b(subject.encode(), digest_size=20).hexdigest()}"


def _numeric_date(value: Any) -> float:
    """A NumericDate (RFC 7519 section 2). Raises Unauthenticated if it is something else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # NaN is not less than anything.
    if not is_number or not abs(value) < LATEST_DATE:
        raise Unauthenticated(INVALID)
    return float(value)


def _is_id_token(claims: Mapping[str, Any]) -> bool:
    """Whether the claims are those of an ID token, which is for the client and not for an API."""
    return bool(
        ID_TOKEN_CLAIMS & claims.keys()
        or claims.get("token_use", "access") != "access"
        # Keycloak's.
        or claims.get("typ", "Bearer") not in ("Bearer", "at+jwt", "JWT")
    )
