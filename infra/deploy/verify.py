"""`make verify`: the contract tests against any deployment, which they leave as they found it."""

import os
import subprocess
import sys
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from chalicelib.access import NO_AUTH_SUBJECT
from infra.errors import CommandError
from infra.stages import PROJECT


def run(url: str, token: str) -> int:
    """Run the contract tests. Returns pytest's exit status.

    Without a token, the tests that need none are run, and those of access control are left out of
    an open API. Raises CommandError for a URL without this API, and for a token that is not valid
    or not one of staff.
    """
    root = _root(url, token)
    caller = root.get("caller")
    selection = ""
    if caller is None:
        selection = "anonymous"
        print("TOKEN is not set: only what anonymous callers see is tested.", flush=True)
    elif caller["subject"] == NO_AUTH_SUBJECT:
        selection = "not access"
        print("The API is open: access control is not tested.", flush=True)
    elif "staff" not in caller["roles"]:
        raise CommandError(
            f"The token is one of {caller['subject']!r}, who is not staff: the tests need one of "
            "staff."
        )
    # Other tests reach this machine alone.
    arguments = ["tests/contract", "-q", "--force-enable-socket", "-m", selection]
    arguments += ["--url", url, "--stage", root["stage"]]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=PROJECT,
        # Not as an argument, which other users of the machine can see.
        env=os.environ | {"TOKEN": token},
        check=False,
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
    if not isinstance(root, dict):
        root = {}
    if token and response.status == HTTPStatus.UNAUTHORIZED:
        raise CommandError(f"The API does not accept the token: {root.get('detail')}")
    if "stage" not in root:
        raise CommandError(f"GET {url}/ is not answered as by this API: status {response.status}.")
    return root
