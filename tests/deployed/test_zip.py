"""The zip itself, run by the client that runs it on Lambda."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import stages
from infra.aws import tables
from infra.local import database, run
from tests.client import Client, Live
from tests.conftest import client_of
from tests.deployed.conftest import CLEAN, Account, contract
from tests.deployed.gateway import running_zip


@pytest.fixture(scope="module")
def url(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of the zip of dev, on tables of its own."""
    account.make("package", "STAGE=dev")
    data = database.start(None)
    try:
        clients = tables.Clients(client_of(data.url))
        for step in tables.plan(stages.load("dev"), clients):
            step.act()
        environment = CLEAN | run.environment(data.url)
        package = account.project / "dist" / "dev"
        with running_zip(package, tmp_path_factory.mktemp("zip"), environment) as served:
            yield served
    finally:
        run.stop(data.process)


@pytest.mark.timeout(300)
def test_the_contract_holds_for_the_zip(
    url: str, record_property: Callable[[str, Any], None]
) -> None:
    """What is uploaded is what answers."""
    record_property("contract, the zip under awslambdaric", contract(url, "dev"))


def test_it_runs_from_the_zip_with_its_compiled_modules(url: str, tmp_path: Path) -> None:
    """It is the packed code that answers, as the stage that it was packed for."""
    assert Client(Live(url, "dev")).get("/").json["stage"] == "dev"
