"""The examples of README.md and of the pages for clients print what the pages show."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import OLD_FILES, PROJECT, SHELL, checkout, drain, free_port
from tests.processes import EXAMPLE, change, eventually, normalized, run_example

README = (PROJECT / "README.md").read_text()
PAGES = README + "".join(
    (PROJECT / "docs" / name).read_text() for name in ("api.md", "adding-a-field.md")
)
EXAMPLES = EXAMPLE.findall(PAGES)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port and folder of a `make run` in a copy of the checkout, started as printed."""
    project = checkout(tmp_path_factory.mktemp("readme") / "storefront")
    port = free_port()
    (command,) = re.findall(r"^make run(?= )", README, re.MULTILINE)
    with subprocess.Popen(
        # The packages are those of the `make test` that runs this: they are not installed again.
        [*command.split(), *OLD_FILES],
        cwd=project,
        env=SHELL | {"PORT": str(port), "DATA_DIR": str(project.parent / "data")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = next((line for line in process.stdout if "ready" in line), "")
        assert output
        drain(process.stdout.fileno())
        yield port, project
        process.terminate()
        process.wait(30)


def test_examples(server: tuple[int, Path]) -> None:
    """Each command prints what the page shows, in the order of the pages.

    The changes of "Add a field" are made in the running server's models before the commands that
    follow them.
    """
    port, project = server
    models = project / "chalicelib" / "models.py"
    pattern = re.compile(EXAMPLE.pattern + r"|```python\n(.*?)```", re.DOTALL)
    commands = 0
    for command, printed, code in pattern.findall(PAGES):
        if "PRODUCTS = Resource(" in code:
            old = re.search(
                r"^PRODUCTS = Resource\(.*?^\)\n", models.read_text(), re.MULTILINE | re.DOTALL
            )
            assert old
            change(models, old[0], code)
            eventually(lambda: '"items"' in run_example(LIST_BY_STOCK, port, project))
        elif code:
            default = '] = ""\n'
            change(models, default, default + code)
            eventually(lambda: "stock must be" in run_example(INVALID_STOCK, port, project))
        else:
            commands += 1
            assert normalized(run_example(command, port, project)) == normalized(printed), command
    assert commands == len(EXAMPLES) >= 12


LIST_BY_STOCK = "curl 'http://127.0.0.1:8000/products?stock=1'"
INVALID_STOCK = "curl -H @.local/sue http://127.0.0.1:8000/products --json '{\"stock\": -1}'"
