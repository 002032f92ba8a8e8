"""`make web`, as a developer uses it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from infra.local.run import check_port
from infra.web import node
from infra.web.config import Config
from tests.conftest import PROJECT, Local, checkout, free_port
from tests.processes import change


def start(project: Path, **variables: str) -> subprocess.Popen[str]:
    """Start `make web`'s command in a checkout."""
    return subprocess.Popen(
        [sys.executable, "-m", "infra", "web"],
        cwd=project,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def refusal(**variables: str) -> str:
    """What it prints before it ends."""
    process = start(PROJECT, **variables)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    return output


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with the packages that are installed here."""
    return checkout(tmp_path / "storefront")


@pytest.fixture
def served(project: Path, local: Local) -> Iterator[tuple[str, Any]]:
    """A running `make web`: its URL and its process."""
    port = free_port()
    process = start(project, WEB_PORT=str(port), API_URL=f"http://127.0.0.1:{local.port}")
    assert process.stdout is not None
    for line in process.stdout:
        if "Local:" in line:
            break
    yield f"http://127.0.0.1:{port}", process
    # The terminal is closed, and Ctrl-C was pressed twice.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGINT):
        process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 0
    check_port(port, "WEB_PORT", "web")


@pytest.mark.timeout(120)
def test_shop_for_the_local_api(
    browser: Browser, served: tuple[str, Any], project: Path, local: Local
) -> None:
    """The shop with its sign-in; a change of a file is seen without a reload by hand."""
    url, _ = served
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/products/teapot")
    expect(page.get_by_role("heading", name="Teapot")).to_be_visible()
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sue (staff)").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert page.url == f"{url}/products/teapot"

    change(project / "web/src/app/app.html", "A demonstration shop", "A changed shop")

    expect(page.get_by_text("A changed shop")).to_be_visible(timeout=30_000)
    config = context.request.get(f"{url}/config.json").json()
    assert config["issuer"] == f"http://127.0.0.1:{local.port}/dev-issuer"
    context.close()


def test_taken_port(local: Local) -> None:
    """A sentence with another port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        output = refusal(WEB_PORT=str(port), API_URL=f"http://127.0.0.1:{local.port}")

    assert output == (
        f"Port {port} is taken; stop what uses it, or try WEB_PORT={port + 1} make web.\n"
    )


@pytest.mark.parametrize("port", ["x", "0", "65536"])
def test_wrong_port(port: str) -> None:
    """A sentence with the bounds."""
    assert "'WEB_PORT'" in (message := refusal(WEB_PORT=port))
    assert "is not" in message


@pytest.mark.parametrize("path", ["", "/dev-issuer"])
def test_api_that_is_not_there(local: Local, path: str) -> None:
    """Nothing answers, or something else does."""
    port = local.port if path else free_port()
    url = f"http://127.0.0.1:{port}{path}"

    output = refusal(WEB_PORT=str(free_port()), API_URL=url)

    assert output == (
        f"There is no API at {url}: start it with make run, or name another one with "
        "API_URL=https://... make web.\n"
    )


def test_api_url_without_a_scheme(local: Local) -> None:
    """The API is there: the sentence says what is wrong with its URL."""
    output = refusal(WEB_PORT=str(free_port()), API_URL=f"127.0.0.1:{local.port}")

    assert output.endswith("it has to begin with http:// or https://.\n")


def test_node_that_cannot_be_had(tmp_path: Path) -> None:
    """No Node on the machine, and none from PyPI: a sentence with the versions."""
    program = (
        "import sys; from pathlib import Path; from infra.web import node; "
        f"node.PACKAGE = Path({str(tmp_path)!r}); from infra.cli import main; sys.exit(main())"
    )
    uv = {
        "UV_NO_CACHE": "1",
        "UV_OFFLINE": "1",
        # Not where it may be installed already.
        "UV_PROJECT_ENVIRONMENT": str(tmp_path / "target"),
    }

    done = subprocess.run(
        [sys.executable, "-c", program, "web-install"],
        cwd=PROJECT,
        env={"PATH": "/nowhere", "HOME": str(tmp_path), **uv},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Node cannot be installed from PyPI: install one of the versions ^22")


def test_config_is_what_the_shop_reads() -> None:
    """Python writes the members that web/src/app/core/config.ts declares."""
    declared = (node.WEB / "src" / "app" / "core" / "config.ts").read_text()
    interface = declared.partition("export interface Config {")[2].partition("\n}")[0]

    members = re.findall(r"^  (\w+):", interface, re.MULTILINE)

    assert members == list(json.loads(Config("https://api.example", None).json()))
