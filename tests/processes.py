"""Processes, files and the examples of the documentation, as tests look at them."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

EVENTUALLY_SECONDS = 30
# The pause between two evaluations of a condition.
LOOK_SECONDS = 0.02

# A command and its output, as the documentation prints them.
EXAMPLE = re.compile(r"```console\n\$ (.+?)\n(.*?)```", re.DOTALL)

# What differs from run to run: times, etags, request ids and cursors.
VARYING = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME"),
    (r'"etag": ?"\\"[0-9a-f]{24}\\""', "ETAG"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r'"next":"[A-Za-z0-9_-]+"', "CURSOR"),
)


def normalized(text: str) -> str:
    """A text without what differs from run to run."""
    for pattern, name in VARYING:
        text = re.sub(pattern, name, text)
    return text.strip()


def run_example(command: str, port: int, folder: Path) -> str:
    """Run a curl command of the documentation in a folder. Returns what it prints."""
    local = command.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}")
    return subprocess.run(
        ["bash", "-c", local.replace("curl ", "curl --silent ", 1)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds; fail after EVENTUALLY_SECONDS."""
    end = monotonic() + EVENTUALLY_SECONDS
    while monotonic() < end:
        if holds():
            return
        sleep(LOOK_SECONDS)
    pytest.fail(f"the condition did not hold within {EVENTUALLY_SECONDS} s")


def change(file: Path, old: str, new: str) -> None:
    """Replace a text in a file, as an editor does."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def children_of(process: int) -> list[int]:
    """The process ids of a process's children."""
    return [
        int(child)
        for task in Path(f"/proc/{process}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def command_of(process: int) -> str:
    """A process's command line."""
    return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")


def is_alive(process: int) -> bool:
    """Whether a process runs; a process that has ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
