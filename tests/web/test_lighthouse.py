"""Lighthouse's view of the list and of a product, on a slow telephone (its default throttling).

The times of a loading page depend on the machine, and on what else it does: these tests run alone,
with bounds for a slow machine. `-s` prints the times; docs/front-end.md has those of one machine.
"""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.docs.screenshot import launch_options
from infra.web import node

PACKAGE = "lighthouse@13.5.0"
MAX_CLS = 0.05
MIN_PERFORMANCE = 80
# In milliseconds; "good" is up to 2.5 s: https://web.dev/articles/lcp
MAX_LCP = 2500


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lighthouse, installed."""
    folder = tmp_path_factory.mktemp("lighthouse")
    subprocess.run(
        [*node.npm_command(), "install", "--silent", "--no-audit", "--no-fund", PACKAGE],
        cwd=folder,
        env=node.environment(),
        check=True,
        capture_output=True,
    )
    shutil.copy(Path(__file__).with_name("lighthouse.mjs"), folder)
    return folder


@pytest.mark.timeout(180)
@pytest.mark.parametrize("path", ["/products", "/products/teapot"])
def test_page(
    tool: Path, shop_url: str, path: str, record_property: Callable[[str, Any], None]
) -> None:
    """Nothing is left to improve apart from speed, and the page does not move while it loads."""
    options = launch_options()
    arguments = [f"{shop_url}{path}", options["executable_path"], *options["args"]]
    output = subprocess.run(
        ["node", "lighthouse.mjs", *arguments],
        cwd=tool,
        env=node.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    measured = json.loads(output.stdout)
    record_property(f"Lighthouse, {path}", json.dumps(measured))
    print(path, output.stdout)

    scores = measured["scores"]
    assert [scores[name] for name in ("accessibility", "best-practices", "seo")] == [100] * 3
    assert measured["cls"] <= MAX_CLS
    assert measured["lcp"] <= MAX_LCP
    assert scores["performance"] >= MIN_PERFORMANCE
