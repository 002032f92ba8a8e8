"""What the pages name exists: files, tests, commands and links."""

import re
from pathlib import Path

import pytest

from tests.conftest import PROJECT

# These name what is no longer there, or what the reader is about to write.
EXCEPTIONS = ("CHANGELOG.md", "UPGRADING.md", "adding-a-resource.md", "front-end.md")
PAGES = sorted(
    path
    for path in [*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")]
    if path.name not in EXCEPTIONS
)
FILE = re.compile(r"`((?:chalicelib|infra|bench|tests|web|docs)/[\w./-]+)(?:::(\w+))?`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#([\w-]+))?\)")
COMMAND = re.compile(r"(?:`|^)make ([a-z][a-z-]*)", re.MULTILINE)
TARGETS = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_exist(page: Path) -> None:
    """The files, tests, commands and headings that a page names or links to exist."""
    text = page.read_text()
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    wrong = []
    for name, test in FILE.findall(prose):
        path = PROJECT / name
        if not path.exists() or (test and f"def {test}(" not in path.read_text()):
            wrong.append(f"{name} {test}")
    for name, anchor in LINK.findall(prose):
        target = page.parent / name
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(f"{name}#{anchor}")
    wrong += [f"make {name}" for name in COMMAND.findall(text) if name not in TARGETS]
    assert not wrong
