"""Access tokens for tests: of an issuer whose keys are given to the API, so that it asks nobody."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

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


def staff() -> str:
    """The `Authorization` header of sue, who is staff."""
    return authorization("sue", "staff")


def issuer_of(port: int, folder: Path) -> Issuer:
    """The development issuer of a `make run`, by its port and its data folder."""
    return Issuer(f"http://127.0.0.1:{port}/dev-issuer", make_key(folder))


def header_file(file: Path) -> str:
    """The `Authorization` header in a file that `make run` has written."""
    return file.read_text().removeprefix("Authorization: ").strip()
