"""The delivery of a change event to a subscriber: one request, and when the next one follows.

Redirects are not followed, because a receiver's redirect may lead anywhere.
"""

from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from time import time
from urllib.parse import SplitResult

from msgspec import Struct
from msgspec.json import decode

from chalicelib.webhooks.signature import sign

# Until the next request, after each one that failed: a day in all. SQS's visibility timeout, which
# has this time, is at most 12 hours, and must be longer than a delivery takes.
MINUTE, HOUR = 60, 60 * 60
RETRY_SECONDS = (MINUTE, 5 * MINUTE, HOUR // 2, 2 * HOUR, 5 * HOUR, 8 * HOUR, 9 * HOUR)
MAX_ATTEMPTS = len(RETRY_SECONDS) + 1

# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
MEDIA_TYPE = "application/cloudevents+json"
USER_AGENT = "storefront-webhooks"

# What a connection raises, whatever the receiver does.
FAILURES = (OSError, HTTPException, UnicodeError)


class Event(Struct, frozen=True):
    """What a delivery needs to know of a change event."""

    id: str
    type: str


def read_event(body: bytes) -> Event:
    """The event in a body. Raises msgspec.DecodeError for another body."""
    return decode(body, type=Event)


def post(
    connection: HTTPConnection, url: SplitResult, secrets: Sequence[bytes], body: bytes
) -> int:
    """Send an event to a URL, on a connection to its host. Returns the status code.

    Nothing of the response but its status is read. Raises one of FAILURES.
    """
    headers = {
        "Content-Type": MEDIA_TYPE,
        "User-Agent": USER_AGENT,
        **sign(secrets, read_event(body).id, int(time()), body),
    }
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        connection.request("POST", target, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def is_delivered(status: int) -> bool:
    """Whether a status code says that the receiver has taken the event: 2xx."""
    return status // 100 == 2  # noqa: PLR2004, the class of status codes (RFC 9110, section 15)
