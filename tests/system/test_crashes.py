"""Exactly once, when processes are killed and answers are lost."""

import json
import subprocess
import sys
from http.client import RemoteDisconnected
from typing import Any

import pytest

from infra.data import tables
from infra.data.claims_check import check
from infra.local import database, run
from tests.client import Client, Live
from tests.conftest import PROJECT, Local, client_of
from tests.proxy import Proxy, running_proxy
from tests.samples import Sample, unique
from tests.system.crashes import POINTS

MOMENTS = 60


@pytest.mark.timeout(120)
def test_killed_create_is_done_once_by_its_retry() -> None:
    """SIGKILL at each point and at 60 random moments: the retry with the key ends with one user.

    The user, its claims and the record are all there or none is; which of them, the retry tells:
    it is a replay exactly if the killed process had created the user.
    """
    data = database.start(None)
    try:
        variables = run.environment(data.url) | {"OIDC_ISSUER": "none"}
        tables.create_local(client_of(data.url))
        output = subprocess.run(
            [sys.executable, "-m", "tests.system.crashes", str(MOMENTS)],
            cwd=PROJECT,
            env=variables,
            capture_output=True,
            text=True,
            check=True,
        )
        outcomes = [json.loads(line) for line in output.stdout.splitlines()]
        client = client_of(data.url)
        users = scan(client, "storefront-local-users")
        disagreements = list(check(client))
    finally:
        run.stop(data.process)

    assert len(outcomes) == len(POINTS) + MOMENTS
    assert {each["status"] for each in outcomes} == {201}
    assert sorted(each["email"] for each in outcomes) == sorted(u["email"]["S"] for u in users)
    assert {each["user"] for each in outcomes} == {user["userId"]["S"] for user in users}
    assert disagreements == []
    at_points = {each["at"]: each["replayed"] for each in outcomes if each["at"] in POINTS}
    assert at_points == {point: point in POINTS[-2:] for point in POINTS}
    assert all(each["killed"] for each in outcomes)
    at_moments = {each["replayed"] for each in outcomes if each["at"] == "sometime"}
    assert at_moments == {True, False}


@pytest.fixture(scope="module")
def lossy(local: Local) -> Any:
    """The API behind a proxy that can lose its answers, and the proxy."""
    with running_proxy(local.port) as proxy:
        through = Live(f"http://127.0.0.1:{proxy.server_address[1]}")
        yield Client(through, local.header), proxy, local.api


def lose(lossy: tuple[Client, Proxy, Client], path: str, body: Any, **headers: str) -> None:
    """Send a request that is fulfilled, and whose answer does not arrive."""
    api, proxy, _ = lossy
    with proxy.misbehaving("lose", count=1), pytest.raises((ConnectionError, RemoteDisconnected)):
        api.post(path, body, **headers)


def test_retry_after_a_lost_response_is_a_replay(lossy: Any, sample: Sample) -> None:
    """With the key, the client gets the lost response, and one item exists."""
    api, _, direct = lossy
    key, chosen = unique(), unique()
    body = sample.full() | {sample.key: chosen}
    lose(lossy, sample.path, body, Idempotency_Key=key)

    response = api.post(sample.path, body, Idempotency_Key=key)

    assert (response.status, response.headers["idempotency-replayed"]) == (201, "true")
    assert direct.get(f"{sample.path}/{chosen}").body == response.body


def test_retry_without_a_key_creates_a_duplicate(lossy: Any) -> None:
    """Without a key, the API cannot tell a retry from a second request."""
    api, _, direct = lossy
    task = unique()
    lose(lossy, "/todos", {"task": task})

    assert api.post("/todos", {"task": task}).status == 201
    tasks = [item["task"] for item in direct.walk("/todos", {"limit": 100})]
    assert tasks.count(task) == 2


def scan(client: Any, table: str) -> list[Any]:
    """All the items of a table."""
    return [
        item
        for page in client.get_paginator("scan").paginate(TableName=table)
        for item in page["Items"]
    ]
