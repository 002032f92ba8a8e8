"""docs/adding-a-resource.md, followed to its end while a server runs."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.client import Client
from tests.conftest import OLD_FILES, PROJECT, SHELL, Launch, checkout
from tests.processes import eventually, normalized, run_example

PAGE = (PROJECT / "docs" / "adding-a-resource.md").read_text()
EDIT = (
    r"In `(?P<file>\S+?)`, (?P<place>in place of|before) the line that begins `(?P<line>.+?)`:"
    r"\n\n```python\n(?P<code>.*?)```"
)
STEPS = re.compile(
    rf"{EDIT}|```console\n\$ (?P<command>.+?)\n(?P<printed>.*?)```|```sh\n(?P<make>make .+?)\n```",
    re.DOTALL,
)


def edit(project: Path, name: str, place: str, line: str, code: str) -> None:
    """Make one of the page's changes."""
    file = project / name
    before = file.read_text()
    (found,) = re.findall(rf"^{re.escape(line)}.*\n", before, re.MULTILINE)
    file.write_text(before.replace(found, code if place == "in place of" else f"{code}\n\n{found}"))


def declared_paths(project: Path) -> set[str]:
    """The paths of the routes in app.py."""
    routes = re.findall(r'@(app|v2)\.route\("(.+?)"', (project / "app.py").read_text())
    registered = "register_blueprint" in (project / "app.py").read_text()
    return {
        f"{'/v2' if name == 'v2' else ''}{path}"
        for name, path in routes
        if name == "app" or registered
    }


def served_paths(api: Client) -> set[str]:
    """The paths of the API that runs; empty while it does not run."""
    try:
        return set(api.get("/openapi.json").json["paths"])
    except OSError:
        return set()


def run(project: Path, *command: str) -> None:
    """Run a command in the project, which has to succeed."""
    result = subprocess.run(
        command, cwd=project, env=SHELL, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.timeout(180)
def test_the_page(launch: Launch, tmp_path: Path) -> None:
    """Each command prints what the page shows; lint and the tests of the description pass then."""
    project = checkout(tmp_path / "storefront")
    local = launch(tmp_path / "data", project=project, HEADERS_DIR=".local")
    local.read_until("ready")
    local.forget()
    edits = commands = 0
    for step in STEPS.finditer(PAGE):
        if step["file"]:
            edit(project, step["file"], step["place"], step["line"], step["code"])
            edits += 1
        elif step["command"]:
            eventually(lambda: served_paths(local.api) == declared_paths(project))
            output = run_example(step["command"], local.port, project)
            assert normalized(output) == normalized(step["printed"]), step["command"]
            commands += 1
        else:
            run(project, *step["make"].split(), *OLD_FILES)
    assert (edits, commands) == (PAGE.count("```python"), PAGE.count("```console")) == (8, 8)
    assert local.stop() == 0

    # What mypy knows of the packages is the same here.
    run(project, "make", "lint-python", f"MYPY_CACHE_DIR={PROJECT / '.mypy_cache'}", *OLD_FILES)
    run(project, ".venv/bin/python", "-m", "pytest", "-q", "tests/unit/test_openapi.py")
