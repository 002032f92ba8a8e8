"""`make web`: the shop on this machine, built again after each change of its files."""

import json
import os
import signal
import subprocess
from contextlib import suppress
from typing import Any
from urllib.request import urlopen

from infra.errors import CommandError
from infra.local import issuer
from infra.local.run import HOST, check_port
from infra.web import node
from infra.web.config import Config

# Angular's development server adds it to the shop's files (web/angular.json).
CONFIG = node.WEB / ".config" / "config.json"
WAIT_SECONDS = 10


def serve(port: int, api_url: str) -> None:
    """Serve the shop at a port of this machine until stopped by a signal. Raises CommandError."""
    check_port(port, "WEB_PORT", "web")
    content = configuration(api_url.rstrip("/"))
    CONFIG.parent.mkdir(exist_ok=True)
    CONFIG.write_bytes(content.json())
    command = node.command("serve", "--port", str(port))
    server = subprocess.Popen(
        command,
        cwd=node.WEB,
        env=node.environment(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )

    def stop(*_: object) -> None:
        # The second Ctrl-C may find that it has ended.
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)

    # SIGHUP is sent when the terminal is closed.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    print(f"The shop will be at http://{HOST}:{port}, for the API {api_url}. Ctrl-C stops it.")
    status = server.wait()
    if status not in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
        raise CommandError(f"The shop's server has ended with status {status}.")


def configuration(api_url: str) -> Config:
    """config.json for the API at a URL. Raises CommandError if there is none, or no issuer."""
    if not api_url.startswith(("http://", "https://")):
        raise CommandError(f"API_URL is {api_url!r}: it has to begin with http:// or https://.")
    root = _read(f"{api_url}/")
    if not isinstance(root, dict) or "links" not in root:
        raise CommandError(
            f"There is no API at {api_url}: start it with make run, or name another one with "
            "API_URL=https://... make web."
        )
    # Without a token there is a caller only where everybody is staff.
    if "caller" in root:
        return Config(api_url, None)
    client_id = os.environ.get("WEB_CLIENT_ID", "web")
    if os.environ.get("OIDC_ISSUER"):
        return Config(api_url, os.environ["OIDC_ISSUER"], client_id=client_id)
    development = f"{api_url}{issuer.PATH}"
    if _read(f"{development}/.well-known/openid-configuration"):
        return Config(api_url, development, client_id=client_id)
    raise CommandError(
        f"The API at {api_url} has no development issuer: name its issuer, and the client id of "
        "the shop there, with OIDC_ISSUER=https://... WEB_CLIENT_ID=... make web."
    )


def _read(url: str) -> Any:
    """A JSON document, or None if it cannot be read."""
    try:
        with urlopen(url, timeout=WAIT_SECONDS) as response:  # noqa: S310, the scheme is checked
            return json.load(response)
    except (OSError, ValueError):
        return None
