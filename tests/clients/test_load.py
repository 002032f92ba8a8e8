"""`make load`: against an API whose database ends and comes back, and what it refuses."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest

from infra.data import tables
from infra.local import database, run
from tests import sign_in
from tests.client import Client, Live
from tests.conftest import OLD_FILES, PROJECT, SHELL, client_of, free_port
from tests.processes import eventually
from tests.proxy import Proxy, running_proxy

USERS, SECONDS = 50, 30
TOKEN = sign_in.staff().removeprefix("Bearer ")


class Shop(NamedTuple):
    """A running API, and its database, which is behind a proxy and can be started again."""

    api: Client
    url: str
    proxy: Proxy
    folder: Path
    databases: list[database.Database]

    def restart_database(self) -> None:
        """End the database, wait until the API notices, and start it with the same data."""
        run.stop(self.databases[-1].process)
        eventually(lambda: self.api.send("GET", "/products/x").status == 503)
        self.databases.append(database.start(self.folder))
        self.proxy.target = self.databases[-1].port
        eventually(lambda: self.api.send("GET", "/products/x").status == 404)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A new shop."""
    databases = [database.start(tmp_path)]
    try:
        with running_proxy(databases[0].port) as proxy:
            tables.create_local(client_of(proxy.url))
            port = free_port()
            with subprocess.Popen(
                run.command(port),
                cwd=PROJECT,
                env=run.environment(proxy.url) | sign_in.VARIABLES,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
            ) as server:
                try:
                    eventually(lambda: server.poll() is not None or run.is_listening(port))
                    url = f"http://127.0.0.1:{port}"
                    api = Client(Live(url), sign_in.staff())
                    yield Shop(api, url, proxy, tmp_path, databases)
                finally:
                    run.stop(server)
    finally:
        run.stop(databases[-1].process)


def load(url: str, users: int, seconds: int, **variables: str) -> subprocess.Popen[str]:
    """Start `make load`."""
    given = {"URL": url, "TOKEN": TOKEN, "USERS": str(users), "SECONDS": str(seconds)}
    return subprocess.Popen(
        ["make", "load", *OLD_FILES],
        cwd=PROJECT,
        env=SHELL | given | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def created(shop: Shop) -> list[Any]:
    """The newest products of the load test."""
    response = shop.api.send("GET", "/products?limit=100")
    items = response.json["items"] if response.status == 200 else []
    return [each for each in items if each["name"].startswith("load-")]


@pytest.mark.timeout(180)
def test_nothing_is_lost_or_doubled_while_the_database_restarts(shop: Shop) -> None:
    """Callers get 503 alone; every acknowledged write is there, and none is there twice."""
    with load(shop.url, USERS, SECONDS) as process:
        eventually(lambda: len(created(shop)) > 20)
        for _ in range(2):
            shop.restart_database()
        output, _ = process.communicate()

    assert process.returncode == 0, output
    assert " 0 problems." in output
    assert "status 503" in output
    assert "no answer" not in output
    assert created(shop) == []


@pytest.mark.timeout(120)
def test_lost_write_is_found(shop: Shop) -> None:
    """Somebody else deletes a product, as a fault would."""
    with load(shop.url, 2, 8) as process:
        eventually(lambda: len(created(shop)) > 1)
        lost = created(shop)[-1]["id"]
        assert shop.api.send("DELETE", f"/products/{lost}").status == 204
        output, _ = process.communicate()

    assert process.returncode != 0
    assert f"{lost} was created, and is lost: 404" in output


@pytest.mark.timeout(120)
def test_ctrl_c_ends_it_with_the_check(shop: Shop) -> None:
    """What was written until then is checked, and deleted again."""
    with load(shop.url, 20, 60) as process:
        eventually(lambda: len(created(shop)) > 50)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate()

    assert " 0 problems." in output
    assert created(shop) == []


@pytest.fixture
def prod() -> Iterator[str]:
    """The URL of what says that it is the stage prod."""

    class Root(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {"stage": "prod", "caller": {"subject": "sue", "roles": ["staff"]}}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Root)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_prod_is_refused(prod: str) -> None:
    """A load test there is no accident."""
    with load(prod, 1, 1) as process:
        output, _ = process.communicate()

    assert process.returncode != 0
    assert f"{prod} is the stage prod: its customers would wait, and you would pay." in output


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"URL": ""}, "Name the API and an access token of staff"),
        ({"URL": "shop.example"}, "URL is 'shop.example'; it must begin with http"),
        ({"URL": "http://127.0.0.1:1"}, "GET http://127.0.0.1:1/ got no response of the API"),
        ({"USERS": "many"}, "(env var: 'USERS'): 'many' is not a valid"),
    ],
)
def test_wrong_options(variables: dict[str, str], message: str) -> None:
    """A sentence says what to give."""
    with load("http://127.0.0.1:1", 1, 1, **variables) as process:
        output, _ = process.communicate()

    assert process.returncode != 0
    assert message in output
