"""The access token with which the candidates are called, and the variables of those that check it.

The keys are given to the candidates: the bench has no issuer to ask.
"""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.local.issuer import AUDIENCE, HEADER_SECONDS, Issuer, make_key


@cache
def _issuer() -> Issuer:
    with TemporaryDirectory() as folder:
        return Issuer("https://issuer.shop.example", make_key(Path(folder)))


def variables() -> dict[str, str]:
    """The environment variables of a candidate that accepts the token."""
    issuer = _issuer()
    return {
        "OIDC_ISSUER": issuer.url,
        "OIDC_AUDIENCE": AUDIENCE,
        "OIDC_ROLES": "roles",
        "OIDC_KEYS": json.dumps(issuer.keys),
    }


@cache
def authorization() -> str:
    """The `Authorization` header of a caller who is staff."""
    return f"Bearer {_issuer().access_token('sue', 'bench', ['staff'], HEADER_SECONDS)}"
