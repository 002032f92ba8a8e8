"""Access tokens for tests: of an issuer whose keys are given to the API, so that it asks nobody."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.local.issuer import AUDIENCE, HEADER_SECONDS, Issuer, make_key

with TemporaryDirectory() as folder:
    ISSUER = Issuer("https://issuer.shop.example", make_key(Path(folder)))

# The environment of an API that accepts the tokens.
VARIABLES = {
    "OIDC_ISSUER": ISSUER.url,
    "OIDC_AUDIENCE": AUDIENCE,
    "OIDC_ROLES": "roles",
    "OIDC_KEYS": json.dumps(ISSUER.keys),
}


def authorization(
    subject: str, *roles: str, issuer: Issuer = ISSUER, seconds: int = HEADER_SECONDS
) -> str:
    """The `Authorization` header of a caller. The token expires in `seconds`, or has expired."""
    return f"Bearer {issuer.access_token(subject, 'tests', list(roles), seconds)}"


@cache
def _another_key() -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def forged(subject: str, *roles: str, issuer: Issuer = ISSUER) -> str:
    """As `authorization`, signed by another key, under the id of the issuer's own."""
    token = issuer.access_token(subject, "tests", list(roles))
    claims = jwt.decode(token, options={"verify_signature": False})
    header = jwt.get_unverified_header(token)
    return f"Bearer {jwt.encode(claims, _another_key(), algorithm='RS256', headers=header)}"


def staff() -> str:
    """The `Authorization` header of sue, who is staff."""
    return authorization("sue", "staff")


def issuer_of(port: int, folder: Path) -> Issuer:
    """The development issuer of a `make run`, by its port and its data folder."""
    return Issuer(f"http://127.0.0.1:{port}/dev-issuer", make_key(folder))


def header_file(file: Path) -> str:
    """The `Authorization` header in a file that `make run` has written."""
    return file.read_text().removeprefix("Authorization: ").strip()
