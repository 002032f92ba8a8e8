"""The environment variables that say whose access tokens the API accepts, and their check.

https://openid.net/specs/openid-connect-discovery-1_0.html
"""

import json
import re
from collections.abc import Mapping

from chalicelib.errors import SettingError

VARIABLES = ("OIDC_ISSUER", "OIDC_AUDIENCE", "OIDC_ROLES", "OIDC_KEYS")

# The issuer of a stage in which every caller is staff.
NO_AUTH = "none"

URL = r"https?://(?P<host>[A-Za-z0-9.-]+)(:(?P<port>\d{1,5}))?(/[A-Za-z0-9._~-]+)*/?"
# A name with a top-level domain: no address, and no name of this machine.
PUBLIC_HOST = r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
# Top-level domains of this machine (RFC 6761 section 6.3, and what resolvers add).
LOCAL_DOMAINS = ("localhost", "localdomain")
MAX_PORT = 2**16 - 1
# Members of a JWK that are not public (RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
SECRET_MEMBERS = {"d", "dp", "dq", "k", "oth", "p", "q", "qi"}


def check(variables: Mapping[str, str], *, local: bool) -> None:
    """Raise SettingError if the variables in VARIABLES cannot be used.

    `local` also allows http, hosts of this machine, and no issuer, with which no token is valid.
    """
    issuer = variables.get("OIDC_ISSUER", "")
    if issuer == NO_AUTH:
        return
    if not issuer:
        check_alone(variables)
        if local:
            return
        raise SettingError(
            "OIDC_ISSUER is not set. Set it to the https:// URL of the OpenID Connect issuer whose "
            f"access tokens the API accepts, or to {NO_AUTH}, which makes every caller staff; or "
            "let make package make a Cognito user pool (docs/sign-in.md)."
        )
    if not _is_url(issuer, local=local):
        allowed = "a URL" if local else "an https:// URL of a public host"
        raise SettingError(f"OIDC_ISSUER is {issuer!r}; it must be {NO_AUTH}, or {allowed}.")
    if not variables.get("OIDC_AUDIENCE", "").replace(",", " ").split():
        raise SettingError(
            "OIDC_AUDIENCE is not set. Set it to the audience (aud) of the access tokens for this "
            "API; with Cognito, to the id of the app client."
        )
    if variables.get("OIDC_KEYS") and not _is_public_jwk_set(variables["OIDC_KEYS"]):
        raise SettingError(
            'OIDC_KEYS must be a JWK set in JSON, {"keys": [...]}, of public keys alone.'
        )


def check_alone(variables: Mapping[str, str]) -> None:
    """Raise SettingError if there is no issuer, and another of the variables is set."""
    others = [name for name in VARIABLES if variables.get(name) and name != "OIDC_ISSUER"]
    if others and not variables.get("OIDC_ISSUER"):
        raise SettingError(
            f"{' and '.join(others)} need OIDC_ISSUER, which is not set: set it, or unset them."
        )


def _is_url(text: str, *, local: bool) -> bool:
    match = re.fullmatch(URL, text)
    if match is None or not 0 < int(match["port"] or 1) <= MAX_PORT:
        return False
    host = match["host"]
    is_public = bool(re.fullmatch(PUBLIC_HOST, host)) and not host.lower().endswith(LOCAL_DOMAINS)
    return local or (is_public and text.startswith("https://"))


def _is_public_jwk_set(text: str) -> bool:
    try:
        keys = json.loads(text)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return (
        isinstance(keys, list)
        and bool(keys)
        and all(
            isinstance(key, dict)
            and isinstance(key.get("kty"), str)
            and not SECRET_MEMBERS & key.keys()
            for key in keys
        )
    )
