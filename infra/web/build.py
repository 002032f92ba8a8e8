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
    size = initial_size(DIST)
    print(f"JavaScript of a first visit: {size / 1000:.1f} of {MAX_INITIAL / 1000:.0f} kB (gzip).")
    if size > MAX_INITIAL:
        raise CommandError(
            "The JavaScript of a first visit has become too large: load the new code with the "
            "route that needs it (loadComponent), or with @defer."
        )


def initial_size(folder: Path) -> int:
    """The bytes in gzip of the JavaScript that index.html loads."""
    page = (folder / "index.html").read_text()
    names = set(re.findall(r'(?:src|href)="([\w-]+\.js)"', page))
    return sum(len(gzip.compress((folder / name).read_bytes(), mtime=0)) for name in names)
