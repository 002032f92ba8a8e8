"""`make run`: the database, its tables, the sample data and the API, started and stopped as one.

`PORT` (8000) is the API's, on loopback. `DATA_DIR` is where the database is kept; by default that
is a folder of the user's own, outside the checkout.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

from chalice.cli.filewatch import RESTART_REQUEST_RC

from chalicelib.errors import SettingError
from infra import database, stages
from infra.command import Refused

PROJECT = stages.PROJECT
HOST = "127.0.0.1"
LOOK_SECONDS = 0.1
STOP_SECONDS = 10


class Stopped(BaseException):
    """Somebody asks the local server to stop. No handler of errors shall catch it."""


def main() -> int:
    """Run until stopped. Returns the exit status: 0 when asked to stop, 1 on a failure."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        port = _port(os.environ.get("PORT", "8000"))
        folder = _folder(os.environ.get("DATA_DIR") or _default_folder())
        with _locked(folder), _database(folder) as data:
            _prepare(data)
            _serve(port, folder, data)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except Stopped:
        pass
    return 0


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
            # gateway.py has the files of the docs page, so that it works offline.
            "DOCS_ASSETS": "/docs/assets",
            # A proxy for the world outside is none for loopback.
            "NO_PROXY": HOST,
            "no_proxy": HOST,
        }
    )


def database_url() -> str:
    """The URL of the database that a running `make run` has started. Raises Refused without one."""
    folder = Path(os.environ.get("DATA_DIR") or _default_folder()).expanduser().absolute()
    try:
        return (folder / "url").read_text()
    except OSError:
        raise Refused(f"Nothing runs with the data in {folder}; start it with make run.") from None


def command(port: int, *options: str) -> list[str]:
    """The command line of `chalice local` on a port."""
    module = [sys.executable, "-m", "infra.gateway"]
    return [*module, "local", "--stage", "local", "--host", HOST, "--port", str(port), *options]


def answers(port: int) -> bool:
    """Whether the API is there: `chalice local` listens once it has loaded the app."""
    try:
        with socket.create_connection((HOST, port)):
            return True
    except OSError:
        return False


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process, in good order if it can, and close its pipes."""
    with process:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _stop(*_: object) -> NoReturn:
    # Once is enough: what follows is the stopping itself.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**16):
        raise Refused(f"PORT is {text!r}; it must be a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(text)))
        except PermissionError:
            raise Refused(f"Port {text} is not allowed to you; try PORT=8000 make run.") from None
        except OSError:
            other = int(text) + 1 if int(text) + 1 < 2**16 else 8000
            message = f"Port {text} is taken; stop what uses it, or try PORT={other} make run."
            raise Refused(message) from None
    return int(text)


def _default_folder() -> str:
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return str(Path(home) / "storefront")


def _folder(name: str) -> Path:
    folder = Path(name).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lock").touch()
    except OSError as error:
        raise Refused(
            f"The data cannot be kept in {folder} ({error.strerror}); "
            "name a folder that you can write to: DATA_DIR=folder make run."
        ) from None
    state = folder / "dynamodb.json"
    try:
        json.loads(state.read_bytes() if state.exists() else b"{}")
    except ValueError:
        raise Refused(f"{state} is damaged; restore it or move it away, and start again.") from None
    return folder


@contextmanager
def _locked(folder: Path) -> Iterator[IO[str]]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(
                f"The data in {folder} are in use by another make run; "
                "stop that one, or use other data: DATA_DIR=folder make run."
            ) from None
        yield lock


@contextmanager
def _database(folder: Path) -> Iterator[database.Database]:
    log = folder / "database.log"
    try:
        data = database.start(folder, log)
    except RuntimeError as error:
        raise Refused(str(error)) from None
    try:
        (folder / "url").write_text(data.url)
        yield data
    finally:
        (folder / "url").unlink(missing_ok=True)
        stop(data.process)


def _prepare(data: database.Database) -> None:
    """The tables, and the sample data the first time."""
    variables = environment(data.url)
    os.environ.clear()
    os.environ.update(variables)
    try:
        # Only now: they read the environment when they are imported.
        from chalicelib.dynamodb import client
        from infra import sample_data, tables
    except SettingError as error:
        raise Refused(str(error)) from None
    tables.create(client)
    sample_data.load_once(client)


def _serve(port: int, folder: Path, data: database.Database) -> None:
    """Serve the API, again after each change of its files, until something ends."""
    variables = os.environ | {"CHALICE_WORKER": "true"}
    announce: Callable[..., None] | None = print
    while True:
        api = subprocess.Popen(
            command(port), cwd=PROJECT, env=variables, stdin=subprocess.PIPE, start_new_session=True
        )
        try:
            while api.poll() is None and data.process.poll() is None:
                if announce and answers(port):
                    announce(
                        f"Storefront is ready: curl http://{HOST}:{port}/products (README.md says "
                        f"more). Data: {folder}. Ctrl-C stops it.",
                        flush=True,
                    )
                    announce = None
                _wait(api)
        finally:
            stop(api)
        if data.process.poll() is not None:
            raise Refused(
                f"The database stopped by itself; {folder / 'database.log'} may say why. "
                "What was written is kept, but for the last second: start again with make run."
            )
        if api.returncode != RESTART_REQUEST_RC:
            raise Refused(
                f"The API stopped by itself, with status {api.returncode}, as said above."
            )
        print("A file has changed: loading the app again.", flush=True)


def _wait(process: subprocess.Popen[Any]) -> None:
    try:
        process.wait(LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return


if __name__ == "__main__":
    sys.exit(main())
