"""The workflows: they call what there is, on the Pythons that are promised, without keys."""

import re
from typing import Any

import pytest
import yaml

from infra import stages
from tests.conftest import PROJECT

FILES = {path.stem: path.read_text() for path in (PROJECT / ".github/workflows").glob("*.yml")}
WORKFLOWS = {name: yaml.safe_load(text) for name, text in FILES.items()}
TARGETS = set(
    re.findall(r"^([a-z-]+): \$\(VENV\)", (PROJECT / "Makefile").read_text(), re.MULTILINE)
)


def steps(name: str) -> list[dict[str, Any]]:
    """The steps of all jobs of a workflow."""
    return [step for job in WORKFLOWS[name]["jobs"].values() for step in job.get("steps", [])]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_they_run_the_commands_that_a_developer_runs(name: str) -> None:
    """Each command is a target of the Makefile."""
    commands = [step["run"].split() for step in steps(name) if "run" in step]

    assert commands
    assert all(command[0] == "make" and command[1] in TARGETS for command in commands)


def test_ci_runs_lint_and_all_tests_on_every_python() -> None:
    """3.11 to 3.14, and then packages every stage."""
    jobs = WORKFLOWS["ci"]["jobs"]

    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert [step["run"] for step in jobs["test"]["steps"] if "run" in step] == [
        "make lint",
        "make test",
        "make test-clients",
        "make test-deployed",
        "make test-speed",
    ]
    assert jobs["package"]["strategy"]["matrix"]["stage"] == stages.cloud()
    assert any("upload-artifact" in step.get("uses", "") for step in steps("ci"))


def test_deploying_takes_what_ci_has_packaged_and_no_keys() -> None:
    """By hand to any stage or on a tag; credentials are OIDC's, for the environment's role."""
    workflow = WORKFLOWS["deploy"]
    # YAML 1.1 reads the key `on` as true.
    started = workflow[True]
    job = workflow["jobs"]["deploy"]

    assert started["workflow_dispatch"]["inputs"]["stage"]["options"] == stages.cloud()
    assert started["push"] == {"tags": ["v*"]}
    assert job["needs"] == "ci"
    assert job["permissions"]["id-token"] == "write"
    assert workflow["permissions"] == {"contents": "read"}
    used = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
    assert used[-2:] == ["actions/download-artifact", "aws-actions/configure-aws-credentials"]
    assert not re.search(r"secrets\.|arn:|\d{12}", "".join(FILES.values()))
