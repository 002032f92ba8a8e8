"""The zip itself, run by the client that runs it on Lambda."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from infra import stages
from infra.data import tables
from infra.local import database, run
from tests import sign_in
from tests.conftest import client_of
from tests.deployed.conftest import CLEAN, Account, contract
from tests.deployed.gateway import running_zip
from tests.deployed.templates import REGION


@pytest.fixture(scope="module")
def url(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of dev's zip, on new tables."""
    account.make("package", "STAGE=dev")
    data = database.start(None)
    try:
        for step in tables.plan(stages.load("dev"), client_of(data.url)):
            step.act()
        environment = CLEAN | run.environment(data.url)
        package = account.project / "dist" / "dev"
        with running_zip(package, tmp_path_factory.mktemp("zip"), environment) as served:
            yield served
    finally:
        run.stop(data.process)


@pytest.mark.timeout(300)
def test_contract_of_the_zip(url: str, record_property: Callable[[str, Any], None]) -> None:
    """What is uploaded is what responds; test_stack.py runs the whole contract against a zip."""
    record_property("contract, the zip under awslambdaric", contract(url, sign_in.staff(), "wire"))


def test_zip_runs_its_compiled_modules(account: Account, tmp_path: Path) -> None:
    """Each module of the app is loaded from its `.pyc`: the source is not read, or needed."""
    account.make("package", "STAGE=dev")
    with ZipFile(account.project / "dist" / "dev" / "deployment.zip") as packed:
        packed.extractall(tmp_path)
    sources = [file for file in tmp_path.rglob("*.py") if file.parent.name != "vendor"]
    for source in sources:
        # An unchecked .pyc is not compared with its source: what is in the source does not matter.
        source.write_text("raise SystemExit('compiled at the cold start')")
    code = "import app, sys; print([m for m in sys.modules if m.startswith('chalicelib')])"

    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=CLEAN | {"AWS_DEFAULT_REGION": REGION, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert len(sources) > 30
    assert result.returncode == 0, result.stderr
    assert "chalicelib.storage.collection" in result.stdout
