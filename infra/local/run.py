"""`make run`: the database, its tables, the sample data, the development issuer and the API.

This process starts two others, the database and the API, starts the API again when a file of the
app changes, and stops both.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import IO, Any

from chalicelib import oidc
from infra import stages
from infra.errors import CommandError
from infra.local import database, issuer, webhooks
from infra.local.issuer import Issuer

PROJECT = stages.PROJECT
HOST = "127.0.0.1"
DEFAULT_PORT = 8000
LOOK_SECONDS = 0.2
STOP_SECONDS = 10
# The exit status of the API's process if the app cannot be imported (server.py).
NOT_LOADED = 3
# The environment variable with the folder in which the API's process keeps which events are sent.
EVENTS_VARIABLE = "EVENTS_DIR"
# The files of the app, whose change starts the API again.
WATCHED = ("app.py", "chalicelib/**/*.py", ".chalice/config.json")


class Stopped(BaseException):
    """The local server is asked to stop. No handler of errors may catch this."""


# SIGHUP comes when the terminal is closed.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# A signal has come. While the loop of `_serve` runs, only the loop acts on it: an exception from a
# signal handler inside subprocess.Popen.wait can leave its lock acquired, and the next wait hangs.
_stopping, _looping = Event(), Event()


def run(port: int, folder: Path, headers: Path) -> None:
    """Run until stopped by a signal. Raises CommandError, or SettingError for a wrong issuer.

    The development issuer's header files are written to the folder `headers`.
    """
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores SIGHUP.
            signal.signal(number, _stop)
    # The data have names and addresses of persons.
    os.umask(0o077)
    try:
        check_port(port, "PORT", "run")
        _check_folder(folder)
        # Its own issuer, unless the environment names another.
        oidc.check(os.environ, local=True)
        webhooks.receiver(os.environ)
        with _locked(folder), _database(folder) as data:
            signing_in = {} if os.environ.get("OIDC_ISSUER") else _issuer(port, folder, headers)
            events = {EVENTS_VARIABLE: str(_events_folder(folder))}
            _serve(port, folder, headers, environment(data.url) | signing_in | events, data)
    except Stopped:
        pass


def environment(url: str) -> dict[str, str]:
    """The environment of a process that uses the local database at `url`, and no AWS account."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    variables: dict[str, str] = stages.load("local").config.environment_variables
    return (
        own
        | variables
        | {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_DYNAMODB": url,
            "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": url,
            # server.py serves the files of the docs page, so that the page works offline.
            "DOCS_ASSETS": "/docs/assets",
            # A proxy does not reach the loopback address of this machine.
            "NO_PROXY": HOST,
            "no_proxy": HOST,
        }
    )


def default_folder() -> Path:
    """The folder of the data, unless DATA_DIR names another."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "storefront"


def database_url(folder: Path) -> str:
    """The URL of the database of a running `make run`. Raises CommandError if none runs.

    The file `url` alone does not tell: one that was killed leaves it, and another program's server
    may use the port by now.
    """
    try:
        if _is_locked(folder) and (url := (folder / "url").read_text()):
            return url
    except OSError:
        pass
    raise CommandError(f"No make run uses the data in {folder}; start it with make run.")


def command(port: int) -> list[str]:
    """The command line of the API's process."""
    return [sys.executable, "-m", "infra.local.server", str(port)]


def is_listening(port: int) -> bool:
    """Whether a connection to a port of this machine is accepted."""
    try:
        with socket.create_connection((HOST, port)):
            return True
    except OSError:
        return False


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process with SIGTERM, or else with SIGKILL, and close its pipes."""
    with process:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _issuer(port: int, folder: Path, headers: Path) -> dict[str, str]:
    """The environment of an API that accepts the tokens of the development issuer.

    The keys are given, because the API would have to wait for itself to fetch them.
    """
    url = f"http://{HOST}:{port}{issuer.PATH}"
    try:
        key = issuer.make_key(folder)
        development = Issuer(url, key)
        issuer.write_headers(development, headers)
    except OSError as error:
        raise CommandError(
            f"{error.filename} cannot be used ({error.strerror}): the development issuer has its "
            "key in DATA_DIR, and its header files for curl in HEADERS_DIR."
        ) from None
    except ValueError:
        raise CommandError(
            f"{folder / issuer.KEY_FILE} is damaged: delete it. A new key is made then, and tokens "
            "of the old one are not valid any more."
        ) from None
    return {
        "OIDC_ISSUER": url,
        "OIDC_AUDIENCE": issuer.AUDIENCE,
        "OIDC_ROLES": "roles",
        "OIDC_KEYS": json.dumps(development.keys),
        "DOCS_CLIENT_ID": "docs",
        issuer.KEY_VARIABLE: str(key),
    }


def _stop(*_: object) -> None:
    # Further signals are ignored, because the first one has begun the stopping.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    _stopping.set()
    if not _looping.is_set():
        raise Stopped


def check_port(port: int, variable: str, target: str) -> None:
    """Check that a port of this machine is free. Raises CommandError.

    The message names the environment variable that has the port, and the target of make.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise CommandError(
                f"You have no permission to use port {port}; try {variable}={DEFAULT_PORT} "
                f"make {target}."
            ) from None
        except OSError:
            other = port + 1 if port + 1 < 2**16 else DEFAULT_PORT
            raise CommandError(
                f"Port {port} is taken; stop what uses it, or try {variable}={other} make {target}."
            ) from None


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("lock", "database.log", "url"):
            with (folder / name).open("a"):
                pass
        state = folder / database.STATE
        if state.exists():
            state.chmod(0o600)
    except OSError as error:
        raise CommandError(
            f"The data cannot be kept in {folder} ({error.strerror}: {error.filename}); "
            "name a folder that you can write to: DATA_DIR=folder make run."
        ) from None
    if state.exists() and not database.is_readable_state(state):
        raise CommandError(
            f"{state} cannot be read: it is damaged, or was written by another version. Restore "
            "it, or move it away to start with new data."
        )


def _events_folder(folder: Path) -> Path:
    """A new folder for what belongs to the streams of this database, which are in memory."""
    events = folder / "events"
    shutil.rmtree(events, ignore_errors=True)
    events.mkdir()
    return events


@contextmanager
def _locked(folder: Path) -> Iterator[IO[str]]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(
                f"The data in {folder} are in use by another make run; "
                "stop that one, or use other data: DATA_DIR=folder make run."
            ) from None
        (folder / "url").unlink(missing_ok=True)
        yield lock


def _is_locked(folder: Path) -> bool:
    """Whether a `make run` uses a folder. Raises OSError."""
    with (folder / "lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def _database(folder: Path) -> Iterator[database.Database]:
    try:
        if (folder / database.UNCLEAN).exists():
            print(
                "The last make run was killed: what was written in its last moments may be "
                "missing.",
                flush=True,
            )
        data = database.start(folder, folder / "database.log")
        (folder / database.UNCLEAN).touch()
    except (OSError, RuntimeError) as error:
        raise CommandError(str(error)) from None
    messages = Thread(target=_print_messages, args=(data.process.stdout,), daemon=True)
    messages.start()
    try:
        (folder / "url").write_text(data.url)
        yield data
    finally:
        (folder / "url").unlink(missing_ok=True)
        data.process.terminate()
        # No time limit: killing it while it saves would lose data.
        data.process.wait()
        messages.join()


def _print_messages(lines: IO[str]) -> None:
    for line in lines:
        print(line, end="", flush=True)


def _serve(
    port: int, folder: Path, headers: Path, variables: dict[str, str], data: database.Database
) -> None:
    """Serve the API, and start it again after each change of its files, until something ends."""
    parent = os.getppid()
    announced = False
    _looping.set()
    while True:
        # Before the app is loaded, so that no change during the loading is missed.
        files = _modification_times()
        api = subprocess.Popen(
            command(port), cwd=PROJECT, env=variables, stdin=subprocess.PIPE, start_new_session=True
        )
        try:
            while _modification_times() == files:
                _check_alive(api, data, folder)
                # If make was killed, Ctrl-C does not reach this process any more.
                orphaned = os.environ.get("MAKELEVEL") and os.getppid() != parent
                if orphaned or _stopping.is_set():
                    raise Stopped
                if not announced and is_listening(port):
                    _announce(port, folder, headers, variables["OIDC_ISSUER"])
                    announced = True
                _wait(api, data)
        finally:
            stop(api)
        print("A file has changed: loading the app again.", flush=True)


def _announce(port: int, folder: Path, headers: Path, issuer_url: str) -> None:
    print(
        f"Storefront is ready: curl http://{HOST}:{port}/products (README.md has more). "
        f"Data: {folder}. Ctrl-C stops it.",
        flush=True,
    )
    if issuer_url == oidc.NO_AUTH:
        print("OIDC_ISSUER is none: every caller is staff.", flush=True)
    elif issuer_url.endswith(issuer.PATH):
        name = os.path.relpath(headers, PROJECT)
        print(
            f"Sign in as Sue (staff), Ada or Bob (customers): http://{HOST}:{port}/docs, or curl "
            f"-H @{name}/sue http://{HOST}:{port}/users",
            flush=True,
        )
    else:
        print(f"Callers sign in with {issuer_url}.", flush=True)
    if url := os.environ.get("WEBHOOK_URL"):
        print(f"Each change is sent to {url}.", flush=True)
    print("Open the shop in a browser with make web, in another terminal.", flush=True)


def _check_alive(api: subprocess.Popen[bytes], data: database.Database, folder: Path) -> None:
    """Raise CommandError if a process has ended, except for an app that could not be loaded."""
    if data.process.poll() is not None:
        raise CommandError(
            f"The database has stopped; {folder / 'database.log'} may have the reason. What was "
            "written in its last moments may be missing. Start again with make run."
        )
    if api.poll() not in (None, NOT_LOADED):
        raise CommandError(
            f"The API has stopped, with status {api.returncode}; the message above has the reason."
        )


def _modification_times() -> dict[Path, int]:
    times = {}
    for pattern in WATCHED:
        for file in PROJECT.glob(pattern):
            try:
                times[file] = file.stat().st_mtime_ns
            except FileNotFoundError:  # An editor is replacing the file.
                continue
    return times


def _wait(api: subprocess.Popen[bytes], data: database.Database) -> None:
    """Wait LOOK_SECONDS, or until a process ends."""
    ended = data.process if api.returncode == NOT_LOADED else api
    try:
        ended.wait(LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return
