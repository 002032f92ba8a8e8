"""`make run`: it starts with what it needs, stops all that it started, and loses nothing."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from chalicelib.webhooks.signature import new_secret
from infra.errors import CommandError
from infra.local import run, webhooks
from tests.client import Client
from tests.conftest import (
    OLD_FILES,
    PROJECT,
    SHELL,
    Launch,
    Local,
    checkout,
    client_of,
    free_port,
)
from tests.processes import change, children_of, command_of, eventually, is_alive
from tests.receivers import Handler, Receiver, Request, hang

UNCLEAN = "The last make run was killed: what was written in its last moments may be missing.\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project whose files may be changed."""
    return checkout(tmp_path / "checkout")


def test_first_and_second_start(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first start has sample data; both end without a process left, and what changed is kept.

    A profile, an endpoint, a proxy and a stage of the user's own do not reach the local server.
    """
    for name, value in {
        "AWS_PROFILE": "nobody",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "STAGE": "prod",
    }.items():
        monkeypatch.setenv(name, value)
    first = launch(tmp_path)
    line = first.read_until("ready")
    children = children_of(first.process.pid)

    assert first.said == [line]
    for part in (f"curl http://127.0.0.1:{first.port}/products", "README.md", str(tmp_path)):
        assert part in line
    assert "Ctrl-C" in line
    assert first.api.get("/").json["stage"] == "local"
    counts = {p: len(first.api.get(p).json["items"]) for p in ("/users", "/products", "/reviews")}
    assert counts == {"/users": 4, "/products": 4, "/reviews": 3}
    # Two databases in one folder would overwrite each other's data.
    output = refusal(launch, tmp_path, free_port())
    assert output.startswith(f"The data in {tmp_path} are in use by another make run; ")

    first.api.delete("/products/kettle")
    item = first.api.create("/todos", {"task": "Dust"})
    first.process.send_signal(signal.SIGINT)
    assert first.end() == 0
    assert len(children) == 2
    assert not any(is_alive(child) for child in children)

    second = launch(tmp_path)
    second.read_until("ready")
    children = children_of(second.process.pid)
    assert second.api.get(f"/todos/{item['id']}").json == item
    assert second.api.get("/products/kettle").status == 404
    assert second.api.get("/products/teapot").status == 200
    second.process.send_signal(signal.SIGTERM)
    assert second.end() == 0
    assert not any(is_alive(child) for child in children)


STOP = """
import signal
from infra.local import run
{before}
run._stop(signal.SIGTERM, None)
assert run._stopping.is_set()
print("not raised")
"""


@pytest.mark.parametrize(
    ("before", "said"), [("", "Stopped"), ("run._looping.set()", "not raised")]
)
def test_signal_handler(before: str, said: str) -> None:
    """It interrupts the start, and no waiting of the loop, whose lock it could leave acquired."""
    result = subprocess.run(
        [sys.executable, "-c", STOP.format(before=before)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert said in result.stdout + result.stderr


def test_reload_after_a_change(launch: Launch, project: Path) -> None:
    """A reload serves the new code over the same data, which may lie in the checkout."""
    local = launch(project / "data", project=project)
    local.read_until("ready")
    for _ in range(3):
        # The files are looked at once a second, and saved no oftener.
        item = local.api.create("/todos", {"task": "Dust"})
        eventually(partial(saved, project / "data", item["id"]))
    version = project / "chalicelib" / "__init__.py"
    change(version, 'version__ = "2.0.0"', 'version__ = "2.1.0"')
    local.read_until("loading the app again")

    eventually(lambda: answers(local.api) and local.api.get("/").json["version"] == "2.1.0")
    assert local.api.get(f"/todos/{item['id']}").json == item
    assert local.stop() == 0
    assert "".join(local.said).count("again") == 1


def refusal(launch: Launch, folder: Path, port: Any, **variables: str) -> str:
    """The one line that it prints before it ends with status 1."""
    local = launch(folder, port, **variables)
    assert local.end() == 1
    (output,) = local.said
    assert output.count("\n") == 1
    return output


def test_taken_port_is_reported(launch: Launch, local: Local, tmp_path: Path) -> None:
    """The sentence names the port, and another one to try."""
    port = local.port

    output = refusal(launch, tmp_path, port)

    assert output == f"Port {port} is taken; stop what uses it, or try PORT={port + 1} make run.\n"


@pytest.mark.parametrize("port", ["abc", "-1", "0", "65536", "80 80"])
def test_invalid_port(launch: Launch, tmp_path: Path, port: str) -> None:
    """The message has the value, and the range of ports."""
    output = refusal(launch, tmp_path, port)

    assert output.startswith("Invalid value for '--port' (env var: 'PORT'): ")
    assert port in output


@pytest.mark.parametrize("name", ["lock", "database.log", "url", "dynamodb.json"])
def test_folder_in_place_of_a_file(launch: Launch, tmp_path: Path, name: str) -> None:
    """The message names the file, and how to use another folder or to start over."""
    (tmp_path / name).mkdir()

    output = refusal(launch, tmp_path, free_port())

    assert str(tmp_path / name) in output
    assert "DATA_DIR=folder make run" in output or "move it away" in output


def test_folder_that_cannot_be_created(launch: Launch, tmp_path: Path) -> None:
    """The message names the folder, the reason, and how to use another one."""
    (tmp_path / "file").touch()

    output = refusal(launch, tmp_path / "file" / "data", free_port())

    assert output.startswith(f"The data cannot be kept in {tmp_path}/file/data (Not a directory: ")
    assert output.endswith("name a folder that you can write to: DATA_DIR=folder make run.\n")


@pytest.mark.parametrize(
    "state",
    [
        '{"tables":',
        "[]",
        "5",
        "{}",
        '{"tables": {}}',
        '{"__ministack_format__": 9, "payload": {"tables": {"__account_region_scoped__": true}}}',
        '{"__ministack_format__": 2, "payload": {"tables": {}}}',
    ],
)
def test_state_file_that_cannot_be_read(launch: Launch, tmp_path: Path, state: str) -> None:
    """A damaged file, or one of another version, is not overwritten."""
    (tmp_path / "dynamodb.json").write_text(state)

    output = refusal(launch, tmp_path, free_port())

    assert output.startswith(f"{tmp_path}/dynamodb.json cannot be read: ")
    assert (tmp_path / "dynamodb.json").read_text() == state


def test_old_python_is_rejected(project: Path, tmp_path: Path) -> None:
    """It ends with a sentence before it installs anything."""
    (project / ".venv").unlink()
    old = tmp_path / "python-old"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)

    result = subprocess.run(
        ["make", "run", f"PYTHON={old}"],
        cwd=project,
        env=SHELL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode != 0
    assert f"needs Python 3.11 or later, and {old} is Python 3.9.2" in result.stderr
    assert not (project / ".venv").exists()


def saved(folder: Path, key: str) -> bool:
    """Whether the database has written an item to disk."""
    state = folder / "dynamodb.json"
    return state.exists() and key in state.read_text()


def answers(api: Client) -> bool:
    """Whether the API can be reached."""
    with suppress(OSError):
        return api.get("/health").status == 200
    return False


def child(local: Local, module: str) -> int:
    """The process id of the child that runs a module."""
    (found,) = (each for each in children_of(local.process.pid) if module in command_of(each))
    return found


@pytest.mark.parametrize(
    "victims",
    [
        ("run",),
        ("infra.local.database",),
        ("infra.local.server",),
        ("run", "infra.local.database", "infra.local.server"),
    ],
    ids=" and ".join,
)
def test_killed_processes(launch: Launch, tmp_path: Path, victims: tuple[str, ...]) -> None:
    """Whatever is killed, no process is left, and no write is lost without a message."""
    first = launch(tmp_path)
    first.read_until("ready")
    children = children_of(first.process.pid)
    old = first.api.create("/todos", {"task": "Dust"})
    eventually(lambda: saved(tmp_path, old["id"]))
    killed = [child(first, name) for name in victims if name != "run"]
    items = [first.api.create("/todos", {"task": f"{n}"}) for n in range(20)]
    for process in [*([first.process.pid] if "run" in victims else []), *killed]:
        os.kill(process, signal.SIGKILL)
    status = first.end()
    eventually(lambda: not any(is_alive(each) for each in children))
    if victims == ("infra.local.database",):
        assert status == 1
        assert "The database has stopped" in first.said[-1]

    second = launch(tmp_path)
    second.read_until("ready")
    assert second.api.get(f"/todos/{old['id']}").json == old
    statuses = {second.api.get(f"/todos/{item['id']}").status for item in items}
    if statuses != {200}:
        assert UNCLEAN in second.said
        assert "infra.local.database" in victims
    if "infra.local.database" not in victims:
        assert UNCLEAN not in second.said
    assert second.stop() == 0
    assert not (tmp_path / "unclean").exists()


def test_full_disk(tmp_path: Path) -> None:
    """A save that fails is reported on the console, repeated, and never hides a loss."""

    def limit() -> None:
        # No file may grow over this size: as on a full disk, writing fails.
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    port = free_port()
    local = Local(tmp_path, port, preexec=limit)
    local.read_until("ready")
    acknowledged = [
        local.api.create("/reviews", {"review": "x" * 4000, "name": "Ada"}) for _ in range(60)
    ]
    line = local.read_until("The data cannot be saved")
    assert "is lost when make run ends" in line
    for review in acknowledged[:-1]:
        local.api.delete(f"/reviews/{review['id']}")
    local.read_until("The data are saved again.")
    kept = acknowledged[-1]
    for _ in range(60):
        local.api.create("/reviews", {"review": "x" * 4000, "name": "Ada"})
    assert local.stop() == 0
    assert "The last writes are lost" in local.said[-1]

    second = Local(tmp_path, port)
    second.read_until("ready")
    assert second.api.get(f"/reviews/{kept['id']}").json == kept
    assert UNCLEAN in second.said
    assert second.stop() == 0


def test_killed_make(tmp_path: Path) -> None:
    """If make is killed, what it started ends, too, and the data are saved."""
    port = free_port()
    environment = SHELL | {"PORT": str(port), "DATA_DIR": str(tmp_path)}
    with subprocess.Popen(
        ["make", "run", *OLD_FILES],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as make:
        assert make.stdout
        assert "ready" in make.stdout.readline()
        (run,) = children_of(make.pid)
        processes = [run, *children_of(run)]
        make.kill()
        eventually(lambda: not any(is_alive(process) for process in processes))
    assert not (tmp_path / "unclean").exists()


def test_early_interrupt() -> None:
    """Ctrl-C while the command is still being imported prints no stack trace."""
    for milliseconds in (50, 100, 150, 200, 300):
        result = subprocess.run(
            [
                *("timeout", "--signal=INT", f"{milliseconds / 1000}"),
                *(sys.executable, "-m", "infra", "run", "--help"),
            ],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "infra/" not in result.stderr


def test_model_change_while_running(launch: Launch, project: Path) -> None:
    """A new filter and a new range work without a restart: their indexes are created."""
    local = launch(project / "data", project=project)
    local.read_until("ready")
    models = project / "chalicelib" / "models.py"
    change(models, '] = ""\n', '] = ""\n    stock: Annotated[int, Meta(ge=0)] = 0\n')
    change(models, 'ranges=("price",)', 'ranges=("price", "stock"), filters=("stock",)')
    local.read_until("loading the app again")
    eventually(lambda: answers(local.api) and local.api.get("/products?stock=7").status == 200)

    made = local.api.create("/products", {"name": "Cup", "price": 1, "stock": 7})

    assert local.api.get("/products?stock=7").json["items"] == [made]
    assert local.api.get("/products?minStock=7").json["items"] == [made]
    assert local.api.get("/products?minStock=8").json["items"] == []
    assert local.api.get("/products/teapot").json["stock"] == 0
    # Older items have the default, in the new index, too.
    listed = local.api.get("/products?sort=stock").json["items"]
    assert [item["stock"] for item in listed] == [0, 0, 0, 0, 7]
    assert local.stop() == 0


def test_mistakes_can_be_corrected_while_running(launch: Launch, project: Path) -> None:
    """A syntax error is printed, a wrong declaration is a sentence; correct files are loaded."""
    local = launch(project / "data", project=project)
    local.read_until("ready")
    api = project / "chalicelib" / "http" / "api.py"
    change(api, "class Api(Chalice):", "class Api(Chalice:")
    local.read_until("The app could not be loaded. It is loaded again when a file changes.")
    assert any("SyntaxError" in line for line in local.said)
    local.said.clear()
    change(api, "class Api(Chalice:", "class Api(Chalice):")
    models = project / "chalicelib" / "models.py"
    change(models, 'ranges=("price",)', 'ranges=("name",)')
    line = local.read_until("cannot be in ranges")
    assert line == "Product in models.py: name cannot be in ranges: its type is not a number.\n"
    assert not any("Traceback" in output for output in local.said)
    change(models, 'ranges=("name",)', 'ranges=("price",)')
    local.read_until("loading the app again")

    eventually(lambda: answers(local.api))
    assert local.stop() == 0


def test_changes_are_sent_to_the_webhook(launch: Launch) -> None:
    """Signed, until the receiver accepts them; one that it hangs on delays no other."""
    secret = new_secret()
    failures = iter([500, 302])

    def answer(handler: Handler) -> None:
        request = handler.receiver.requests[-1]
        if b'"hanging"' in request.body:
            hang(handler)
        handler.respond(next(failures, 204))

    with Receiver().running() as receiver:
        receiver.answer = answer
        url = f"http://127.0.0.1:{receiver.port}/hook"
        local = launch(WEBHOOK_URL=url, WEBHOOK_SECRET=secret)
        assert url in local.read_until("Each change is sent to")

        local.api.create("/products", {"id": "hanging", "name": "Cup", "price": 5})
        local.api.create("/products", {"id": "cup", "name": "Cup", "price": 5})

        eventually(lambda: len([each for each in receiver.requests if names(each, "cup")]) == 3)
        sent = [each for each in receiver.requests if names(each, "cup")]
        assert all(each.is_signed_with(secret) for each in sent)
        assert len({each.headers["webhook-id"] for each in sent}) == 1
        assert {each.path for each in sent} == {"/hook"}
        lines = [json.loads(local.read_until(f'"webhook":"{url}"')) for _ in sent]
        assert [(line["attempt"], line["status"]) for line in lines] == [
            (1, 500),
            (2, 302),
            (3, 204),
        ]
        assert [line.get("retrySeconds") for line in lines] == [0.1, 0.5, None]
        # The delivery that hangs does not hold up the end: it would take all of this time.
        started = monotonic()
        local.stop()
        assert monotonic() - started < run.STOP_SECONDS


def test_event_that_is_put_twice_ends_no_worker() -> None:
    """It may be in the file of an earlier process and in the stream."""
    with Receiver().running() as receiver:
        to = webhooks.receiver(
            {
                "WEBHOOK_URL": f"http://127.0.0.1:{receiver.port}/hook",
                "WEBHOOK_SECRET": new_secret(),
            }
        )
        assert to
        sender = webhooks.Sender(to)
        events = [json.dumps({"id": f"{n}", "type": "product.created"}) for n in range(10)]
        for event in [*events, *events]:
            sender.send(event.encode())

        eventually(lambda: len(receiver.requests) == 20)


def names(request: Request, key: str) -> bool:
    """Whether a request's event is about an item."""
    return bool(json.loads(request.body)["subject"] == key)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"WEBHOOK_URL": "http://127.0.0.1:9000/hook"}, "WEBHOOK_SECRET is not set"),
        ({"WEBHOOK_SECRET": new_secret()}, "WEBHOOK_URL is not set"),
        ({"WEBHOOK_URL": "127.0.0.1:9000", "WEBHOOK_SECRET": new_secret()}, "must be an http://"),
        ({"WEBHOOK_URL": "http://a:b/", "WEBHOOK_SECRET": new_secret()}, "must be an http://"),
        ({"WEBHOOK_URL": "http://[a/", "WEBHOOK_SECRET": new_secret()}, "must be an http://"),
        ({"WEBHOOK_URL": "http://a/b c", "WEBHOOK_SECRET": new_secret()}, "without spaces"),
        ({"WEBHOOK_URL": "http://a:b@c/", "WEBHOOK_SECRET": new_secret()}, "without a user"),
        ({"WEBHOOK_URL": "http://a/", "WEBHOOK_SECRET": " "}, "WEBHOOK_SECRET is not set"),
        ({"WEBHOOK_URL": "http://a/", "WEBHOOK_SECRET": "hunter2"}, "WEBHOOK_SECRET cannot be"),
    ],
)
def test_wrong_webhook(
    launch: Launch, tmp_path: Path, variables: dict[str, str], words: str
) -> None:
    """It is one sentence, without the secret."""
    output = refusal(launch, tmp_path, free_port(), **variables)

    assert words in output
    assert "hunter2" not in output


def test_changes_are_events_on_the_console(launch: Launch) -> None:
    """As other systems would hear of them, and without what a client sent."""
    local = launch()
    local.read_until("ready")

    local.api.create("/products", {"id": "mug", "name": "Secret mug", "price": 5})
    local.api.patch("/products/mug", {"price": 6})
    created = json.loads(local.read_until("product.created"))
    updated = json.loads(local.read_until("product.updated"))

    assert (created["subject"], updated["changed"]) == ("mug", ["price"])
    assert "Secret" not in "".join(local.said)


def test_reload_loses_no_event(launch: Launch, project: Path) -> None:
    """Changes just before, while and after the app is loaded again reach the receiver."""
    secret = new_secret()
    with Receiver().running() as receiver:
        failures = iter([503] * 3)
        receiver.answer = lambda handler: handler.respond(next(failures, 204))
        url = f"http://127.0.0.1:{receiver.port}/hook"
        local = launch(project=project, WEBHOOK_URL=url, WEBHOOK_SECRET=secret)
        local.read_until("ready")
        keys = [f"p{n}" for n in range(30)]
        for number, key in enumerate(keys):
            if number % 10 == 5:
                (project / "chalicelib" / "models.py").touch()
            created = None
            while not created:
                with suppress(OSError):
                    created = local.api.post("/products", {"id": key, "name": "Cup", "price": 5})
            # The response of a create was lost if the API ended in between.
            assert created.status in (201, 409)
        eventually(lambda: all(any(names(r, key) for r in receiver.requests) for key in keys))
        local.read_until("A file has changed")


def test_odd_record_does_not_hide_the_others(launch: Launch, tmp_path: Path) -> None:
    """A row that the app did not write is reported, and the changes after it are announced."""
    local = launch(tmp_path)
    local.read_until("ready")
    client = client_of((tmp_path / "url").read_text())
    requests = [
        {"PutRequest": {"Item": {"id": {"S": "a"}, "odd": {"SS": ["x"]}}}},
        {"PutRequest": {"Item": {"id": {"S": "b"}}}},
    ]
    client.batch_write_item(RequestItems={"storefront-local-products": requests})
    local.api.create("/products", {"id": "mug", "name": "Mug", "price": 5})

    assert json.loads(local.read_until("product.created"))["subject"] == "mug"
    assert any('"KeyError"' in line for line in local.said)


def test_second_make_run_leaves_the_first_alone(launch: Launch, tmp_path: Path) -> None:
    """A refused `make run` on the same folder breaks no command on the data of the first."""
    first = launch(tmp_path)
    first.read_until("ready")

    assert "are in use by another make run" in refusal(launch, tmp_path, free_port())
    assert run.database_url(tmp_path) == (tmp_path / "url").read_text()


def test_stale_url_is_not_believed(launch: Launch, tmp_path: Path) -> None:
    """After a kill, the port may be another database's."""
    local = launch(tmp_path)
    local.read_until("ready")
    children = children_of(local.process.pid)
    local.process.kill()
    local.end()
    eventually(lambda: not any(is_alive(each) for each in children))

    assert (tmp_path / "url").exists()
    with pytest.raises(CommandError, match="No make run uses the data"):
        run.database_url(tmp_path)


def test_closed_terminal_stops_it(launch: Launch, tmp_path: Path) -> None:
    """SIGHUP ends it as SIGTERM does, and the data are saved."""
    local = launch(tmp_path)
    local.read_until("ready")
    local.process.send_signal(signal.SIGHUP)

    assert local.end() == 0
    assert not (tmp_path / "unclean").exists()


def test_data_are_private(launch: Launch, tmp_path: Path) -> None:
    """No other user of the machine reads names and addresses, also those of an older version."""
    (tmp_path / "database.log").touch(mode=0o644)
    local = launch(tmp_path)
    local.read_until("ready")
    key = local.api.create("/todos", {"task": "Dust"})["id"]
    eventually(lambda: saved(tmp_path, key))
    local.stop()
    (tmp_path / "dynamodb.json").chmod(0o644)
    launch(tmp_path).read_until("ready")

    assert stat.S_IMODE((tmp_path / "dynamodb.json").stat().st_mode) == 0o600


def test_header_folder_that_cannot_be_used(launch: Launch, tmp_path: Path) -> None:
    """The message names the file, the reason and the variable."""
    (tmp_path / "headers").touch()
    output = refusal(launch, tmp_path, free_port(), HEADERS_DIR=str(tmp_path / "headers"))

    assert output.startswith(f"{tmp_path / 'headers'} cannot be used (File exists): ")
    assert "header files for curl in HEADERS_DIR" in output


def test_damaged_key_of_the_issuer(launch: Launch, tmp_path: Path) -> None:
    """The message says what to delete, without a word of a library's."""
    (tmp_path / "issuer-key.pem").write_text("-----BEGIN PRIVATE KEY-----\nx\n")
    output = refusal(launch, tmp_path, free_port())

    assert output.startswith(f"{tmp_path / 'issuer-key.pem'} is damaged: delete it.")


def test_command_without_its_packages() -> None:
    """`make run` installs less than developing needs: the sentence names the command of make."""
    code = "import sys; sys.modules['boto3'] = None; from infra.cli import main; sys.exit(main())"
    result = subprocess.run(
        [sys.executable, "-c", code, "tables", "--stage", "dev"],
        cwd=PROJECT,
        env=SHELL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    assert result.stderr.startswith("The package boto3 is not installed: this command needs")
    assert "Traceback" not in result.stderr
