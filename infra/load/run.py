"""Starts the load generator, Locust, once it is certain that the API may be tested.

Locust has a virtual environment of its own, because it pins other versions of what tests use.
"""

import json
import os
import signal
import subprocess
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from infra.errors import CommandError
from infra.stages import PROJECT

LOCUST = PROJECT / ".venv" / "load" / "bin" / "locust"
FILE = Path(__file__).with_name("locustfile.py")
ANSWER_SECONDS = 30
# How many users start in a second.
SPAWN_RATE = 10
# How long users have at the end for the request that they wait for.
STOP_SECONDS = 60


def run(url: str, token: str, users: int, seconds: int, *, confirmed: bool) -> int:
    """Test an API for a while, as many users at once. Returns the exit status.

    It is 0 if the API responded as it should, or with 429 and 503, and has kept each acknowledged
    write once. Raises CommandError for a stage named prod that nobody has confirmed.
    """
    stage = _stage(url, token)
    if stage == "prod" and not confirmed:
        raise CommandError(
            f"{url} is the stage prod: its customers would wait, and you would pay. If you mean "
            "it, add YES=1."
        )
    print(f"{users} users on the stage {stage} at {url}, for {seconds} s. Ctrl-C ends it earlier.")
    options = ("--headless", "--users", str(users), "--spawn-rate", str(min(users, SPAWN_RATE)))
    ends = ("--run-time", f"{seconds}s", "--stop-timeout", str(STOP_SECONDS))
    with subprocess.Popen(
        [LOCUST, "--locustfile", FILE, *options, *ends, "--host", url],
        cwd=PROJECT,
        # Not as an argument, which every process of the machine could read.
        env=os.environ | {"TOKEN": token},
    ) as locust:
        # Ctrl-C goes to Locust, too, which then checks what was written: this process waits for it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return locust.wait()


def _stage(url: str, token: str) -> str:
    """The stage of the API at a URL, which has to accept the token. Raises CommandError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise CommandError(
            f"URL is {url!r}; it must begin with http:// or https://, and have no query."
        )
    # The scheme was checked.
    request = Request(f"{url}/", headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    try:
        with urlopen(request, timeout=ANSWER_SECONDS) as response:  # noqa: S310, as above
            root = json.loads(response.read())
    except HTTPError as error:
        if error.code == HTTPStatus.UNAUTHORIZED:
            raise CommandError(f"{url} does not accept the TOKEN; get a new one.") from None
        raise CommandError(f"GET {url}/ got {error.code}; is it the URL of the API?") from None
    except (OSError, ValueError) as error:
        raise CommandError(f"GET {url}/ got no response of the API ({error}).") from None
    if "stage" not in root:
        raise CommandError(f"GET {url}/ got no stage; is it the URL of the API?")
    if "staff" not in root.get("caller", {}).get("roles", ()):
        raise CommandError("The TOKEN is not that of a caller who is staff, who creates products.")
    stage: str = root["stage"]
    return stage
