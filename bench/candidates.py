"""What is measured: the app as `make package` packs it, and its peers, each as a zip.

A peer is one file, app.py, written as its documentation advises, with what its requirements.txt
names. boto3 comes from the runtime for all of them.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

from msgspec import Struct, structs

from bench import sign_in
from infra.aws import bundle
from infra.errors import CommandError
from infra.stages import PROJECT

BUILT = PROJECT / "dist" / "bench"
PEERS = PROJECT / "bench" / "peers"
# What checks an access token in front of a peer.
CHECK = PEERS / "signed_in"
RUNTIME = PROJECT / "bench" / "runtime.txt"
ROOTS = PROJECT / "chalicelib" / "storage" / "amazon_roots.pem"
# Whose settings the app is measured with.
STAGE = "prod"


class Candidate(Struct, frozen=True, kw_only=True):
    """A handler and its zip. `item` and `list` are API Gateway's resources for the two paths.

    `binary`: API Gateway sends it bodies as bytes, in base64. `token`: it checks an access token,
    and is called with one.
    """

    name: str
    zip: Path
    handler: str
    variables: Mapping[str, str]
    item: str
    list: str = "/products"
    binary: bool = False
    token: bool = False


PACKAGE = """
import sys
from pathlib import Path
from infra import stages
stage = stages.load(sys.argv[1])
stage.apply_environment()
from infra.aws import package
package.write(stage, Path(sys.argv[2]))
"""

APP = "storefront"
TITLES = {
    APP: "Storefront, everything on",
    "plain": "plain handler, boto3.resource",
    "powertools": "Powertools, pydantic",
    "fastapi": "FastAPI, Mangum",
    "chalice": "Chalice as in its samples",
    "floor": "floor: no framework, no SDK",
    "nothing": "an empty handler",
}
# What the names of the candidates that check an access token end with.
TOKEN = ", with a token"  # noqa: S105, a name
# Those that do.
CHECKING = (APP, "plain", "powertools", "fastapi")
KEYED = "/products/{key}"
# Two do their own routing, behind one resource.
PROXY = "/{proxy+}"
ITEMS = {"powertools": PROXY, "fastapi": PROXY, "chalice": KEYED}
LISTS = {"powertools": PROXY, "fastapi": PROXY}


def runtime(requirements: Path) -> Path:
    """The Python that runs functions, with what the Lambda runtime has and nothing else."""
    folder = BUILT / requirements.stem
    python = folder / "bin" / "python"
    _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    install(requirements, "--python", str(python), "--compile-bytecode")
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
        item=KEYED,
        binary=True,
    )


def peer(name: str) -> Candidate:
    """A peer's zip, compiled and normalized like the app's."""
    made = BUILT / f"{name}.zip"
    with TemporaryDirectory() as temporary:
        plain = Path(temporary) / "plain.zip"
        if name == "chalice":
            _package_with_chalice(plain)
        else:
            _package(name, plain)
        bundle.normalize(plain, made)
    return Candidate(
        name=name,
        zip=made,
        handler="app.app" if name == "chalice" else "app.handler",
        variables={"TABLE": "products"},
        item=ITEMS.get(name, "/products/{id}"),
        list=LISTS.get(name, "/products"),
    )


def peers() -> list[Candidate]:
    """All of them."""
    return [peer(name) for name in TITLES if name != APP]


def with_token(name: str) -> Candidate:
    """The app, or a peer, that checks the access token of its caller."""
    if name == APP:
        without = app()
        own = {**without.variables, **sign_in.variables()}
        return structs.replace(without, name=name + TOKEN, variables=own, token=True)
    without = peer(name)
    made = BUILT / f"{name}{TOKEN}.zip"
    with TemporaryDirectory() as temporary:
        plain = Path(temporary) / "plain.zip"
        _package(name, plain, checking=True)
        bundle.normalize(plain, made)
    return structs.replace(
        without,
        name=name + TOKEN,
        zip=made,
        handler="signed_in.handler",
        variables={**without.variables, **sign_in.variables()},
        token=True,
    )


def unpack(candidate: Candidate, task: Path, *, compiled: bool) -> None:
    """Put a candidate's code where it can be run, with its compiled modules or without."""
    with ZipFile(candidate.zip) as packed:
        names = [name for name in packed.namelist() if compiled or not name.endswith(".pyc")]
        packed.extractall(task, names)


def install(requirements: Path, *options: str) -> None:
    """Install what a file names, into the Python or the folder that the options say."""
    # No dependencies: the file has all of them, except those of the Lambda runtime.
    _uv("pip", "install", "--quiet", "--no-deps", "--require-hashes", *options, "-r", requirements)


def _package(name: str, target: Path, *, checking: bool = False) -> None:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        requirements = PEERS / name / "requirements.txt"
        if requirements.exists():
            install(requirements, "--target", str(folder))
        (folder / "app.py").write_bytes((PEERS / name / "app.py").read_bytes())
        if checking:
            install(CHECK / "requirements.txt", "--target", str(folder))
            (folder / "signed_in.py").write_bytes((CHECK / "signed_in.py").read_bytes())
        if name == "floor":
            (folder / "roots.pem").write_bytes(ROOTS.read_bytes())
        with ZipFile(target, "w", ZIP_DEFLATED) as packed:
            for file in folder.rglob("*"):
                if file.is_file():
                    packed.write(file, file.relative_to(folder))


def _package_with_chalice(target: Path) -> None:
    with TemporaryDirectory() as temporary:
        # A copy: Chalice keeps what it packs in the project's folder.
        project, package = Path(temporary) / "project", Path(temporary) / "package"
        shutil.copytree(PEERS / "chalice", project)
        _run(
            [Path(sys.executable).with_name("chalice"), "package", "--stage", STAGE, package],
            cwd=project,
            environment={"AWS_DEFAULT_REGION": "us-east-1", "TABLE": "products"},
        )
        target.write_bytes((package / "deployment.zip").read_bytes())


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
