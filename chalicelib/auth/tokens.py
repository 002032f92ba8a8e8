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

from chalicelib.access import MAX_SUBJECT_LENGTH, subject_key
from chalicelib.auth.keys import ALGORITHMS, IssuerKeys
from chalicelib.context import Caller
from chalicelib.errors import Unauthenticated

LEEWAY_SECONDS = 60
MAX_TOKEN_BYTES = 8 * 1024
# RFC 7515 section 7.1: base64url without padding.
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
# Year 9999. JSON's numbers have no bound.
LATEST_DATE = 253_402_300_800
# Verified tokens that are remembered until they expire.
MAX_REMEMBERED = 1_000

# The header of a JWT may not choose its own key or processing (RFC 7515 section 4.1).
FORBIDDEN_HEADERS = {"b64", "crit", "enc", "jku", "jwk", "x5c", "x5u", "zip"}
TYPES = {"jwt", "at+jwt", "application/jwt", "application/at+jwt"}
# Claims that only ID tokens have (OpenID Connect Core section 2 and 3.1.3.6), and logout tokens
# (OpenID Connect Back-Channel Logout section 2.4).
ID_TOKEN_CLAIMS = {"at_hash", "c_hash", "events", "nonce", "s_hash"}

SCOPE_CLAIMS = {"scope", "scp"}

INVALID = "The access token is invalid"
EXPIRED = "The access token expired"


class Remembered(Struct, frozen=True):
    """A verified token: its caller, when it expires, and the key that signed it."""

    caller: Caller
    expires_at: float
    jwk: str


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
        if len(token) > MAX_TOKEN_BYTES or not COMPACT.match(token):
            raise _invalid("the form")
        digest = blake2b(token.encode(), digest_size=32).digest()
        known = self._remembered.get(digest)
        if known and time() < known.expires_at and self.keys.has(known.jwk):
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
                raise _invalid("the header: alg, or a member that chooses the key")
            if str(header.get("typ", "JWT")).lower() not in TYPES:
                raise _invalid("the header: typ")
            key = self.keys.find(header.get("kid"), algorithm)
            if key is None:
                raise _invalid("the issuer has no such key: kid")
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
            raise _invalid("the form or the signature") from None
        expires_at = self._check(claims, header)
        roles = self._roles(claims)
        return Remembered(Caller(subject_key(claims["sub"]), roles), expires_at, key.jwk)

    def _check(self, claims: Mapping[str, Any], header: Mapping[str, Any]) -> float:
        """When the claims expire, with leeway. Raises Unauthenticated."""
        now = time()
        expires_at = _numeric_date(claims.get("exp"))
        not_before = _numeric_date(claims.get("nbf", 0))
        issued_at = _numeric_date(claims.get("iat", 0))
        if claims.get("iss") != self.issuer:
            raise _invalid("iss")
        if not self._is_for_us(claims):
            raise _invalid("aud, or client_id and token_use")
        if not _is_subject(claims.get("sub")):
            raise _invalid("sub")
        if _is_id_token(claims, header):
            raise _invalid("it is an ID token")
        if now >= expires_at + LEEWAY_SECONDS:
            raise Unauthenticated(EXPIRED)
        if max(not_before, issued_at) > now + LEEWAY_SECONDS:
            raise _invalid("nbf or iat is in the future")
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
        """The roles in the configured claims."""
        return frozenset(role for name in self.roles_claims for role in self._listed(claims, name))

    def _listed(self, claims: Mapping[str, Any], name: str) -> list[str]:
        """The roles in a claim: the texts of a list, one text, or the names of an object.

        A text of scopes has several, separated by spaces. A claim of another form has none.
        """
        match _member(claims, name):
            case str(text) if name in SCOPE_CLAIMS:
                return [self._scope(each) for each in text.split(" ") if each]
            case str(text):
                return [text]
            case list(values):
                return [each for each in values if isinstance(each, str)]
            case dict(members):
                return list(members)
        return []

    def _scope(self, scope: str) -> str:
        """A scope as a role: without the API's own identifier, as in Cognito's `storefront/staff`.

        https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html
        """
        audience, _, name = scope.rpartition("/")
        return name if audience in self.audiences else scope


def _member(value: Any, path: str) -> Any:
    """A claim, or a member of objects in claims, by names that may have dots; None without one."""
    if not isinstance(value, dict):
        return None
    if path in value:
        return value[path]
    parts = path.split(".")
    heads = (".".join(parts[:count]) for count in range(1, len(parts)))
    found = (_member(value[head], path[len(head) + 1 :]) for head in heads if head in value)
    return next((each for each in found if each is not None), None)


def _invalid(reason: str) -> Unauthenticated:
    """The error for a token that is not valid; the reason is for the log alone."""
    return Unauthenticated(INVALID, reason)


def _is_subject(value: Any) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_SUBJECT_LENGTH:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        # A lone surrogate.
        return False
    return True


def _numeric_date(value: Any) -> float:
    """A NumericDate (RFC 7519 section 2). Raises Unauthenticated if it is something else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # NaN is not less than anything.
    if not is_number or not abs(value) < LATEST_DATE:
        raise _invalid("exp, nbf or iat is not a date")
    return float(value)


def _is_id_token(claims: Mapping[str, Any], header: Mapping[str, Any]) -> bool:
    """Whether the claims are those of an ID token, which is for the client and not for an API."""
    own = ID_TOKEN_CLAIMS & claims.keys()
    if own == {"nonce"} and (_is_named_access_token(header) or _has_scopes(claims)):
        # Azure AD B2C puts the nonce into the access token, too.
        own = set()
    return bool(
        # So do older versions of Keycloak.
        (own and claims.get("typ") != "Bearer")
        or claims.get("token_use", "access") != "access"
        # Keycloak's.
        or claims.get("typ", "Bearer") not in ("Bearer", "at+jwt", "JWT")
    )


def _is_named_access_token(header: Mapping[str, Any]) -> bool:
    """Whether the header says that it is an access token (RFC 9068 section 2.1)."""
    return str(header.get("typ", "")).lower().removeprefix("application/") == "at+jwt"


def _has_scopes(claims: Mapping[str, Any]) -> bool:
    """Whether the claims have scopes, which ID tokens do not have."""
    return any(isinstance(claims.get(name), str) and claims[name] for name in SCOPE_CLAIMS)
