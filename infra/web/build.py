"""`make web-build`: the shop as files, the same for every stage, in web/dist."""

import gzip
import re
import subprocess
from pathlib import Path

from infra.errors import CommandError
from infra.web import node

DIST = node.WEB / "dist"
# In bytes of gzip: the JavaScript of a first visit, and what a page adds to it.
MAX_INITIAL = 115_000
MAX_PAGE = 30_000

SCRIPT = re.compile(r'<script src="([\w-]+\.js)"')
# Static imports, and dynamic ones, which have a parenthesis.
IMPORT = re.compile(r'(?:from|import)\s*"\./([\w-]+\.js)"')
DYNAMIC_IMPORT = re.compile(r'import\(\s*["`]\./([\w-]+\.js)["`]')


def build() -> None:
    """Build the shop. Raises CommandError, also if its first download has become too large."""
    done = subprocess.run(
        node.command("build"),
        cwd=node.WEB,
        env=node.environment(),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise CommandError("The shop cannot be built; the message above has the reason.")
    initial = initial_modules(DIST)
    size = gzip_size(DIST, initial)
    print(f"JavaScript of a first visit: {size:,} of {MAX_INITIAL:,} bytes in gzip.")
    pages = {
        name: gzip_size(DIST, modules(DIST, {name}) - initial)
        for module in initial
        for name in DYNAMIC_IMPORT.findall((DIST / module).read_text())
    }
    name, largest = max(pages.items(), key=lambda page: page[1])
    print(f"What the largest page adds, {name}: {largest:,} of {MAX_PAGE:,} bytes.")
    if size > MAX_INITIAL or largest > MAX_PAGE:
        raise CommandError(
            "The JavaScript has become too large. routes.ts and app.html are a part of the first "
            "visit: load other code with the route that needs it (loadComponent), or with @defer."
        )


def initial_modules(folder: Path) -> set[str]:
    """The names of the modules that a first visit loads: main's, and those that it imports."""
    return modules(folder, {*SCRIPT.findall((folder / "index.html").read_text())})


def modules(folder: Path, names: set[str]) -> set[str]:
    """The names of modules, and of those that they import statically."""
    known: set[str] = set()
    while names:
        known |= names
        names = {name for each in names for name in IMPORT.findall((folder / each).read_text())}
        names -= known
    return known


def gzip_size(folder: Path, names: set[str]) -> int:
    """The bytes of modules in gzip."""
    return sum(len(gzip.compress((folder / name).read_bytes(), mtime=0)) for name in names)
