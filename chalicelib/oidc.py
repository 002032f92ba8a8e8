"""The environment variables that say whose access tokens the API accepts, and their check.

https://openid.net/specs/openid-connect-discovery-1_0.html
"""

import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from chalicelib.errors import SettingError

VARIABLES = ("OIDC_ISSUER", "OIDC_AUDIENCE", "OIDC_ROLES", "OIDC_KEYS")

# The issuer of a stage in which every caller is staff.
OPEN = "none"
ISSUER = r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~%-]+)*/?"
# Hosts of this machine: an issuer there is one for development.
LOOPBACK = re.compile(r"(.+\.)?localhost\.?|127\.[0-9.]+|0[0-9.]*")


def check(variables: Mapping[str, str], *, local: bool) -> None:
    """Raise SettingError if the variables in VARIABLES cannot be used.

    `local` allows an issuer on this machine, and none at all: then every token is refused.
    """
    issuer = variables.get("OIDC_ISSUER", "")
    if issuer == OPEN or (local and not issuer):
        return
    if not issuer:
        raise SettingError(
            "OIDC_ISSUER is not set. Set it to the https:// URL of the OpenID Connect issuer whose "
            f"access tokens the API accepts, or to {OPEN}, which makes every caller staff."
        )
    is_url = re.fullmatch(ISSUER, issuer) is not None
    if not is_url or not (local or _is_public(issuer)):
        raise SettingError(
            f"OIDC_ISSUER is {issuer!r}; it must be {OPEN}, or an https:// URL of a host that is "
            "not this machine."
        )
    if not variables.get("OIDC_AUDIENCE", "").replace(",", " ").split():
        raise SettingError(
            "OIDC_AUDIENCE is not set. Set it to the audience (aud) of the access tokens for this "
            "API; with Cognito, to the id of the app client."
        )
    _check_keys(variables.get("OIDC_KEYS", ""))


def _is_public(url: str) -> bool:
    return url.startswith("https://") and not LOOPBACK.fullmatch(urlsplit(url).hostname or "")


def _check_keys(text: str) -> None:
    if not text:
        return
    try:
        keys = json.loads(text)["keys"]
        is_public = all("d" not in key and "k" not in key for key in keys) and bool(keys)
    except (ValueError, KeyError, TypeError):
        is_public = False
    if not is_public:
        raise SettingError(
            'OIDC_KEYS must be a JWK set in JSON, {"keys": [...]}, of public keys alone.'
        )
