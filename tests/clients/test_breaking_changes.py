"""Changes of the API that break clients, found by api-smart-diff from npm."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.docs import openapi
from tests.conftest import PROJECT, SHELL

Change = Callable[[Any], Any]


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script, installed with what it needs."""
    folder = tmp_path_factory.mktemp("diff") / "tool"
    shutil.copytree(
        PROJECT / "tests" / "clients" / "openapi_diff",
        folder,
        ignore=shutil.ignore_patterns("node_modules"),
    )
    subprocess.run(
        ["npm", "ci", "--silent", "--no-audit", "--no-fund"],
        cwd=folder,
        env=SHELL,
        check=True,
        capture_output=True,
    )
    return folder


def breaking(tool: Path, served: Any) -> list[str]:
    """The changes of another document that break clients of the released one."""
    file = tool / "served.json"
    file.write_text(json.dumps(served))
    result = subprocess.run(
        ["node", "breaking.js", openapi.RELEASED, file],
        cwd=tool,
        env=SHELL,
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.splitlines()


def test_no_change_since_the_release_breaks_clients(tool: Path) -> None:
    """docs/openapi-released.json is the document that clients were written for."""
    assert breaking(tool, json.loads(openapi.text())) == []


BREAKING: dict[str, Change] = {
    "an operation goes": lambda d: d["paths"]["/todos/{key}"].pop("delete"),
    "a field of an answer goes": lambda d: d["components"]["schemas"]["Todo"]["properties"].pop(
        "task"
    ),
    "a field must be sent": lambda d: d["components"]["schemas"]["NewReview"]["required"].append(
        "rating"
    ),
    "a field may no longer be sent": lambda d: d["components"]["schemas"]["NewReview"][
        "properties"
    ].pop("rating"),
    "a bound is narrower": lambda d: d["components"]["schemas"]["NewTodo"]["properties"][
        "task"
    ].update(maxLength=100),
    "a field has another type": lambda d: d["components"]["schemas"]["Product"]["properties"][
        "price"
    ].update(type="string"),
}
HARMLESS: dict[str, Change] = {
    "an operation comes": lambda d: d["paths"].update({"/orders": d["paths"]["/todos"]}),
    "a field may be sent": lambda d: d["components"]["schemas"]["NewTodo"]["properties"].update(
        colour={"type": "string"}
    ),
    "an answer has a field more": lambda d: d["components"]["schemas"]["Todo"]["properties"].update(
        colour={"type": "string"}
    ),
    "a bound is wider": lambda d: d["components"]["schemas"]["NewTodo"]["properties"][
        "task"
    ].update(maxLength=900),
    "other words": lambda d: d["info"].update(description="Another."),
}


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING)
def test_breaking_changes_are_found(tool: Path, change: Change) -> None:
    """The comparison can fail, for each kind of change that it is there for."""
    document = json.loads(openapi.RELEASED.read_text())
    change(document)

    assert breaking(tool, document) != []


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_compatible_changes_are_allowed(tool: Path, change: Change) -> None:
    """Nobody is stopped from adding."""
    document = json.loads(openapi.RELEASED.read_text())
    change(document)

    assert breaking(tool, document) == []
