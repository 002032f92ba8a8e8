"""Change events under load: a consumer that is killed, and a bus that refuses for a while."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from time import monotonic
from typing import Any

import pytest
from botocore.session import get_session

from infra.data import tables
from infra.local import database, events, run
from tests.conftest import PROJECT, client_of
from tests.processes import eventually

CHANGES, KEYS, KILLS = 1_000, 40, 3
REFUSING_SECONDS = 10
TABLE = "storefront-local-products"


class Bus(ThreadingHTTPServer):
    """EventBridge, which refuses all requests until `refusing`, and keeps the events."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.refusing = 0.0
        self.refused = 0
        self.events: list[dict[str, Any]] = []
        self.lock = Lock()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Consumers are killed."""


class Handler(BaseHTTPRequestHandler):
    """PutEvents."""

    server: Bus

    def do_POST(self) -> None:
        """Refuse, or accept all entries."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        refuses = monotonic() < self.server.refusing
        with self.server.lock:
            if refuses:
                self.server.refused += 1
            else:
                self.server.events += [json.loads(each["Detail"]) for each in body["Entries"]]
        response = {"Entries": [{"EventId": "e"} for _ in body["Entries"]], "FailedEntryCount": 0}
        content = json.dumps({"__type": "InternalFailure"} if refuses else response).encode()
        self.send_response(500 if refuses else 200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def bus() -> Iterator[Bus]:
    """A bus on a free port."""
    made = Bus()
    Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def data() -> Iterator[database.Database]:
    """A new database with streams, and the tables of the stage `local`."""
    made = database.start(None)
    try:
        tables.create_local(client_of(made.url))
        yield made
    finally:
        run.stop(made.process)


def change_items(client: Any, keys: range, count: int) -> None:
    """Put and delete items, each of which has at most one writer. `updatedAt` counts up."""
    chosen = random.Random(keys.start)
    for number in range(count):
        key = {"S": f"p{chosen.choice(keys)}"}
        row = {
            "id": key,
            "name": {"S": "Cup"},
            "price": {"N": str(number)},
            "etag": {"S": f'"{keys.start}-{number}"'},
            "createdAt": {"S": "2026-11-20T09:30:00.000Z"},
            "updatedAt": {"S": f"{number:06}"},
            "collection": {"S": "products"},
        }
        client.put_item(TableName=TABLE, Item=row)
        if number % 10 == 9:
            client.delete_item(TableName=TABLE, Key={"id": key})


@pytest.mark.timeout(180)
def test_storm(data: database.Database, bus: Bus, tmp_path: Path) -> None:
    """Every change arrives; an id means one change; changes of an item are in order."""
    client = client_of(data.url)
    (arn,) = events.enable(client, [TABLE])
    environment = run.environment(data.url) | {
        "AWS_ENDPOINT_URL_EVENTBRIDGE": bus.url,
        "EVENT_BUS": "storefront-local",
    }
    command = [sys.executable, "-m", "tests.system.event_consumer", arn, str(tmp_path / "done")]

    def consume() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL)

    writers = 4
    share = CHANGES * 10 // 11 // writers
    with ThreadPoolExecutor(writers) as pool:
        work = [
            pool.submit(change_items, client, range(n * KEYS, (n + 1) * KEYS), share)
            for n in range(writers)
        ]
        consumer = consume()
        try:
            for kill in range(1, KILLS + 1):
                wanted = CHANGES * kill // (KILLS + 2)
                wait_for_events(bus, wanted)
                if kill == 1:
                    bus.refusing = monotonic() + REFUSING_SECONDS
                    eventually(lambda: bus.refused > 2)
                os.kill(consumer.pid, signal.SIGKILL)
                consumer.wait()
                consumer = consume()
            for each in work:
                each.result()
            records = all_records(environment, arn)
            ids = {record["eventID"] for record in records}
            eventually(lambda: ids <= {each["id"] for each in list(bus.events)})
        finally:
            consumer.kill()
            consumer.wait()

    assert len(ids) == len(records) == share * writers + share // 10 * writers
    assert {each["id"] for each in bus.events} == ids
    changes: dict[str, dict[str, Any]] = {}
    for event in bus.events:
        assert changes.setdefault(event["id"], event) == event
    assert len(bus.events) >= len(ids)
    for key in {each["subject"] for each in bus.events}:
        first = [each for each in changes.values() if each["subject"] == key]
        times = [each["data"]["item"]["updatedAt"] for each in first]
        assert times == sorted(times)


def wait_for_events(bus: Bus, count: int) -> None:
    """Wait until so many events have come."""
    eventually(lambda: len(bus.events) > count)


def all_records(environment: dict[str, str], arn: str) -> list[dict[str, Any]]:
    """The records of the stream, from its begin."""
    client = get_session().create_client(
        "dynamodbstreams",
        endpoint_url=environment["AWS_ENDPOINT_URL_DYNAMODB_STREAMS"],
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    stream = events.Stream(client, arn, "TRIM_HORIZON")
    records: list[dict[str, Any]] = []
    while page := list(stream.records()):
        records += page
    return records
