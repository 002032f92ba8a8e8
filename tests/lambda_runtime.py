"""A Lambda function: a folder run by awslambdaric, and the Runtime API that gives it events.

One event at a time, in one thread, so that each moment that is measured is seen when it happens.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import os
import selectors
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from msgspec import Struct

from infra.errors import CommandError
from tests.lambda_connection import Connection

LONGEST_SECONDS = 30.0
DEADLINE_MS = 28_000


class Moment(Struct, frozen=True):
    """Seconds since the function's process was started: on the clock, and of CPU in all threads."""

    wall: float
    cpu: float

    def since(self, earlier: "Moment") -> "Moment":
        """What passed since an earlier moment."""
        return Moment(self.wall - earlier.wall, self.cpu - earlier.cpu)


class Failed(CommandError):
    """The function's process ended, or did not answer in time, or its handler raised."""


class Function:
    """A function's one environment. `ready` is when it first asked for an event.

    It is ended when the `with` block is left.
    """

    def __init__(
        self,
        task: Path,
        handler: str,
        *,
        python: Path,
        environment: dict[str, str],
        cpus: set[int],
    ) -> None:
        self._errors = task.with_suffix(".stderr").open("w+b")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._started = time.perf_counter()
        self.process = subprocess.Popen(
            [python, "-m", "awslambdaric", handler],
            cwd=task,
            env=_environment(task, handler, self._listener.getsockname()[1]) | environment,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
        )
        os.sched_setaffinity(self.process.pid, cpus)
        try:
            self._waiting = self.initialized()
        except Failed:
            self.close()
            raise
        self.ready = self.moment()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        for key in list(self._selector.get_map().values()):
            if key.data:
                key.data.close()
        self._selector.close()
        self._listener.close()
        self._errors.close()

    def moment(self) -> Moment:
        """Now. The clock of another process's CPU is that of clock_getcpuclockid(3)."""
        clock = (~self.process.pid << 3) | 2
        return Moment(time.perf_counter() - self._started, time.clock_gettime(clock))

    def invoke(self, event: bytes) -> tuple[bytes, Moment]:
        """Give it an event. Returns its answer, and when that came.

        Comes back when the function asks for the next event: all that it does for one is done.
        Raises Failed.
        """
        headers = {
            # Without it, awslambdaric crashes.
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": str(uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + DEADLINE_MS),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1::function:bench",
            # As most requests on AWS: X-Ray takes one a second and 5 % of the others.
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
        }
        self._waiting.send("200 OK", headers, event)
        connection, head, body = self._request()
        response = self.moment()
        connection.send("202 Accepted", {}, b"")
        self._waiting = self._next()
        if b"/response " not in head.partition(b"\r\n")[0]:
            raise Failed(body.decode())
        return body, response

    def resident_bytes(self) -> int:
        """What it has in memory (VmRSS), in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) * 1024

    def _next(self) -> Connection:
        """Wait until the function asks for an event. Returns where it waits for it."""
        return self.asked_for(b"/invocation/next ")

    def initialized(self) -> Connection:
        """Wait for the end of the Init phase. Returns where the function waits for an event."""
        return self._next()

    def asked_for(self, path: bytes) -> Connection:
        """Wait for a request of a path. Returns where the function waits for the answer."""
        connection, head, body = self._request()
        if path not in head:
            raise Failed(body.decode())
        return connection

    def _request(self) -> tuple[Connection, bytes, bytes]:
        deadline = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < deadline:
            for key, _ in self._selector.select(timeout=0.5):
                if key.data is None:
                    accepted, _ = self._listener.accept()
                    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connection = Connection(accepted)
                    self._selector.register(accepted, selectors.EVENT_READ, connection)
                    continue
                connection = key.data
                request = connection.receive()
                if request:
                    return connection, *request
                self._selector.unregister(key.fileobj)
                connection.close()
            if self.process.poll() is not None:
                break
        self._errors.seek(0)
        raise Failed(self._errors.read().decode() or "The function did not answer in time.")


def _environment(task: Path, handler: str, port: int) -> dict[str, str]:
    """What Lambda sets.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    return {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/20/[$LATEST]bench",
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_SESSION_TOKEN": "bench" * 150,
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "LAMBDA_TASK_ROOT": str(task),
        "LANG": "en_US.UTF-8",
        "PATH": os.defpath,
        "PYTHONPATH": str(task),
        # /var/task cannot be written; here it could.
        "PYTHONDONTWRITEBYTECODE": "1",
        "TZ": ":UTC",
        "_HANDLER": handler,
    }
