"""The Init phase on Lambda: what is done before the first request."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import PROJECT, free_port
from tests.deployed.gateway import Quiet, serving
from tests.proxy import running_proxy

LAMBDA = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}
INIT = """
import gc, time
began = time.monotonic()
import app
print(time.monotonic() - began, gc.isenabled(), gc.get_freeze_count() > 10_000)
"""
REQUEST = """
from chalicelib import dynamodb
dynamodb.get(TableName="t", Key={"id": {"S": "k"}})
"""


def run(code: str, port: int, **variables: str) -> tuple[float, bool, bool]:
    """How long the Init phase took, in seconds, and what is said of the garbage collector."""
    environment = {"AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{port}", "STAGE": "dev"}
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=os.environ | environment | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    seconds, *collector = result.stdout.split()
    enabled, frozen = (json.loads(each.lower()) for each in collector)
    return float(seconds), enabled, frozen


@pytest.mark.parametrize("variables", [{}, LAMBDA])
def test_what_is_imported_is_not_looked_through_for_garbage(variables: dict[str, str]) -> None:
    """The collector is on again, and has put away what there is."""
    _, enabled, frozen = run(INIT, free_port(), **variables)

    assert enabled
    assert frozen


def test_the_first_request_finds_a_connection() -> None:
    """Opened in the Init phase by a read of one item that is not there, and kept."""
    connections: list[Any] = []
    requests: list[Any] = []

    class DynamoDB(Quiet):
        def setup(self) -> None:
            super().setup()
            connections.append(self.client_address)

        def do_POST(self) -> None:  # noqa: N802, http.server's
            requests.append((self.headers["X-Amz-Target"], json.loads(self.read())))
            self.reply(200, {"Content-Type": "application/x-amz-json-1.0"}, b"{}")

    with serving(DynamoDB) as port:
        run(INIT + REQUEST, port, **LAMBDA)

    assert len(connections) == 1
    assert requests == [
        (
            "DynamoDB_20120810.GetItem",
            {"TableName": "storefront-dev-claims", "Key": {"id": {"S": "init"}}},
        ),
        ("DynamoDB_20120810.GetItem", {"TableName": "t", "Key": {"id": {"S": "k"}}}),
    ]


def test_nothing_is_called_where_nothing_runs_on_lambda() -> None:
    """`chalice package` and tests import the app too."""
    with running_proxy(free_port()) as proxy, proxy.misbehaving("fail"):
        run(INIT, proxy.server_address[1])

        assert proxy.seen == 0


@pytest.mark.parametrize("way", ["hang", "reset", "fail", "throttle"])
def test_a_database_that_is_away_holds_nothing_up(way: str) -> None:
    """Requests say that it is, in time: Lambda gives the Init phase 10 seconds."""
    with running_proxy(free_port()) as proxy, proxy.misbehaving(way):
        seconds, enabled, frozen = run(INIT, proxy.server_address[1], **LAMBDA)

        assert proxy.seen >= 1
    assert seconds < 5
    assert enabled
    assert frozen
