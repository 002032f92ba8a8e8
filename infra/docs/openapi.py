"""The OpenAPI document as a file, docs/openapi.json, for clients and reviewers."""

import json
import re

import chalicelib
from app import app
from chalicelib.http import openapi
from chalicelib.http.api import declared_routes
from infra.errors import CommandError
from infra.stages import PROJECT

FILE = PROJECT / "docs" / "openapi.json"
# The document of the latest release: changes that break clients are judged against it.
RELEASED = PROJECT / "docs" / "openapi-released.json"


def write() -> None:
    """Write the file."""
    FILE.write_text(text())


def release() -> None:
    """Keep the document as the released one. Raises CommandError without a dated release."""
    heading = rf"^## \[{re.escape(chalicelib.__version__)}\] - \d{{4}}-\d\d-\d\d$"
    if not re.search(heading, (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE):
        raise CommandError(
            f"CHANGELOG.md has no dated release {chalicelib.__version__}: add a heading like "
            f"## [{chalicelib.__version__}] - 2026-01-31."
        )
    RELEASED.write_text(text())


def text() -> str:
    """The content of the file: `GET /openapi.json` at the root of a host, without an issuer."""
    document = openapi.document(
        declared_routes(app), name=app.app_name, version=chalicelib.__version__, base=""
    )
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
