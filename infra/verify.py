"""`make verify`: the contract tests against any deployment, which they leave as they found it."""

import subprocess
import sys
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from infra.errors import CommandError
from infra.stages import PROJECT


def run(url: str, token: str) -> int:
    """Run the contract tests. Returns pytest's exit status. Raises CommandError.

    Without a token, a stage that is not open gets the tests that need none.
    """
    root = _root(url, token)
    selection = [] if "caller" in root else ["-m", "anonymous"]
    if selection:
        print("TOKEN is not set: only what anonymous callers see is tested.", flush=True)
    elif "staff" not in root["caller"]["roles"]:
        raise CommandError(
            f"The token is one of {root['caller']['subject']!r}, who is not staff: the tests need "
            "one of staff."
        )
    # Other tests reach this machine alone.
    arguments = ["tests/contract", "-q", "--force-enable-socket", *selection]
    arguments += ["--url", url, "--stage", root["stage"]]
    arguments += ["--token", token] if token else []
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=PROJECT, check=False
    ).returncode


def _root(url: str, token: str) -> dict[str, Any]:
    """What `GET /` says. Raises CommandError for a URL without this API, or a wrong token."""
    # Imported here, because other commands run without what developing needs.
    from tests.client import Client, Live

    if not url.startswith(("http://", "https://")):
        raise CommandError("Name the API, for example make verify URL=http://127.0.0.1:8000")
    api = Client(Live(url), f"Bearer {token}" if token else None)
    try:
        response = api.send("GET", "/", Accept="application/json")
        root = response.json
    except (OSError, HTTPException, ValueError) as error:
        raise CommandError(f"GET {url}/ is not answered as by this API: {error}.") from None
    if response.status == HTTPStatus.UNAUTHORIZED:
        raise CommandError(f"The API does not accept the token: {root.get('detail')}")
    if not isinstance(root, dict) or "stage" not in root:
        raise CommandError(f"GET {url}/ is not answered as by this API: status {response.status}.")
    return root
