"""Who makes a request: access tokens, and the keys of their issuer."""

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import json

from chalicelib import oidc, settings
from chalicelib.access import NO_AUTH_SUBJECT, STAFF_ROLE
from chalicelib.context import ANONYMOUS, Caller
from chalicelib.errors import Unauthenticated

if TYPE_CHECKING:
    from chalicelib.auth.tokens import Verifier

# Every caller of a stage whose issuer is `none`.
NO_AUTH_CALLER = Caller(NO_AUTH_SUBJECT, frozenset({STAFF_ROLE}))


def caller(authorization: list[str]) -> Caller:
    """Who sent a request, by all lines of its `Authorization` header (RFC 6750 section 2.1).

    Raises Unauthenticated for anything else than one Bearer token that is valid, or Unavailable if
    the issuer's keys are not known.
    """
    if settings.OIDC_ISSUER == oidc.NO_AUTH:
        return NO_AUTH_CALLER
    if not authorization:
        return ANONYMOUS
    scheme, _, token = authorization[0].strip(" \t").partition(" ")
    if len(authorization) > 1 or scheme.lower() != "bearer":
        raise Unauthenticated("The Authorization header must be one Bearer token")
    verifier = _verifier()
    if verifier is None:
        raise Unauthenticated("The API has no issuer of access tokens")
    return verifier.caller(token.strip(" "))


@lru_cache(maxsize=1)
def _verifier() -> "Verifier | None":
    """The verifier of the configured issuer's tokens; None if there is no issuer."""
    # Imported here because requests without a token do not need it.
    from chalicelib.auth.keys import IssuerKeys  # noqa: PLC0415
    from chalicelib.auth.tokens import Verifier  # noqa: PLC0415

    settings.check_oidc()
    if not settings.OIDC_ISSUER:
        return None
    given = json.decode(settings.OIDC_KEYS) if settings.OIDC_KEYS else None
    keys = IssuerKeys(settings.OIDC_ISSUER, given)
    return Verifier(settings.OIDC_ISSUER, settings.OIDC_AUDIENCES, settings.OIDC_ROLES, keys)
