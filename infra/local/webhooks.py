"""The webhook of `make run`: change events as signed requests to a receiver of the developer's.

WEBHOOK_URL and WEBHOOK_SECRET name it. The requests are those of a deployed stage, and the retries
follow SPEEDUP times as fast. Unlike there, the receiver may be on this machine, and without TLS.
What waits is kept while `make run` loads the app again, and is lost when it stops.
"""

import asyncio
import atexit
import json
import re
import ssl
from collections.abc import Mapping
from functools import partial
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from chalicelib import logs
from chalicelib.webhooks import delivery
from chalicelib.webhooks.delivery import Event
from chalicelib.webhooks.signature import SecretError, parse_secret
from infra.errors import CommandError

# The wait between two attempts is divided by it: a day is two and a half minutes.
SPEEDUP = 600
THREADS = 4


class Receiver(Struct, frozen=True):
    """Where events are sent to, and the secrets that sign them."""

    url: SplitResult
    secrets: list[bytes]

    def connection(self) -> HTTPConnection:
        """A connection to its host."""
        host, seconds = self.url.hostname or "", delivery.CONNECT_SECONDS
        if self.url.scheme == "https":
            context = ssl.create_default_context()
            return HTTPSConnection(host, self.url.port or 443, timeout=seconds, context=context)
        return HTTPConnection(host, self.url.port or 80, timeout=seconds)


def receiver(environment: Mapping[str, str]) -> Receiver | None:
    """The receiver that an environment names, if it names one. Raises CommandError."""
    text = environment.get("WEBHOOK_URL", "").strip()
    secrets = environment.get("WEBHOOK_SECRET", "").split()
    if not text and not secrets:
        return None
    if not text or not secrets:
        missing = "WEBHOOK_SECRET" if text else "WEBHOOK_URL"
        raise CommandError(
            f"{missing} is not set, and WEBHOOK_URL and WEBHOOK_SECRET belong together. "
            "make webhook-secret prints a secret."
        )
    try:
        url = urlsplit(text)
        is_usable = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or "@" in url.netloc or not re.fullmatch(r"[!-~]+", text):
        raise CommandError(
            f"WEBHOOK_URL is {text!r}; it must be an http:// or https:// URL without a user and "
            "without spaces, for example http://127.0.0.1:9000/hook."
        )
    try:
        return Receiver(url, [parse_secret(each) for each in secrets])
    except SecretError as error:
        raise CommandError(f"WEBHOOK_SECRET cannot be used. {error}") from None


class Sender:
    """Delivers events to a receiver, in threads of this process that end with it.

    What is not delivered by then is kept in `folder`, for the next process.
    """

    def __init__(self, to: Receiver, folder: Path | None = None) -> None:
        self._receiver = to
        # Whether the receiver has responded with 410: it gets no more events.
        self._is_gone = False
        # The number of the next attempt, and the event, by its id.
        self._waiting: dict[str, tuple[int, Event]] = {}
        # Attempts that are due: the number of each, and the event.
        self._due: SimpleQueue[tuple[int, Event]] = SimpleQueue()
        self._timers = asyncio.new_event_loop()
        for target in (self._timers.run_forever, *[self._work] * THREADS):
            Thread(target=target, daemon=True).start()
        if folder:
            file = folder / "waiting.json"
            if file.exists():
                for attempt, body in json.loads(file.read_text()):
                    self._put(attempt, delivery.read_event(body.encode()))
            atexit.register(self._keep, file)

    def send(self, body: bytes) -> None:
        """Deliver an event, soon."""
        self._put(1, delivery.read_event(body))

    def _put(self, attempt: int, event: Event) -> None:
        self._waiting[event.id] = attempt, event
        self._due.put((attempt, event))

    def _keep(self, file: Path) -> None:
        """Write what waits to a file."""
        waiting = [
            (attempt, event.body.decode()) for attempt, event in self._waiting.copy().values()
        ]
        file.write_text(json.dumps(waiting))

    def _work(self) -> None:
        while True:
            attempt, event = self._due.get()
            if self._is_gone:
                self._waiting.pop(event.id, None)
                continue
            response, outcome = self._attempt(event)
            is_delivered = response is not None and response.is_delivered
            self._is_gone |= response is not None and response.status == delivery.GONE
            following: dict[str, Any] = {}
            if not is_delivered and not self._is_gone and attempt < delivery.MAX_ATTEMPTS:
                seconds = delivery.wait_seconds(attempt, response) / SPEEDUP
                following = {"retrySeconds": seconds}
                self._waiting[event.id] = attempt + 1, event
                put = partial(self._due.put, (attempt + 1, event))
                later = partial(self._timers.call_later, seconds, put)
                self._timers.call_soon_threadsafe(later)
            else:
                self._waiting.pop(event.id, None)
            logs.write(
                "INFO" if is_delivered else "ERROR",
                webhook=self._receiver.url.geturl(),
                event=event.type,
                id=event.id,
                attempt=attempt,
                **outcome,
                **following,
            )

    def _attempt(self, event: Event) -> tuple[delivery.Response | None, dict[str, Any]]:
        """The response or None, and its status code or the error as members of a log line."""
        to = self._receiver
        try:
            response = delivery.post(to.connection(), to.url, to.secrets, event)
        except delivery.FAILURES as error:
            return None, {"error": type(error).__name__}
        return response, {"status": response.status}
