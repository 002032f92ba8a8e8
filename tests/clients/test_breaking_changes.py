"""Changes of the API that break clients of the latest release, found by api-smart-diff from npm.

The documents are chalicelib/openapi.json of the release, which has a git tag, and of now.
"""

import copy
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chalicelib.http.api import OPENAPI_FILE
from tests.conftest import PROJECT, SHELL

PACKAGE = "api-smart-diff@1.0.6"
Change = Callable[[Any], Any]


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script, with the package that it needs."""
    folder = tmp_path_factory.mktemp("diff")
    output("npm", "install", "--silent", "--no-audit", "--no-fund", PACKAGE, cwd=folder)
    shutil.copy(Path(__file__).with_name("breaking.mjs"), folder)
    return folder


def breaking(tool: Path, before: Any, after: Any) -> list[str]:
    """The changes of a document that break the clients that were written for it."""
    files = [tool / "before.json", tool / "after.json"]
    for file, document in zip(files, (before, after), strict=True):
        file.write_text(json.dumps(document))
    return output("node", "breaking.mjs", *files, cwd=tool).splitlines()


def output(*command: str | Path, cwd: Path = PROJECT) -> str:
    """What a command prints."""
    result = subprocess.run(command, cwd=cwd, env=SHELL, capture_output=True, text=True, check=True)
    return result.stdout


def test_no_change_since_the_release_breaks_clients(tool: Path) -> None:
    """An incompatible document needs a new major version, which a tag with it is."""
    current = json.loads(OPENAPI_FILE.read_text())
    major = current["info"]["version"].partition(".")[0]
    tags = output("git", "tag", "--list", f"v{major}.*", "--sort=-version:refname").split()
    for tag in tags[:1]:
        released = json.loads(output("git", "show", f"{tag}:chalicelib/openapi.json"))
        assert breaking(tool, released, current) == []


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
    document = json.loads(OPENAPI_FILE.read_text())
    changed = copy.deepcopy(document)
    change(changed)

    assert breaking(tool, document, changed) != []


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_compatible_changes_are_allowed(tool: Path, change: Change) -> None:
    """Nobody is stopped from adding."""
    document = json.loads(OPENAPI_FILE.read_text())
    changed = copy.deepcopy(document)
    change(changed)

    assert breaking(tool, document, changed) == []
