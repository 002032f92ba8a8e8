"""The Init phase on Lambda: what is done before the first request."""

import json
import os
import subprocess
import sys
from typing import Any, NamedTuple

import pytest

from tests.conftest import PROJECT, free_port
from tests.deployed.gateway import QuietHandler, serving
from tests.proxy import running_proxy

LAMBDA = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}
INIT = """
import gc, sys, time
seen = []
def note(phase, info):
    # Once the SDK is being imported, and until all is.
    if phase == "start" and "botocore" in sys.modules and not gc.get_freeze_count():
        seen.append(info)
gc.callbacks.append(note)
began = time.monotonic()
import app
seconds = time.monotonic() - began
print(seconds, len(seen), gc.isenabled(), gc.get_freeze_count() > 10_000)
"""
REQUEST = """
from chalicelib.storage import dynamodb
dynamodb.get(TableName="t", Key={"id": {"S": "k"}})
"""


class Init(NamedTuple):
    """The duration of the Init phase in seconds, and the state of the garbage collector."""

    seconds: float
    collections: int
    enabled: bool
    frozen: bool


def run(code: str, port: int, **variables: str) -> Init:
    """Run the Init phase in a new process."""
    environment = {
        "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{port}",
        "STAGE": "dev",
        "OIDC_ISSUER": "none",
    }
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=os.environ | environment | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    return Init(*(json.loads(each.lower()) for each in result.stdout.split()))


@pytest.mark.parametrize("variables", [{}, LAMBDA])
def test_no_garbage_collection_during_imports(variables: dict[str, str]) -> None:
    """The collector is off during the imports, then on, with all objects frozen."""
    init = run(INIT, free_port(), **variables)

    assert init.collections == 0
    assert init.enabled
    assert init.frozen


def test_first_request_reuses_the_connection() -> None:
    """Opened in the Init phase by a read of one item that is not there, and kept."""
    connections: list[Any] = []
    requests: list[Any] = []

    class DynamoDB(QuietHandler):
        def setup(self) -> None:
            super().setup()
            connections.append(self.client_address)

        def do_POST(self) -> None:  # noqa: N802, http.server's
            requests.append((self.headers["X-Amz-Target"], json.loads(self.read())))
            self.reply(200, {"Content-Type": "application/x-amz-json-1.0"}, b"{}")

    with serving(DynamoDB) as port:
        run(INIT + REQUEST, port, **LAMBDA)

    assert len(connections) == 1
    measured = {"ReturnConsumedCapacity": "TOTAL"}
    assert requests == [
        (
            "DynamoDB_20120810.GetItem",
            {"TableName": "storefront-dev-claims", "Key": {"id": {"S": "init"}}} | measured,
        ),
        ("DynamoDB_20120810.GetItem", {"TableName": "t", "Key": {"id": {"S": "k"}}} | measured),
    ]


def test_no_call_outside_lambda() -> None:
    """`chalice package` and tests import the app too."""
    with running_proxy(free_port()) as proxy, proxy.misbehaving("fail"):
        run(INIT, proxy.server_address[1])

        assert proxy.seen == 0


@pytest.mark.parametrize("way", ["hang", "reset", "fail", "throttle"])
def test_unreachable_database_does_not_delay_the_init_phase(way: str) -> None:
    """Requests report it: Lambda limits the Init phase to 10 seconds."""
    with running_proxy(free_port()) as proxy, proxy.misbehaving(way):
        init = run(INIT, proxy.server_address[1], **LAMBDA)

        assert proxy.seen >= 1
    assert init.seconds < 5
    assert init.enabled
    assert init.frozen
