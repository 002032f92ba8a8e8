"""The delivery of a change event to a receiver: one request, and when the next one follows.

Redirects are not followed, because a receiver's redirect may lead anywhere.
"""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException
from time import time
from urllib.parse import SplitResult

from msgspec import Struct
from msgspec.json import decode

from chalicelib.final_response import FinalResponse
from chalicelib.webhooks.signature import sign

MINUTE, HOUR = 60, 60 * 60
# Until the next request, after each one that failed: 24 hours and 36 minutes in all. SQS keeps this
# time as the visibility timeout of a message, which is at most 12 hours.
RETRY_SECONDS = (MINUTE, 5 * MINUTE, HOUR // 2, 2 * HOUR, 5 * HOUR, 8 * HOUR, 9 * HOUR)
MAX_ATTEMPTS = len(RETRY_SECONDS) + 1

# Until a connection is there, and then until the head of the response is.
CONNECT_SECONDS = 10
RESPONSE_SECONDS = 20

GONE = 410
# Responses whose `Retry-After` is respected.
BUSY = (429, 503)
# SQS keeps a message invisible for at most 12 hours from its reception; a minute is the function's.
MAX_WAIT_SECONDS = 12 * HOUR - MINUTE

# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
MEDIA_TYPE = "application/cloudevents+json"
USER_AGENT = "storefront-webhooks"

# The exceptions of connecting, sending and receiving.
FAILURES = (OSError, HTTPException, UnicodeError)


class Event(Struct, frozen=True):
    """A change event: its id, its type, and the JSON with all of it."""

    id: str
    type: str
    body: bytes


class Response(Struct, frozen=True):
    """The status code of a response, and its `Retry-After` in seconds (None: it has none)."""

    status: int
    retry_after: int | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver confirms that it has the event: 2xx (RFC 9110 section 15)."""
        return self.status // 100 == 2  # noqa: PLR2004, the class of status codes


class _Members(Struct, frozen=True):
    """What is read of a change event."""

    id: str
    type: str


def read_event(body: bytes) -> Event:
    """The event in a body. Raises msgspec.DecodeError for another body."""
    members = decode(body, type=_Members)
    return Event(members.id, members.type, body)


def wait_seconds(attempt: int, response: Response | None) -> int:
    """The seconds until the attempt after this one, by the schedule and by `Retry-After`."""
    seconds = RETRY_SECONDS[attempt - 1]
    if response and response.status in BUSY:
        seconds = max(seconds, response.retry_after or 0)
    return min(seconds, MAX_WAIT_SECONDS)


def post(
    connection: HTTPConnection, url: SplitResult, secrets: Sequence[bytes], event: Event
) -> Response:
    """Send an event to a URL, on a connection to its host.

    Nothing of the response but its head is read. Raises one of FAILURES: TimeoutError if the head
    is not there RESPONSE_SECONDS after the connection.
    """
    headers = {
        "Content-Type": MEDIA_TYPE,
        "User-Agent": USER_AGENT,
        **sign(secrets, event.id, int(time()), event.body),
    }
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    connection.response_class = FinalResponse
    try:
        connection.connect()
        with _deadline(connection.sock):
            connection.request("POST", target, event.body, headers)
            response = connection.getresponse()
            return Response(response.status, _seconds(response.getheader("Retry-After")))
    finally:
        connection.close()


@contextmanager
def _deadline(connected: socket.socket) -> Iterator[None]:
    """Shut a connection down after RESPONSE_SECONDS, and raise TimeoutError.

    A connection's own timeout starts again with each byte, and with each informational response.
    """
    is_over = threading.Event()

    def shut_down() -> None:
        # Before the thread that reads can notice.
        is_over.set()
        with suppress(OSError):
            # Not that of SSLSocket, which would go on without TLS.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(RESPONSE_SECONDS, shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield
    except FAILURES as error:
        if is_over.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()


def _seconds(retry_after: str | None) -> int | None:
    """The value of `Retry-After` in seconds from now (RFC 9110 section 10.2.3), or None."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:9])
    try:
        return max(0, round(parsedate_to_datetime(text).timestamp() - time()))
    except (ValueError, OverflowError):
        return None
