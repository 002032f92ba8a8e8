"""The workflows: pinned actions, no secrets, and only commands that developers have, too."""

import re
from typing import Any

import pytest
import yaml

from tests.conftest import PROJECT

FILES = {path.stem: path.read_text() for path in (PROJECT / ".github/workflows").glob("*.yml")}
TARGETS = set(re.findall(r"^([a-z-]+):.* ## ", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def steps(name: str) -> list[dict[str, Any]]:
    """The steps of all jobs of a workflow."""
    jobs = yaml.safe_load(FILES[name])["jobs"].values()
    return [step for job in jobs for step in job.get("steps", [])]


@pytest.mark.parametrize("name", FILES)
def test_commands(name: str) -> None:
    """Each command is a target of the Makefile, `.ci/run` or git's."""
    commands = [step["run"].split() for step in steps(name) if "run" in step]

    assert commands
    for command in commands:
        assert command[:2] == ["bash", ".ci/run"] or command[0] in ("git", "make")
        assert (
            command[0] != "make"
            or set(command[1:]) - {"STAGE=${{", "matrix.stage", "}}"} <= TARGETS
        )


@pytest.mark.parametrize("name", FILES)
def test_actions_are_pinned_by_commit(name: str) -> None:
    """A tag can be moved to other code; a commit cannot."""
    lines = re.findall(r"uses: (\S+)(.*)", FILES[name])

    for used, comment in lines:
        assert used.startswith("./") or re.search(r"@[0-9a-f]{40}$", used), used
        assert used.startswith("./") or re.fullmatch(r" # v\d+\.\d+\.\d+", comment)


def test_no_secrets() -> None:
    """Credentials are OIDC's: no secret, ARN or account id is in a workflow."""
    assert not re.search(r"secrets\.|arn:|\b\d{12}\b", "".join(FILES.values()))
