"""Where the API runs for the tests: in this process on moto, and live on ministack."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from moto import mock_aws
from msgspec import structs

from tests import dynamodb_limits, sign_in

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="us-east-1",
)
# What a user's shell has, also where make runs the tests; not the issuer of a stage of theirs.
OWN = ("MAKE", "MFLAGS", "OIDC_", "CALLBACK_URLS", "MACHINE_CLIENTS", "DOCS_CLIENT_ID")
SHELL = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
# The settings are read when the app is imported. Processes that tests start have their own.
os.environ.update(sign_in.VARIABLES)
dynamodb_limits.install()
# The client is made when the app is imported, and stays on moto from then on.
mock_aws().start()

from chalicelib import models  # noqa: E402
from chalicelib.schema import Resource  # noqa: E402

if shards := os.environ.get("SHARDS"):
    # The contract, with all lists spread over as many partitions: tests/system/test_shards.py.
    spread = {
        name: structs.replace(
            resource,
            shards=int(shards),
            sharded_filters=("status",) if name == "TODOS" else (),
        )
        for name, resource in vars(models).items()
        if isinstance(resource, Resource)
    }
    vars(models).update(spread, RESOURCES=tuple(spread.values()))

from app import app  # noqa: E402

for name in list(os.environ):
    if name.startswith("OIDC_"):
        del os.environ[name]

from chalicelib.storage import dynamodb  # noqa: E402
from infra.data import tables  # noqa: E402
from tests.client import Client, InProcess, Live, Response  # noqa: E402
from tests.samples import SAMPLES, Sample  # noqa: E402

PROJECT = Path(__file__).parent.parent
# make takes them as up to date: packages are not installed again in a copy of the checkout.
OLD_FILES = tuple(f"--old-file=.venv/{name}-installed" for name in ("run", "dev", "web", "load"))


def checkout(project: Path) -> Path:
    """Make a copy of the checkout, as git would, with the packages that are installed here."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, files):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes((PROJECT / name).read_bytes())
    (project / ".venv").symlink_to(PROJECT / ".venv")
    if (packages := PROJECT / "web" / "node_modules").exists():
        (project / "web" / "node_modules").symlink_to(packages)
    return project


def free_port() -> int:
    """A port that nothing uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def client_of(url: str) -> Any:
    """A client of the database at `url`."""
    session = boto3.session.Session(
        aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1"
    )
    return session.client("dynamodb", endpoint_url=url)


class Local:
    """A running `make run`: its process, and a client of its API."""

    def __init__(
        self,
        folder: Path,
        port: Any,
        project: Path = PROJECT,
        preexec: Callable[[], None] | None = None,
        **variables: str,
    ) -> None:
        self.folder = folder
        self.port = port
        self.headers = project / variables.pop("HEADERS_DIR", str(folder / "headers"))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra", "run"],
            cwd=project,
            env=os.environ
            | {
                "PORT": str(port),
                "DATA_DIR": str(folder),
                "HEADERS_DIR": str(self.headers),
                **variables,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=preexec,  # noqa: PLW1509, no other thread is running
        )
        # As sue, who is staff.
        self.api = Client(Live(f"http://127.0.0.1:{port}"), self.header)
        self.said: list[str] = []

    def header(self, subject: str = "sue") -> str:
        """The `Authorization` header in a header file."""
        return sign_in.header_file(self.headers / subject)

    def read_until(self, words: str) -> str:
        """Read its output up to the first line with `words`. Returns that line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if words in line:
                return line
        pytest.fail(f"it ended without saying {words!r}: {''.join(self.said)}")

    def forget(self) -> None:
        """Discard its output from here on, so that the pipe does not fill."""
        assert self.process.stdout is not None
        drain(self.process.stdout.fileno())

    def stop(self) -> int:
        """Stop it as `kill` does. Returns its exit status."""
        self.process.terminate()
        return self.end()

    def end(self) -> int:
        """Wait for its end, and keep its last output. Returns its exit status."""
        output, _ = self.process.communicate(timeout=30)
        self.said.append(output)
        return self.process.returncode


class Recorded(Live):
    """A server at a URL, and the places of what was created there."""

    def __init__(self, url: str, stage: str) -> None:
        super().__init__(url, stage)
        self.created: dict[str, None] = {}

    def send_lines(
        self, method: str, path: str, lines: list[tuple[str, str]], body: bytes
    ) -> Response:
        response = super().send_lines(method, path, lines, body)
        if response.status == HTTPStatus.CREATED:
            self.created[response.headers["location"]] = None
        return response


Launch = Callable[..., Local]


@pytest.fixture(scope="session")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launch]:
    """Start local servers that end with the tests."""
    with ExitStack() as stack:

        def start(folder: Path | None = None, port: Any = None, **options: Any) -> Local:
            local = Local(folder or tmp_path_factory.mktemp("data"), port or free_port(), **options)
            stack.callback(lambda: local.process.poll() is None and local.stop())
            return local

        yield start


@pytest.fixture(scope="session")
def local(launch: Launch) -> Local:
    """A `make run` that tests share."""
    running = launch()
    running.read_until("ready")
    running.forget()
    return running


@pytest.fixture(scope="session")
def live(local: Local) -> Client:
    """The API of a `make run`."""
    return local.api


def drain(source: int) -> None:
    """Discard what comes from a file descriptor, in the background."""

    def read() -> None:
        while os.read(source, 65536):
            pass

    Thread(target=read, daemon=True).start()


@pytest.fixture(scope="session")
def in_process() -> Client:
    """The API in this process, on moto's tables."""
    tables.create_local(dynamodb.client)
    return Client(InProcess(app), sign_in.staff())


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are processors, because some tests wait for timeouts."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest tests first: those that have a timeout of their own."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the contract tests. The variable TOKEN is of a caller who is staff."""
    parser.addoption("--url", help="run the contract tests against this URL only")
    parser.addoption("--stage", default="local", help="the stage of the API at --url (local)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of `api` runs at --url, or in process, and also live if it is about the wire."""
    if "deployment" in metafunc.fixturenames:
        deployments = ["in_process"]
        if metafunc.definition.get_closest_marker("wire"):
            deployments.append("live")
        if metafunc.config.getoption("url"):
            deployments = ["elsewhere"]
        metafunc.parametrize("deployment", deployments)


@pytest.fixture(scope="session")
def elsewhere(pytestconfig: pytest.Config) -> Iterator[Client]:
    """The API at the URL that was given. What the tests have created is deleted at the end."""
    token = os.environ.get("TOKEN")
    deployment = Recorded(pytestconfig.getoption("url"), pytestconfig.getoption("stage"))
    api = Client(deployment, f"Bearer {token}" if token else None)
    yield api
    responses = {place: api.send("DELETE", place) for place in deployment.created}
    kept = [place for place, response in responses.items() if response.status not in (204, 404)]
    assert not kept, "these items could not be deleted"


@pytest.fixture
def api(request: pytest.FixtureRequest, deployment: str) -> Client:
    """A client of the API in one deployment."""
    client: Client = request.getfixturevalue(deployment)
    return client


@pytest.fixture(params=SAMPLES, ids=str)
def sample(request: pytest.FixtureRequest) -> Sample:
    """Each resource in turn."""
    kind: Sample = request.param
    return kind
