"""The Postman collection: equal to the document, and run by newman."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.docs import postman
from tests.client import Client
from tests.conftest import SHELL

NEWMAN = "newman@6.2.2"


def test_committed_collection() -> None:
    """`make postman` has been run since the document changed."""
    assert postman.FILE.read_text() == postman.text()


def test_every_operation_is_in_the_collection(in_process: Client) -> None:
    """Every operation is in the collection, with tests."""
    described = {
        (method.upper(), path.replace("{key}", f"{{{{{path.split('/')[1]}.key}}}}"))
        for path, methods in in_process.get("/openapi.json").json["paths"].items()
        for method in methods
    }
    requests = [
        item for folder in json.loads(postman.FILE.read_text())["item"] for item in folder["item"]
    ]

    assert described == {
        (item["request"]["method"], item["request"]["url"]["raw"].removeprefix("{{baseUrl}}"))
        for item in requests
    }
    assert all("pm.test(" in item["event"][0]["script"]["exec"][0] for item in requests)


@pytest.mark.timeout(180)
def test_newman_runs_it_twice(live: Client, tmp_path: Path) -> None:
    """Every test passes, from top to bottom, also where it has been run before."""
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", tmp_path, NEWMAN],
        env=SHELL,
        check=True,
        capture_output=True,
    )
    deployment: Any = live.deployment
    for _ in range(2):
        result = subprocess.run(
            [
                tmp_path / "node_modules" / ".bin" / "newman",
                *("run", postman.FILE, "--env-var", f"baseUrl=http://{deployment.netloc}"),
                *("--env-var", f"token={(live.authorization or '').removeprefix('Bearer ')}"),
                *("--color", "off", "--disable-unicode"),
            ],
            env=SHELL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout
        (tests,) = re.findall(r"\|\s+assertions \|\s+(\d+) \|\s+0 \|", result.stdout)
        assert int(tests) > 2 * len(json.loads(postman.FILE.read_text())["item"])
