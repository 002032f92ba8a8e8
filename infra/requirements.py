"""requirements.txt, which Chalice reads, and requirements-dev.txt: exports of uv.lock."""

import subprocess
import sys

from infra.stages import PROJECT

FILES = {"requirements.txt": "lambda", "requirements-dev.txt": "dev"}


def export(group: str, *options: str) -> str:
    """The locked packages of a group of pyproject.toml, as a requirements file with hashes."""
    command = [sys.executable, "-m", "uv", "export", "--quiet", "--locked", "--no-header"]
    command += ["--no-annotate", "--only-group", group, *options]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return result.stdout


def write() -> None:
    """Write the files."""
    for name, group in FILES.items():
        (PROJECT / name).write_text(export(group))
