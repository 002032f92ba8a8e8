"""`make run`: it starts with what it needs, stops all that it started, and loses nothing."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.client import Client
from tests.conftest import PROJECT, SHELL, Launch, free_port

SECONDS = 30


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project whose files may be changed."""
    copy = tmp_path / "checkout"
    ignore = shutil.ignore_patterns(".venv", ".git", ".*_cache", "__pycache__", ".hypothesis")
    shutil.copytree(PROJECT, copy, ignore=ignore)
    return copy


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_all_that_it_started_and_loses_nothing(
    launch: Launch, tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C and SIGTERM end every process with status 0; the data are there at the next start."""
    first = launch(tmp_path)
    first.read_until("ready")
    children = children_of(first.process.pid)
    item = first.api.create("/todos", {"task": "Dust"})
    first.process.send_signal(number)

    assert first.end() == 0
    assert len(children) == 2
    assert not any(alive(child) for child in children)
    second = launch(tmp_path)
    second.read_until("ready")
    assert second.api.get(f"/todos/{item['id']}").json == item
    assert second.stop() == 0


def test_it_says_one_line_when_it_is_ready(launch: Launch, tmp_path: Path) -> None:
    """Where it answers, what to try, where to read on, where the data are, how to stop it."""
    local = launch(tmp_path)

    line = local.read_until("ready")

    assert local.said == [line]
    for part in (f"curl http://127.0.0.1:{local.port}/products", "README.md", str(tmp_path)):
        assert part in line
    assert "Ctrl-C" in line


def test_the_sample_data_are_loaded_the_first_time_only(launch: Launch, tmp_path: Path) -> None:
    """A new database has a small shop in it; what is deleted from it stays deleted."""
    first = launch(tmp_path)
    first.read_until("ready")
    counts = {p: len(first.api.get(p).json["items"]) for p in ("/users", "/products", "/reviews")}
    assert counts == {"/users": 3, "/products": 4, "/reviews": 3}
    first.api.delete("/products/kettle")
    first.stop()

    second = launch(tmp_path)
    second.read_until("ready")
    assert second.api.get("/products/kettle").status == 404
    assert second.api.get("/products/teapot").status == 200


def test_a_killed_database_costs_the_last_seconds_at_most(launch: Launch, tmp_path: Path) -> None:
    """It ends with a sentence and status 1; what was written before is there at the next start."""
    first = launch(tmp_path)
    first.read_until("ready")
    item = first.api.create("/todos", {"task": "Dust"})
    eventually(lambda: saved(tmp_path, item["id"]))
    (database,) = (c for c in children_of(first.process.pid) if "infra.database" in command_of(c))
    os.kill(database, signal.SIGKILL)

    assert first.end() == 1
    assert "The database stopped by itself" in first.said[-1]
    second = launch(tmp_path)
    second.read_until("ready")
    assert second.api.get(f"/todos/{item['id']}").json == item


def test_nothing_outlives_it_when_it_is_killed(launch: Launch, tmp_path: Path) -> None:
    """SIGKILL cannot be handled: its children see that it is gone and end, data saved."""
    local = launch(tmp_path)
    local.read_until("ready")
    children = children_of(local.process.pid)
    item = local.api.create("/todos", {"task": "Dust"})
    local.process.kill()
    local.end()

    eventually(lambda: not any(alive(child) for child in children))
    assert saved(tmp_path, item["id"])


def test_a_change_of_the_code_is_loaded(launch: Launch, project: Path) -> None:
    """A reload serves the new code over the same data, which may lie in the checkout."""
    local = launch(project / "data", project=project)
    local.read_until("ready")
    for _ in range(3):
        # The files are looked at once a second, and saved no oftener.
        item = local.api.create("/todos", {"task": "Dust"})
        eventually(lambda key=item["id"]: saved(project / "data", key))
    version = project / "chalicelib" / "__init__.py"
    change(version, 'version__ = "0.1.0"', 'version__ = "0.2.0"')
    local.read_until("loading the app again")

    eventually(lambda: answers(local.api) and local.api.get("/").json["version"] == "0.2.0")
    assert local.api.get(f"/todos/{item['id']}").json == item
    assert local.stop() == 0
    assert "".join(local.said).count("again") == 1


def test_a_mistake_in_the_code_can_be_mended(launch: Launch, project: Path) -> None:
    """A file that does not load is told, and loaded once it does."""
    local = launch(project / "data", project=project)
    local.read_until("ready")
    mistaken = project / "chalicelib" / "http.py"
    change(mistaken, "class Api(Chalice):", "class Api(Chalice:")
    local.read_until("SyntaxError")
    change(mistaken, "class Api(Chalice:", "class Api(Chalice):")
    local.read_until("loading the app again")

    eventually(lambda: answers(local.api))
    assert local.stop() == 0


def refusal(launch: Launch, folder: Path, port: Any) -> str:
    """What it says before it ends with status 1: one sentence, on one line."""
    local = launch(folder, port)
    assert local.end() == 1
    (said,) = local.said
    assert said.count("\n") == 1
    return said


def test_a_port_that_is_taken_is_said(launch: Launch, live: Client, tmp_path: Path) -> None:
    """The sentence names the port, and another one to try."""
    port: Any = live.house.port  # type: ignore[attr-defined]

    said = refusal(launch, tmp_path, port)

    assert said == f"Port {port} is taken; stop what uses it, or try PORT={port + 1} make run.\n"


@pytest.mark.parametrize("port", ["abc", "-1", "0", "65536", "80 80", "٣"])
def test_a_port_that_is_none_is_said(launch: Launch, tmp_path: Path, port: str) -> None:
    """The sentence says what a port is."""
    said = refusal(launch, tmp_path, port)

    assert said == f"PORT is {port!r}; it must be a number from 1 to 65535.\n"


def test_a_folder_that_cannot_be_written_is_said(launch: Launch, tmp_path: Path) -> None:
    """The sentence names the folder, why it cannot be used, and how to name another."""
    (tmp_path / "file").touch()

    said = refusal(launch, tmp_path / "file" / "data", free_port())

    assert re.fullmatch(
        rf"The data cannot be kept in {tmp_path}/file/data \(Not a directory\); "
        r"name a folder that you can write to: DATA_DIR=folder make run\.\n",
        said,
    )


def test_data_that_are_in_use_are_said(launch: Launch, tmp_path: Path) -> None:
    """Two databases in one folder would overwrite each other's data."""
    launch(tmp_path).read_until("ready")

    said = refusal(launch, tmp_path, free_port())

    assert said.startswith(f"The data in {tmp_path} are in use by another make run; ")


def test_damaged_data_are_said(launch: Launch, tmp_path: Path) -> None:
    """What cannot be read is not started over, and so not written over."""
    (tmp_path / "dynamodb.json").write_text('{"tables":')

    said = refusal(launch, tmp_path, free_port())

    assert said.startswith(f"{tmp_path}/dynamodb.json is damaged; ")
    assert (tmp_path / "dynamodb.json").read_text() == '{"tables":'


def test_a_python_that_is_too_old_is_said(project: Path, tmp_path: Path) -> None:
    """It ends with a sentence before it installs anything."""
    old = tmp_path / "python-old"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)

    result = subprocess.run(
        ["make", "run", f"PYTHON={old}"],
        cwd=project,
        env=SHELL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode != 0
    assert f"needs Python 3.11 or later, and {old} is Python 3.9.2" in result.stderr
    assert not (project / ".venv").exists()


def test_aws_settings_of_the_user_do_not_matter(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile, an endpoint or a proxy of the user's own does not reach the local server."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("STAGE", "prod")

    local = launch(tmp_path)
    local.read_until("ready")

    assert local.api.get("/").json["stage"] == "local"
    assert local.api.get("/products/teapot").status == 200


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds, and no longer than it may take."""
    end = monotonic() + SECONDS
    while monotonic() < end:
        if holds():
            return
    pytest.fail(f"it did not come about in {SECONDS} s")


def saved(folder: Path, key: str) -> bool:
    """Whether the database has written an item to disk."""
    state = folder / "dynamodb.json"
    return state.exists() and key in state.read_text()


def answers(api: Client) -> bool:
    """Whether the API can be reached."""
    with suppress(OSError):
        return api.get("/health").status == 200
    return False


def change(file: Path, old: str, new: str) -> None:
    """Change a file as an editor does."""
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


def alive(process: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
