"""`make web-build`: the shop as files, the same for every stage, in web/dist."""

import gzip
import re
import subprocess
from pathlib import Path

from infra.errors import CommandError
from infra.web import node

DIST = node.WEB / "dist"
# The JavaScript of a first visit, in bytes of gzip.
MAX_INITIAL = 100_000

SCRIPT = re.compile(r'<script src="([\w-]+\.js)"')
PRELOAD = re.compile(r'<link rel="modulepreload"[^>]*>')
# Static imports: a dynamic one has a parenthesis.
IMPORT = re.compile(r'(?:from|import)\s*"\./([\w-]+\.js)"')


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
    preload(DIST)
    size = initial_size(DIST)
    print(f"JavaScript of a first visit: {size:,} of {MAX_INITIAL:,} bytes in gzip.")
    if size > MAX_INITIAL:
        raise CommandError(
            "The JavaScript of a first visit has become too large. routes.ts and app.html are a "
            "part of it: load other code with the route that needs it (loadComponent)."
        )


def preload(folder: Path) -> None:
    """Name all modules of a first visit in index.html: Angular names ten of them.

    A browser would load the others only when it has read those that import them.
    https://html.spec.whatwg.org/multipage/links.html#link-type-modulepreload
    """
    file = folder / "index.html"
    page = PRELOAD.sub("", file.read_text())
    start, script, end = page.partition("<script ")
    others = sorted(name for name in initial_modules(folder) if not name.startswith("main-"))
    hints = "".join(f'<link rel="modulepreload" href="{name}">' for name in others)
    file.write_text(start + hints + script + end)


def initial_modules(folder: Path) -> set[str]:
    """The names of the modules that a first visit loads: main's, and those that it imports."""
    names: set[str] = set()
    found = {*SCRIPT.findall((folder / "index.html").read_text())}
    while found:
        names |= found
        found = {name for each in found for name in IMPORT.findall((folder / each).read_text())}
        found -= names
    return names


def initial_size(folder: Path) -> int:
    """The bytes in gzip of the JavaScript of a first visit."""
    modules = [(folder / name).read_bytes() for name in initial_modules(folder)]
    return sum(len(gzip.compress(module, mtime=0)) for module in modules)
