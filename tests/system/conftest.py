"""A live API whose database is behind a proxy that can misbehave."""

import subprocess
from collections.abc import Iterator

import pytest

from infra.data import tables
from infra.local import database, run
from tests import sign_in
from tests.client import Client, Live
from tests.conftest import PROJECT, client_of, free_port
from tests.processes import eventually
from tests.proxy import Proxy, running_proxy


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """A new ministack, behind a proxy."""
    data = database.start(None)
    try:
        with running_proxy(data.port) as running:
            yield running
    finally:
        run.stop(data.process)


@pytest.fixture(scope="module")
def faulty(proxy: Proxy) -> Iterator[Client]:
    """A live `chalice local` whose DynamoDB is the proxy. Each module has its own.

    botocore keeps a budget of retries per client, which outages use up.
    """
    # The streams are read past the proxy, which counts the requests of the API.
    streams = {"AWS_ENDPOINT_URL_DYNAMODB_STREAMS": f"http://127.0.0.1:{proxy.target}"}
    variables = run.environment(proxy.url) | sign_in.VARIABLES | streams
    tables.create_local(client_of(proxy.url))
    port = free_port()
    with subprocess.Popen(
        run.command(port),
        cwd=PROJECT,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as server:
        try:
            eventually(lambda: server.poll() is not None or run.is_listening(port))
            assert server.poll() is None
            yield Client(Live(f"http://127.0.0.1:{port}"), sign_in.staff())
        finally:
            run.stop(server)
