"""DynamoDB on a laptop: ministack's, on loopback, kept in a folder.

Runs as a process of its own, `python -m infra.database`. It prints its port when it is ready, and
ends with SIGTERM or when its standard input closes: its parent may die, it may not outlive it.

ministack writes its state when it is stopped. A process that is killed cannot, so this one also
writes after each second in which something changed.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Any

HOST = "127.0.0.1"
SAVE_SECONDS = 1.0
# A large database takes long to write: it is then written less often, not all the time.
SAVE_SHARE = 10

READS = {b"GetItem", b"Query", b"Scan", b"BatchGetItem", b"TransactGetItems"}


class Database:
    """A running database: `url` is what AWS_ENDPOINT_URL_DYNAMODB must say."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://{HOST}:{port}"


def start(folder: Path | None, log: Path | None = None) -> Database:
    """Start the database and wait until it answers.

    It is kept in `folder`, or in memory where there is none. Its own words go to `log`. Raises
    RuntimeError when it ends instead.
    """
    environment = os.environ | {
        "SERVICES": "dynamodb",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "ERROR",
        "PERSIST_STATE": "1" if folder else "0",
        "STATE_DIR": str(folder or ""),
    }
    with Path(log or os.devnull).open("a") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.database"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            env=environment,
            cwd=Path(__file__).parent.parent,
            text=True,
            # Ctrl-C in a terminal goes to every process of the group: the parent stops this one.
            start_new_session=True,
        )
    port = process.stdout.readline().strip() if process.stdout else ""
    if not port:
        raise RuntimeError(f"The database did not start; {log or 'it'} says why.")
    return Database(process, int(port))


async def _serve() -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    listener = socket.create_server((HOST, 0))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin.fileno(), stop.set)

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


async def _announce(port: int) -> None:
    print(port, flush=True)


class Saver:
    """ministack's ASGI application, whose state is written soon after it changed."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.changed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, and note whether it may have changed something."""
        await self.app(scope, receive, send)
        if scope["type"] == "http":
            target = dict(scope["headers"]).get(b"x-amz-target", b"")
            self.changed |= target.rpartition(b".")[2] not in READS

    async def save_often(self) -> None:
        """Write the state after each second in which it changed."""
        from ministack.core import persistence
        from ministack.services import dynamodb

        took = 0.0
        while True:
            await asyncio.sleep(max(SAVE_SECONDS, SAVE_SHARE * took))
            if self.changed:
                self.changed = False
                started = monotonic()
                # In the event loop, where the requests are handled too: no half of a write.
                persistence.save_state("dynamodb", dynamodb.get_state())
                took = monotonic() - started


if __name__ == "__main__":
    asyncio.run(_serve())
