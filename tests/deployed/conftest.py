"""An emulated AWS account, and the project's own commands in it."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import boto3
import pytest
from botocore.config import Config

from infra import stages
from infra.data import tables
from infra.local import run
from tests import sign_in
from tests.client import Client
from tests.conftest import OLD_FILES, PROJECT, SHELL, checkout, free_port
from tests.deployed.templates import REGION, Package
from tests.processes import eventually

# The AWS settings of the shell that started pytest are removed.
CLEAN = {name: value for name, value in SHELL.items() if not name.startswith("AWS_")}
ROOT = ("test", "test")
# The time limit of the two tests that take two minutes.
LONG_SECONDS = 400


class Account:
    """An AWS account on loopback, and a checkout of the project whose commands work in it."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.calls_file = folder / "calls"
        self.project = checkout(folder / "storefront")
        # What the environment of its commands says about access tokens.
        self.issuer = sign_in.VARIABLES

    def client(self, service: str, keys: tuple[str, ...] = ROOT) -> Any:
        """A client with the rights of the account's root, or with other keys."""
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        given: Any = dict(zip(names, keys, strict=False))
        session: Any = boto3.session.Session(region_name=REGION, **given)
        return session.client(
            service,
            endpoint_url=self.url,
            config=Config(s3={"addressing_style": "path"}),
        )

    def make(self, *words: str, keys: tuple[str, ...] = ROOT, typed: str = "") -> str:
        """Run a command, which has to succeed. Returns its output."""
        result = self.start(*words, keys=keys, typed=typed)
        output = result.stdout + result.stderr
        assert result.returncode == 0, output
        return output

    def start(
        self, *words: str, keys: tuple[str, ...] = ROOT, typed: str = "", **variables: str | None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the project's Makefile, with these keys.

        `variables` are added to its environment, and taken out where they are None.
        """
        environment = CLEAN | self.environment(keys) | variables
        return subprocess.run(
            # The packages are those of the `make` that runs this: they are not installed again.
            ["make", *words, *OLD_FILES],
            cwd=self.project,
            env={name: value for name, value in environment.items() if value is not None},
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    def configure(self, **settings: Any) -> None:
        """Change the settings of dev in the checkout."""
        file = self.project / ".chalice" / "config.json"
        declared = json.loads(file.read_text())
        declared["stages"]["dev"]["infra"].update(settings)
        file.write_text(json.dumps(declared))

    def deploy_stack(self) -> str:
        """Package dev and make it a stack. Returns where the emulator serves its API."""
        self.make("package", "STAGE=dev")
        output = self.make("stack", "STAGE=dev", "BUCKET=packages")
        (api_id,) = re.findall(r"responds at https://(\w+)\.execute-api\.[\w.-]+/dev/", output)
        return f"http://{api_id}.execute-api.localhost:{self.port}/dev"

    def chalice(self, *words: str, keys: tuple[str, ...] = ROOT) -> str:
        """Run Chalice's own command, which has to succeed. Returns its output."""
        result = subprocess.run(
            [self.project / ".venv" / "bin" / "chalice", *words],
            cwd=self.project,
            env=CLEAN | self.environment(keys),
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def environment(self, keys: tuple[str, ...] = ROOT) -> dict[str, str]:
        """What leads a process to the account."""
        token = {"AWS_SESSION_TOKEN": keys[2]} if len(keys) > 2 else {}
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": keys[0],
            "AWS_SECRET_ACCESS_KEY": keys[1],
            "AWS_DEFAULT_REGION": REGION,
            "PYTHONPATH": str(PROJECT / "tests" / "deployed" / "site"),
            **self.issuer,
            **token,
        }

    @property
    def calls(self) -> set[tuple[str, str]]:
        """Actions that others than the root have done since the account is there, and on what."""
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        return {(action, arn) for action, _, arn in (line.partition(" ") for line in lines)}


@contextmanager
def running_account(folder: Path, **variables: str) -> Iterator[Account]:
    """An empty account, for a while. Its functions have these variables, too."""
    account = Account(free_port(), folder)
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tests.deployed.emulator"],
            cwd=PROJECT,
            env=CLEAN
            | {
                "AUTH": "true",
                "BIND_HOST": "127.0.0.1",
                "CALLS_FILE": str(account.calls_file),
                "GATEWAY_PORT": str(account.port),
                "IOT_MTLS_ENABLED": "0",
                "S3_DATA_DIR": str(folder / "s3"),
                "SFTP_ENABLED": "0",
                "STATE_DIR": str(folder / "state"),
                **variables,
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            eventually(lambda: process.poll() is not None or run.is_listening(account.port))
            assert process.poll() is None, (folder / "log").read_text()
            yield account
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Package a stage of a checkout, with other settings and more source. Returns dist/STAGE."""

    def make(
        stage: str,
        settings: dict[str, Any] | None = None,
        source: str = "",
        chalice: dict[str, Any] | None = None,
        **variables: str,
    ) -> Path:
        project = checkout(tmp_path_factory.mktemp("package") / "storefront")
        config = project / ".chalice" / "config.json"
        declared = json.loads(config.read_text())
        declared["stages"][stage].setdefault("infra", {}).update(settings or {})
        declared["stages"][stage].update(chalice or {})
        config.write_text(json.dumps(declared))
        app = project / "app.py"
        app.write_text(app.read_text() + source)
        result = subprocess.run(
            ["make", "package", f"STAGE={stage}", *OLD_FILES],
            cwd=project,
            env=CLEAN | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return project / "dist" / stage

    return make


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account of the module's own."""
    with running_account(tmp_path_factory.mktemp("account")) as running:
        yield running


@pytest.fixture
def empty_account(tmp_path: Path) -> Iterator[Account]:
    """An account in which nothing has been done."""
    with running_account(tmp_path) as running:
        yield running


def tables_of(stage: str) -> set[str]:
    """The names of a stage's tables."""
    return {each["TableName"] for each in tables.definitions(stages.load(stage))}


def contract(url: str, authorization: str, marker: str = "") -> str:
    """Run the contract tests with a marker, as staff. Returns pytest's closing line."""
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "tests/contract", "-q", "-m", marker),
            *("--url", url, "--stage", "dev"),
        ],
        cwd=PROJECT,
        env=CLEAN | {"TOKEN": authorization.removeprefix("Bearer ")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-10_000:]
    return result.stdout.splitlines()[-1]


def everything(account: Account) -> dict[str, set[str]]:
    """The names of what is in the account."""
    return {
        "tables": set(account.client("dynamodb").list_tables()["TableNames"]),
        "logs": {
            group["logGroupName"]
            for group in account.client("logs").describe_log_groups()["logGroups"]
        },
        "functions": {
            each["FunctionName"] for each in account.client("lambda").list_functions()["Functions"]
        },
        "APIs": {each["id"] for each in account.client("apigateway").get_rest_apis()["items"]},
        "roles": {each["RoleName"] for each in account.client("iam").list_roles()["Roles"]},
        "queues": set(account.client("sqs").list_queues().get("QueueUrls", [])),
        "buckets": {each["Name"] for each in account.client("s3").list_buckets()["Buckets"]},
        "stacks": {
            each["StackName"]
            for each in account.client("cloudformation").describe_stacks()["Stacks"]
        },
    }


@contextmanager
def reading(api: Client) -> Iterator[Callable[[], int]]:
    """Read an item over and over meanwhile. Gives how often it has been read; fails with a read."""
    place = api.post("/products", {"name": "Teapot", "price": 3}).headers["location"]
    statuses: list[int] = []
    end = Event()

    def read() -> None:
        while not end.is_set():
            statuses.append(api.send("GET", place).status)

    reader = Thread(target=read)
    reader.start()
    try:
        yield lambda: len(statuses)
    finally:
        end.set()
        reader.join()
    assert set(statuses) == {200}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, one on each of two workers: none is left for the end."""
    long: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        mark = item.get_closest_marker("timeout")
        (long if mark and mark.args[0] >= LONG_SECONDS else others).append(item)
    half = len(others) // 2
    items[:] = [*long[::2], *others[:half], *long[1::2], *others[half:]]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the closing lines of the contract's runs."""
    for report in terminalreporter.stats.get("passed", []):
        for name, line in report.user_properties:
            terminalreporter.write_line(f"{name}: {line}")
