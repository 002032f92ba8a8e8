"""Nothing that a client was told is undone, whatever happens to the calls to DynamoDB.

Eight clients write and read few items while responses of DynamoDB are lost, connections are reset,
and the API is killed. For each item, some order of all operations must explain every response.

    OPERATIONS=10000 .venv/bin/python -m pytest -s tests/system/test_linearizability.py
"""

import os
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPException
from time import monotonic
from typing import Any

import pytest

from infra.data import tables
from infra.local import run
from tests import sign_in
from tests.client import Client, Live, Response
from tests.conftest import PROJECT, client_of, free_port
from tests.linearizability import NEVER, Operation, State, apply, violation
from tests.processes import eventually
from tests.proxy import Proxy
from tests.samples import unique

OPERATIONS = int(os.environ.get("OPERATIONS", "1600"))
CLIENTS = 8
KEYS = 4
# Each round has new keys, so that no history has too many operations of unknown outcome.
OPERATIONS_OF_ROUND = 400
LOST_SHARE = 0.04
METHODS = ("GET", "GET", "POST", "PUT", "PATCH", "PATCH", "DELETE")


class Server:
    """The API, which can be killed, on a port that stays."""

    def __init__(self, proxy: Proxy) -> None:
        self.port = free_port()
        # The streams are read past the proxy.
        streams = {"AWS_ENDPOINT_URL_DYNAMODB_STREAMS": f"http://127.0.0.1:{proxy.target}"}
        self.variables = run.environment(proxy.url) | sign_in.VARIABLES | streams
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the API, and wait until it accepts connections."""
        self.process = subprocess.Popen(
            run.command(self.port),
            cwd=PROJECT,
            env=self.variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        eventually(lambda: run.is_listening(self.port))

    def stop(self, *, kill: bool = False) -> None:
        """End the API's process."""
        if self.process:
            if kill:
                self.process.kill()
            run.stop(self.process)


@pytest.fixture
def server(proxy: Proxy) -> Iterator[Server]:
    """The API behind a proxy of its database."""
    tables.create_local(client_of(proxy.url))
    running = Server(proxy)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.mark.timeout(600)
def test_histories_with_lost_responses_are_linearizable(proxy: Proxy, server: Server) -> None:
    """4 % of DynamoDB's responses are lost or connections reset; the API is killed twice."""
    rounds = OPERATIONS // OPERATIONS_OF_ROUND
    killed = random.sample(range(rounds), 2)
    statuses: Counter[Any] = Counter()
    for number in range(rounds):
        keys = [unique() for _ in range(KEYS)]
        act = (lambda: restart(server)) if number in killed else None
        with proxy.losing(LOST_SHARE):
            history = recorded(server.port, keys, act)
        statuses.update((each.method, each.status) for _, each in history)
        for key in keys:
            operations = [each for name, each in history if name == key]
            assert violation(operations) is None

    print(f"{statuses.total()} operations: {sorted(statuses.items(), key=str)}")
    # What the clients met: successes, refusals, and outcomes that are not known.
    wanted: set[tuple[str, int | None]] = {("POST", 201), ("POST", 409), ("PATCH", 200)}
    wanted |= {("PATCH", 404), ("PATCH", 412), ("PUT", 200), ("DELETE", 204), ("GET", 200)}
    wanted |= {("PATCH", None), ("DELETE", None)}
    assert wanted <= statuses.keys()


def restart(server: Server) -> None:
    """Kill the API, and start it again."""
    server.stop(kill=True)
    server.start()


def recorded(
    port: int, keys: list[str], act: Callable[[], None] | None
) -> list[tuple[str, Operation]]:
    """The operations of all clients, each with its key, while `act` is called."""
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        running = [
            pool.submit(recorded_by_one, port, keys, OPERATIONS_OF_ROUND // CLIENTS)
            for _ in range(CLIENTS)
        ]
        if act:
            act()
        return [each for client in running for each in client.result()]


def recorded_by_one(port: int, keys: list[str], count: int) -> list[tuple[str, Operation]]:
    """The operations of one client, which uses etags that it has seen."""
    api = Client(Live(f"http://127.0.0.1:{port}"), sign_in.staff())
    chance = random.Random()
    etags: dict[str, str] = {}
    operations = []
    for _ in range(count):
        key, method = chance.choice(keys), chance.choice(METHODS)
        body = {"task": unique()} if method in ("POST", "PUT") else {}
        if method == "PATCH":
            body = chance.choice(
                [{"task": unique()}, {"status": chance.choice(["done", "pending"])}]
            )
        conditional = (
            method in ("PUT", "PATCH", "DELETE") and key in etags and chance.random() < 0.5
        )
        if_match = etags[key] if conditional else None
        begin = monotonic()
        response = sent(api, method, key, body, if_match)
        end = monotonic()
        assert response is None or response.status < 500 or response.status == 503, response.body
        item = response.json if response and response.status in (200, 201) else {}
        if item:
            etags[key] = item["etag"]
        operation = Operation(
            method=method,
            # A PUT, like a POST, resets what it does not name.
            body=fields_of(body if method == "PATCH" else {"status": "pending", **body}),
            if_match=if_match,
            status=response.status if response and response.status != 503 else None,
            etag=item.get("etag"),
            fields=fields_of(item),
            begin=begin,
            end=end,
        )
        if method != "GET" or operation.is_known:
            operations.append((key, operation))
    return operations


def sent(
    api: Client, method: str, key: str, body: dict[str, Any], if_match: str | None
) -> Response | None:
    """The response to a request, or None if the connection broke."""
    path = "/todos" if method == "POST" else f"/todos/{key}"
    headers = {"If_Match": if_match} if if_match else {}
    payload = {"id": key, **body} if method == "POST" else body or None
    while True:
        try:
            return api.send(method, path, payload, **headers)
        except ConnectionRefusedError:
            # Nothing was sent: the API is restarting.
            eventually(lambda: run.is_listening(port_of(api)))
        except (OSError, HTTPException):
            return None


def port_of(api: Client) -> int:
    """The port of a live API."""
    deployment = api.deployment
    assert isinstance(deployment, Live)
    return int(deployment.port or 0)


def fields_of(values: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """The fields of a todo that the check compares."""
    return tuple(sorted((n, value) for n, value in values.items() if n in ("task", "status")))


# One item that two clients write, as the check sees it.
CREATED = Operation(
    method="POST",
    body=(("task", "Dust"),),
    if_match=None,
    status=201,
    etag='"1"',
    fields=(("task", "Dust"),),
    begin=0,
    end=1,
)
PATCHED = replace(
    CREATED, method="PATCH", body=(("task", "Sweep"),), status=200, etag='"2"', begin=2, end=9
)
PATCHED = replace(PATCHED, fields=PATCHED.body)
OTHER = replace(PATCHED, body=(("task", "Mop"),), fields=(("task", "Mop"),), etag='"3"')
OTHER = replace(OTHER, begin=4, end=5)
READ = replace(OTHER, method="GET", body=(), begin=6, end=7)


def test_check_accepts_what_one_order_explains() -> None:
    """Two patches at the same time, and a read of the second; a patch that may have been made."""
    assert violation([CREATED, PATCHED, OTHER, READ]) is None
    lost = replace(PATCHED, status=None)
    assert violation([CREATED, lost, OTHER, READ]) is None
    read = replace(READ, fields=PATCHED.fields, etag='"2"', begin=11, end=12)
    assert violation([CREATED, OTHER, READ, lost, read]) is None
    assert apply(replace(lost, if_match='"1"'), 7, State(7, ())) == (False, State(7, ()))


def test_check_refuses_a_write_that_is_undone() -> None:
    """A patch that is seen, overwritten by a confirmed one, and seen again."""
    first = replace(READ, fields=PATCHED.fields, etag='"2"', begin=3, end=3.5)
    again = replace(first, begin=10, end=11)
    assert violation([CREATED, PATCHED, first, OTHER, READ]) is None
    assert violation([CREATED, PATCHED, first, OTHER, READ, again]) is not None
    lost = replace(PATCHED, status=None, end=NEVER)
    assert violation([CREATED, lost, first, OTHER, READ, again]) is not None


@pytest.mark.parametrize("status", [404, 409, 412])
def test_check_refuses_a_refusal_that_is_not_true(status: int) -> None:
    """404 of an item that is there, 412 of the etag that it has, 409 of a key that is free."""
    refused = replace(PATCHED, if_match='"1"', status=status, etag=None, fields=())
    if status == 409:
        refused = replace(CREATED, status=409, etag=None, fields=(), begin=-2, end=-1)
    assert violation([CREATED, refused]) is not None
