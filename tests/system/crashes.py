"""Creates whose process is killed, each followed by a retry: a program, run by test_crashes.py.

It takes the number of creates killed at random moments. For each, and for each point of a call to
DynamoDB, it prints a JSON line: the email of the user to be created, how the first process ended,
and what the retry under the same Idempotency-Key was answered with.

Each create is a process of its own, forked from this one, which has loaded the app but has not
used its client: no connection is shared.
"""

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from app import app
from chalicelib.storage import dynamodb
from tests.client import Client, InProcess

POINTS = (
    "provide-client-params.dynamodb",
    "before-call.dynamodb",
    "request-created.dynamodb",
    "before-send.dynamodb",
    "response-received.dynamodb",
    "after-call.dynamodb",
)


def create(email: str, key: str) -> dict[str, Any]:
    """Create a user. Returns the response's members."""
    with redirect_stdout(StringIO()):
        response = Client(InProcess(app)).send(
            "POST", "/users", {"name": "Ada", "email": email}, Idempotency_Key=key
        )
    replayed = "idempotency-replayed" in response.headers
    return {"status": response.status, "replayed": replayed, "user": response.json.get("userId")}


def kill_myself(**_: Any) -> None:
    """SIGKILL: nothing can be tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at(point: str) -> Callable[[str, str], bool]:
    """A create that is killed at a point of botocore's call."""

    def run(email: str, key: str) -> bool:
        child = os.fork()
        if child == 0:
            dynamodb.client.meta.events.register(point, kill_myself)
            create(email, key)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

    return run


def killed_within(seconds: float) -> Callable[[str, str], bool]:
    """A create that is killed at a random moment before `seconds` have passed."""

    def run(email: str, key: str) -> bool:
        child = os.fork()
        if child == 0:
            create(email, key)
            # Once the create has ended, only its answer can be lost.
            signal.pause()
        sleep(random.uniform(0, seconds))
        os.kill(child, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

    return run


def main() -> None:
    """Run the creates and their retries."""
    seconds = 0.0
    for name in (*POINTS, *["sometime"] * int(sys.argv[1])):
        email, key = f"{uuid4()}@shop.example", str(uuid4())
        # Twice the duration of a whole create on this machine: half are killed before their end.
        attempt = killed_at(name) if name in POINTS else killed_within(2 * seconds)
        killed = attempt(email, key)
        began = monotonic()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, json.dumps(create(email, key)).encode())
            os._exit(0)
        os.waitpid(child, 0)
        retry = json.loads(os.read(reader, 65536))
        if not retry["replayed"]:
            seconds = monotonic() - began
        os.close(reader)
        os.close(writer)
        print(json.dumps({"at": name, "email": email, "killed": killed, **retry}), flush=True)


if __name__ == "__main__":
    main()
