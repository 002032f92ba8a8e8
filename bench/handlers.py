"""What is measured: the app as `make package` packs it, and its peers, each as a zip.

A peer is one file, app.py, written as its documentation advises, with the packages of its group in
pyproject.toml. boto3 comes from the runtime for all of them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

from msgspec import Struct

from infra import requirements
from infra.deploy import bundle
from infra.errors import CommandError
from infra.stages import PROJECT

BUILT = PROJECT / "dist" / "bench"
FOLDER = PROJECT / "bench" / "peers"
# A group of pyproject.toml.
RUNTIME = "runtime"
# What the Lambda runtime has of the peers' packages.
IN_RUNTIME = ("botocore", "python-dateutil", "six", "urllib3")
# Whose settings the app is measured with.
STAGE = "prod"


class Candidate(Struct, frozen=True, kw_only=True):
    """A handler and its zip. `item` and `list` are API Gateway's resources for the two paths.

    `binary`: API Gateway sends it bodies as bytes, in base64.
    """

    name: str
    zip: Path
    handler: str
    variables: Mapping[str, str]
    item: str
    list: str = "/products"
    binary: bool = False


PACKAGE = """
import sys
from pathlib import Path
from infra import stages
stage = stages.load(sys.argv[1])
stage.apply_environment()
from infra.deploy import package
package.write(stage, Path(sys.argv[2]))
"""

APP = "storefront"
TITLES = {
    APP: "Storefront, everything on",
    "plain": "plain handler, boto3.resource",
    "powertools": "Powertools, pydantic",
    "fastapi": "FastAPI, Mangum",
}
PEERS = ("plain", "powertools", "fastapi")
# Two have packages, which do their own routing, behind one resource.
WITH_PACKAGES = ("powertools", "fastapi")
PROXY = "/{proxy+}"


def runtime(group: str) -> Path:
    """The Python that runs functions, with the packages of a group and nothing else."""
    folder = BUILT / group
    python = folder / "bin" / "python"
    _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    install(requirements.export(group), "--python", str(python), "--compile-bytecode")
    return python


@cache
def app() -> Candidate:
    """The app, packaged once."""
    package = BUILT / "app"
    # In another process, like `make package`: Chalice and the app read the environment.
    _run(
        [sys.executable, "-c", PACKAGE, STAGE, package],
        cwd=PROJECT,
        # Open: the peers do not check who calls.
        environment={"AWS_DEFAULT_REGION": "us-east-1", "OIDC_ISSUER": "none"},
    )
    template = json.loads((package / "sam.json").read_text())["Resources"]
    function = template["APIHandler"]["Properties"]
    return Candidate(
        name=APP,
        zip=package / "deployment.zip",
        handler=function["Handler"],
        variables=dict(function["Environment"]["Variables"]),
        item="/products/{key}",
        binary=True,
    )


def peer(name: str) -> Candidate:
    """A peer's zip, compiled and normalized like the app's."""
    archive = BUILT / f"{name}.zip"
    with TemporaryDirectory() as temporary:
        plain = Path(temporary) / "plain.zip"
        _package(name, plain)
        bundle.normalize(plain, archive)
    return Candidate(
        name=name,
        zip=archive,
        handler="app.handler",
        variables={"TABLE": "products"},
        item=PROXY if name in WITH_PACKAGES else "/products/{id}",
        list=PROXY if name in WITH_PACKAGES else "/products",
    )


def unpack(candidate: Candidate, task: Path) -> None:
    """Put a candidate's code where it can be run."""
    with ZipFile(candidate.zip) as archive:
        archive.extractall(task)


def install(packages: str, *options: str) -> None:
    """Install what the text of a requirements file names, into what the options say."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(packages)
        # No dependencies: the file has all of them, except those of the Lambda runtime.
        _uv("pip", "install", "--quiet", "--no-deps", "--require-hashes", *options, "-r", file)


def _package(name: str, target: Path) -> None:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if name in WITH_PACKAGES:
            left_out = [f"--no-emit-package={each}" for each in IN_RUNTIME]
            install(requirements.export(name, *left_out), "--target", str(folder))
        (folder / "app.py").write_bytes((FOLDER / name / "app.py").read_bytes())
        with ZipFile(target, "w", ZIP_DEFLATED) as packed:
            for file in folder.rglob("*"):
                if file.is_file():
                    packed.write(file, file.relative_to(folder))


def _uv(*arguments: str | Path) -> None:
    _run([sys.executable, "-m", "uv", *arguments], cwd=PROJECT)


def _run(
    arguments: list[str | Path], *, cwd: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Run a command. Raises CommandError with its output if it fails."""
    result = subprocess.run(
        arguments,
        cwd=cwd,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        command = " ".join(map(str, arguments[1:4]))
        raise CommandError(f"{command} failed:\n{result.stdout}{result.stderr}")
