"""The project's pages: each has a title, and its links lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")])


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page(page: Path) -> None:
    """It begins with its title; every link to a file or a heading of the project has one."""
    text = page.read_text()
    without_code = re.sub(r"```.*?```", "", text, flags=re.DOTALL)

    assert text.startswith("# ")
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target
