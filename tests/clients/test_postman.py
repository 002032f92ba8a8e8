"""Postman: what its own converter makes of the OpenAPI document can be sent."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.http.api import OPENAPI_FILE
from tests.client import Client, Live
from tests.conftest import SHELL
from tests.samples import SAMPLES

PACKAGES = ("openapi-to-postmanv2@6.3.3", "newman@6.2.2")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of Postman's commands."""
    folder = tmp_path_factory.mktemp("postman")
    options = ("--silent", "--no-audit", "--no-fund", "--prefix")
    subprocess.run(["npm", "install", *options, folder, *PACKAGES], env=SHELL, check=True)
    return folder / "node_modules" / ".bin"


def requests(folder: Any) -> Iterator[Any]:
    """The requests of a collection, whose folders are those of the paths."""
    for each in folder["item"]:
        yield from requests(each) if "item" in each else [each["request"]]


@pytest.mark.timeout(180)
def test_newman_runs_the_converted_document(tools: Path, live: Client, tmp_path: Path) -> None:
    """Each operation is a request, and its response is one that the document describes."""
    file, report = tmp_path / "collection.json", tmp_path / "report.json"
    options = ("-O", "folderStrategy=Paths,parametersResolution=Example")
    command: list[str | Path] = [
        tools / "openapi2postmanv2",
        "-s",
        OPENAPI_FILE,
        "-o",
        file,
        *options,
    ]
    subprocess.run(command, env=SHELL, check=True, capture_output=True)
    collection = json.loads(file.read_text())
    keys = {each.path: live.create(each.path, each.full())[each.key] for each in SAMPLES}
    for request in requests(collection):
        request.pop("auth", None)
        for variable in request["url"].get("variable", []):
            variable["value"] = keys[f"/{request['url']['path'][0]}"]
        # What is not required has values that are of the right form, and of no item.
        own = ("If-Match", "If-None-Match", "Idempotency-Key")
        request["header"] = [each for each in request["header"] if each["key"] not in own]
        query = request["url"].get("query", [])
        request["url"]["query"] = [
            each for each in query if each["description"]["content"].startswith("(Required)")
        ]
    deployment = live.deployment
    assert isinstance(deployment, Live)
    token = (live.authorization or "").removeprefix("Bearer ")
    collection["auth"] = {"type": "bearer", "bearer": [{"key": "token", "value": token}]}
    file.write_text(json.dumps(collection))

    subprocess.run(
        [
            *(tools / "newman", "run", file, "--reporters", "json"),
            *("--env-var", f"baseUrl=http://{deployment.netloc}"),
            *("--reporter-json-export", report),
        ],
        env=SHELL,
        check=True,
    )

    document = json.loads(OPENAPI_FILE.read_text())
    described = {
        operation["summary"]: operation["responses"]
        for operations in document["paths"].values()
        for operation in operations.values()
    }
    run = json.loads(report.read_text())["run"]
    statuses = {each["item"]["name"]: each["response"]["code"] for each in run["executions"]}
    assert run["failures"] == []
    assert statuses.keys() == described.keys()
    wrong = {
        name: status for name, status in statuses.items() if str(status) not in described[name]
    }
    assert wrong == {}
    assert {name: status for name, status in statuses.items() if status >= 500} == {}
    assert sum(status < 300 for status in statuses.values()) > len(described) / 2
