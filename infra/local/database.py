"""DynamoDB on this machine: ministack's, on loopback, with its data in a folder.

Runs as a separate process, `python -m infra.local.database`. Its first line of output is its
port; every further line is a message for the person at the console. It ends with SIGTERM, or when
its standard input closes, so that it never outlives its parent.

ministack writes its data when it is stopped. A killed process cannot do that, so this one also
writes after each second in which something changed. The file `unclean` exists while it runs: if it
is there at the next start, the last writes may be missing.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Any

from infra.local.loopback import is_local_host

HOST = "127.0.0.1"
PROJECT = Path(__file__).parent.parent.parent
STATE, UNCLEAN = "dynamodb.json", "unclean"
# The format of ministack's file that the pinned version reads and writes.
STATE_FORMAT = 2
SAVE_SECONDS = 1.0
# A large database takes long to write, so at most a tenth of the time is spent on that.
SAVE_SHARE = 10

READS = {
    *(b"GetItem", b"Query", b"Scan", b"BatchGetItem", b"TransactGetItems"),
    *(b"DescribeStream", b"GetRecords", b"GetShardIterator", b"ListStreams"),
}


class Database:
    """A running database. `url` is the value of AWS_ENDPOINT_URL_DYNAMODB for its clients."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://{HOST}:{port}"


def start(folder: Path | None, log: Path | None = None) -> Database:
    """Start the database and wait until it accepts connections.

    Its data are in `folder`, or in memory if that is None; its log goes to the file `log`. Raises
    RuntimeError if it does not start, and OSError if the log cannot be written.
    """
    environment = os.environ | {
        "SERVICES": "dynamodb,dynamodbstreams",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "ERROR",
        "PERSIST_STATE": "1" if folder else "0",
        "STATE_DIR": str(folder or ""),
    }
    with Path(log or os.devnull).open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            cwd=PROJECT,
            text=True,
            # Ctrl-C in a terminal goes to every process of the group; the parent stops this one.
            start_new_session=True,
        )
    port = process.stdout.readline().strip() if process.stdout else ""
    if not port:
        raise RuntimeError(f"The database did not start; {log or 'its log'} has the reason.")
    return Database(process, int(port))


def is_readable_state(file: Path) -> bool:
    """Whether ministack can load a file. It would start without data and overwrite any other."""
    try:
        state: dict[str, Any] = json.loads(file.read_bytes())
        tables = state["payload"]["tables"]
        scoped = tables["__account_region_scoped__"] is True
        return bool(scoped and state["__ministack_format__"] == STATE_FORMAT)
    except (OSError, ValueError, KeyError, TypeError):
        return False


# A WebSocket's close code (RFC 6455 section 7.4.1).
POLICY_VIOLATION = 1008
REFUSED = (
    b'{"__type":"AccessDeniedException","message":"This database is for programs of this machine '
    b'that call DynamoDB, not for pages in a browser."}'
)


def is_call_of_a_program(scope: Any) -> bool:
    """Whether a request is an API call of DynamoDB that no page in a browser has sent.

    A page sends its `Origin`; one whose name resolves to this machine sends a foreign `Host`. A
    page cannot set `X-Amz-Target` without asking first, which is refused. ministack has other
    paths, one of which deletes all data.
    """
    headers = dict(scope["headers"])
    return bool(
        is_local_host(headers.get(b"host", b"").decode("latin-1"))
        and not headers.keys() & {b"origin", b"sec-fetch-site"}
        and (scope["method"], scope["path"]) == ("POST", "/")
        and headers.get(b"x-amz-target", b"").startswith(b"DynamoDB")
    )


class Saver:
    """ministack's ASGI application, whose data are saved soon after they changed."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.changed = False
        self.failed = False
        self.errors = _Errors()
        logging.getLogger("persistence").addHandler(self.errors)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, and note whether it may have changed the data."""
        if scope["type"] == "websocket":
            # DynamoDB has none; ministack's are those of other services.
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        if scope["type"] == "http" and not is_call_of_a_program(scope):
            headers = [(b"content-type", b"application/x-amz-json-1.0")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSED})
            return
        try:
            await self.app(scope, receive, send)
        finally:
            if scope["type"] == "http":
                target = dict(scope["headers"]).get(b"x-amz-target", b"")
                self.changed |= target.rpartition(b".")[2] not in READS

    async def save_often(self) -> None:
        """Save after each second in which the data changed, or in which saving failed."""
        took = 0.0
        while True:
            await asyncio.sleep(max(SAVE_SECONDS, SAVE_SHARE * took))
            if self.changed:
                started = monotonic()
                # In the event loop, which handles the requests, too: no write is half saved.
                self.save()
                took = monotonic() - started

    def save(self) -> None:
        """Save the data, and say so on the console if that fails or works again."""
        from ministack.core import persistence
        from ministack.services import dynamodb

        self.errors.messages.clear()
        # A thread of ministack's removes expired items.
        with dynamodb._lock:  # noqa: SLF001, it has no public one
            state = dynamodb.get_state()
        persistence.save_state("dynamodb", state)
        failed = bool(self.errors.messages)
        if failed and not self.failed:
            reason = self.errors.messages[0].rpartition(": ")[2]
            print(
                f"The data cannot be saved ({reason}). What was written in the last moments, and "
                "what is written from now on, is lost when make run ends. Saving is tried again.",
                flush=True,
            )
        elif self.failed and not failed:
            print("The data are saved again.", flush=True)
        self.failed = self.changed = failed


class _Errors(logging.Handler):
    """Keeps the messages of errors, which ministack logs instead of raising them."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


async def _serve() -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    # The data have names and addresses of persons.
    os.umask(0o077)
    listener = socket.create_server((HOST, 0))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def stop_at_end_of_input() -> None:
        loop.remove_reader(sys.stdin.fileno())
        stop.set()

    loop.add_reader(sys.stdin.fileno(), stop_at_end_of_input)

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.loglevel = "ERROR"
    config.graceful_timeout = 1
    config.keep_alive_timeout = 75
    saver = Saver(app)
    saving = asyncio.create_task(saver.save_often())
    announcing = asyncio.create_task(_announce(listener.getsockname()[1]))
    await serve(saver, config, shutdown_trigger=stop.wait)
    saving.cancel()
    announcing.cancel()
    folder = os.environ["STATE_DIR"]
    if folder:
        saver.save()
        if saver.failed:
            print("The last writes are lost: the data could not be saved.", flush=True)
        else:
            (Path(folder) / UNCLEAN).unlink(missing_ok=True)


async def _announce(port: int) -> None:
    print(port, flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
