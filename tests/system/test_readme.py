"""The README's own examples, copied from it, answer as printed."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT, SHELL, checkout, drain, free_port
from tests.system.test_local import change, eventually

README = (PROJECT / "README.md").read_text()
EXAMPLE = re.compile(r"```console\n\$ (.+?)\n(.*?)```", re.DOTALL)
EXAMPLES = EXAMPLE.findall(README)

# What differs from run to run: times, etags, request ids and cursors.
VARYING = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME"),
    (r'"etag":"\\"[0-9a-f]{24}\\""', "ETAG"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r'"next":"[A-Za-z0-9_-]+"', "CURSOR"),
)


def same(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, name in VARYING:
        text = re.sub(pattern, name, text)
    return text.strip()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port and folder of a `make run` in a copy of the checkout, started as printed."""
    project = checkout(tmp_path_factory.mktemp("readme") / "storefront")
    port = free_port()
    (command,) = re.findall(r"^make run(?= )", README, re.MULTILINE)
    with subprocess.Popen(
        # The packages are those of the `make test` that runs this: they are not installed again.
        [*command.split(), "--old-file=.venv/installed"],
        cwd=project,
        env=SHELL | {"PORT": str(port), "DATA_DIR": str(project.parent / "data")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = next((line for line in process.stdout if "ready" in line), "")
        assert said
        drain(process.stdout.fileno())
        yield port, project
        process.terminate()
        process.wait(30)


def test_there_are_examples() -> None:
    """Five curl calls, and one after a field was added."""
    assert len(EXAMPLES) == 6
    assert all(command.startswith("curl ") for command, _ in EXAMPLES)


def test_the_examples_answer_as_printed(server: tuple[int, Path]) -> None:
    """In the order of the page, the last one once the page's own line is in the model."""
    number, project = server
    (line,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    last = EXAMPLES[-1]
    for command, printed in EXAMPLES:
        if (command, printed) == last:
            models = project / "chalicelib" / "models.py"
            default = '] = ""\n'
            change(models, default, default + line)
            eventually(lambda: "grams" in run(last[0], number))
            eventually(lambda: "integer" in run(last[0], number))

        assert same(run(command, number)) == same(printed), command


def run(command: str, port: int) -> str:
    """Run a command of the README as a shell does. Returns what it prints."""
    told = command.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}")
    return subprocess.run(
        ["bash", "-c", told.replace("curl ", "curl --silent ", 1)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
