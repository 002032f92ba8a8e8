"""What clients see when DynamoDB throttles, fails, hangs, or loses an answer."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import boto3
import pytest

from infra import database, local, tables
from tests.client import Answer, Client, Live, to_json
from tests.conftest import PROJECT, free_port
from tests.proxy import ERRORS, Proxy, running_proxy
from tests.samples import unique

# API Gateway gives up at 29 s.
PATIENCE_SECONDS = 20


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """A ministack of its own, behind a proxy."""
    data = database.start(None)
    try:
        with running_proxy(data.port) as running:
            yield running
    finally:
        local.stop(data.process)


@pytest.fixture(scope="module")
def api(proxy: Proxy) -> Iterator[Client]:
    """A live `chalice local` whose DynamoDB is the proxy."""
    variables = local.environment(proxy.url)
    client = boto3.session.Session(
        aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1"
    ).client("dynamodb", endpoint_url=proxy.url)
    tables.create_missing(client)
    port = free_port()
    with subprocess.Popen(
        local.command(port, "--no-autoreload"),
        cwd=PROJECT,
        env=variables,
        stdout=subprocess.DEVNULL,
    ) as server:
        try:
            while not local.answers(port):
                assert server.poll() is None
            yield Client(Live(port))
        finally:
            local.stop(server)


@pytest.fixture(autouse=True)
def healthy(proxy: Proxy) -> Iterator[None]:
    """Each test ends with a database that answers."""
    yield
    proxy.heal()


def send(api: Client, method: str, path: str, body: Any) -> tuple[Answer, float]:
    """Send a request that may be answered with 503. Returns the answer and its seconds."""
    started = monotonic()
    sent = to_json(body) if body is not None else b""
    answer = api.house.send(method, path, {"Content-Type": "application/json"}, sent)
    return answer, monotonic() - started


@pytest.mark.parametrize("way", [*ERRORS, "hang", "reset"])
def test_a_database_that_is_away_is_a_503(api: Client, proxy: Proxy, way: str) -> None:
    """Every call gets 503 with Retry-After, in time, and nothing has changed."""
    item = api.create("/todos", {"id": unique(), "task": "Dust"})
    place, other = f"/todos/{item['id']}", f"/todos/{unique()}"
    requests = [
        ("GET", place, None),
        ("GET", "/todos", None),
        ("GET", "/todos?status=pending", None),
        ("POST", "/todos", {"id": other.rpartition("/")[2], "task": "Sweep"}),
        ("PUT", place, {"task": "Sweep"}),
        ("PATCH", place, {"task": "Sweep"}),
        ("DELETE", place, None),
    ]
    proxy.misbehave(way)

    with ThreadPoolExecutor(len(requests)) as pool:
        answers = list(pool.map(lambda request: send(api, *request), requests))

    for (answer, seconds), request in zip(answers, requests, strict=True):
        assert answer.status == 503, request
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.json["detail"].startswith("The database is busy or away.")
        assert seconds < PATIENCE_SECONDS
        assert not any(word in answer.body for word in (b"storefront-", b"Exception", b"Error"))
    # Bounded: no call was tried more than three times.
    assert len(requests) <= proxy.seen <= 3 * len(requests)
    proxy.heal()
    assert api.get(place).json == item
    assert api.get(other).status == 404
    assert api.get("/health").status == 200


@pytest.mark.parametrize("way", [*ERRORS, "reset", "lose"])
def test_a_short_fault_is_not_seen(api: Client, proxy: Proxy, way: str) -> None:
    """One failed attempt is tried again, also where the lost answer was that of a write."""
    key = unique()
    place = f"/todos/{key}"

    def once(method: str, path: str, body: Any = None) -> Answer:
        proxy.misbehave(way, count=1)
        return send(api, method, path, body)[0]

    created = once("POST", "/todos", {"id": key, "task": "Dust"})
    assert (created.status, created.json["task"]) == (201, "Dust")
    assert once("GET", place).body == created.body
    replaced = once("PUT", place, {"task": "Sweep"})
    assert (replaced.status, replaced.json["task"]) == (200, "Sweep")
    assert api.get(place).body == replaced.body
    patched = once("PATCH", place, {"status": "done"})
    assert patched.json == replaced.json | {
        "status": "done",
        "updatedAt": patched.json["updatedAt"],
        "etag": patched.json["etag"],
    }
    assert once("GET", "/todos?limit=1").status == 200
    assert once("DELETE", place).status == 204
    assert api.get(place).status == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_conditional_write_whose_answer_was_lost_has_succeeded(
    api: Client, proxy: Proxy, method: str
) -> None:
    """The second attempt finds the etag that the first one wrote: that is no conflict."""
    item = api.create("/todos", {"task": "Dust"})
    proxy.misbehave("lose", count=1)

    answer = api.request(method, f"/todos/{item['id']}", {"task": "Sweep"}, If_Match=item["etag"])

    assert (answer.status, answer.json["task"]) == (200, "Sweep")
    assert api.get(f"/todos/{item['id']}").body == answer.body


def test_a_taken_key_stays_taken_when_answers_are_lost(api: Client, proxy: Proxy) -> None:
    """A create that meets another's item is a 409, retried or not."""
    item = api.create("/todos", {"task": "Dust"})
    proxy.misbehave("lose", count=1)

    assert api.post("/todos", {"id": item["id"], "task": "Sweep"}).status == 409
    assert api.get(f"/todos/{item['id']}").json == item


def test_writes_whose_answers_are_all_lost_are_whole_or_absent(api: Client, proxy: Proxy) -> None:
    """503 may hide a write that happened, never half of one."""
    key = unique()
    proxy.misbehave("lose")
    answer, _ = send(api, "POST", "/todos", {"id": key, "task": "Dust", "status": "done"})
    proxy.heal()

    assert answer.status == 503
    item = api.get(f"/todos/{key}").json
    assert (item["task"], item["status"]) == ("Dust", "done")
    assert item["id"] in [each["id"] for each in api.walk("/todos", {"status": "done"})]
