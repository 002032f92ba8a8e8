"""docs/adding-a-resource.md, followed to the letter in a copy of the project."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PROJECT, SHELL, Launch, checkout
from tests.system.test_readme import EXAMPLE, same

PAGE = (PROJECT / "docs" / "adding-a-resource.md").read_text()
EDITS = re.findall(
    r"In `(.+?)`, (?:in place of the line that begins `(.+?)`|at the end):\n\n```python\n(.*?)```",
    PAGE,
    re.DOTALL,
)
EXAMPLES = EXAMPLE.findall(PAGE)
# The tests of what is read off the declarations.
GENERATED = [f"tests/unit/test_{name}.py" for name in ("openapi", "policy", "schema")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with what the page says in it."""
    copy = checkout(tmp_path_factory.mktemp("orders") / "storefront")
    for name, line, code in EDITS:
        file = copy / name
        before = file.read_text()
        after = re.sub(rf"^{re.escape(line)}.*\n", lambda _, c=code: c, before, flags=re.MULTILINE)
        file.write_text(after if line else before + code)
        assert file.read_text() != before
    (command,) = re.findall(r"```sh\n(make .+?)\n```", PAGE)
    make(copy, *command.split()[1:])
    return copy


def make(project: Path, *targets: str) -> None:
    """Run make there, with the packages that are installed here."""
    result = subprocess.run(
        ["make", *targets, "--old-file=.venv/installed"],
        cwd=project,
        env=SHELL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_it_takes_under_thirty_lines() -> None:
    """Lines that are added: not those that are changed, empty, or only close a bracket."""
    added = [
        line
        for _, changed, code in EDITS
        for line in code.splitlines()
        if line.strip(" ()") and not (changed and line.startswith(changed))
    ]

    assert len(EDITS) == 3
    assert len(added) < 30


def test_what_it_prints_is_what_happens(launch: Launch, project: Path, tmp_path: Path) -> None:
    """Each of its calls answers as printed, and the description has them."""
    local = launch(tmp_path, project=project)
    local.read_until("ready")
    local.forget()

    for command, said in EXAMPLES:
        result = subprocess.run(
            [*shlex.split(command.replace("8000", str(local.port))), "--silent"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert same(result.stdout) == same(said)
    described = local.api.get("/openapi.json").json
    assert set(described["paths"]["/orders/{key}"]) == {"get", "patch"}
    assert described["components"]["schemas"]["NewOrder"]["required"] == ["productId", "quantity"]
    assert local.stop() == 0


def test_the_project_stays_in_order(project: Path) -> None:
    """Lint, types and the tests of what is generated agree with the new resource."""
    # What mypy knows of the packages is the same here.
    make(project, "lint", f"MYPY_CACHE_DIR={PROJECT / '.mypy_cache'}")
    result = subprocess.run(
        [".venv/bin/python", "-m", "pytest", "-q", *GENERATED],
        cwd=project,
        env=SHELL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
