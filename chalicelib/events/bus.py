"""The event bus: EventBridge's PutEvents, in requests of the size that it takes.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

import os
from collections.abc import Iterator
from itertools import pairwise

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from chalicelib import aws_clients, settings
from chalicelib.events.changes import ChangeEvent, to_json

MAX_ENTRIES = 10
# Of the details of one request: EventBridge takes 256 KB, with the other members of the entries.
MAX_BYTES = 200_000

# Error codes of events, and of requests, that are refused however often they are sent.
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
PERMANENT = {"InvalidArgument", "MalformedDetail", "ValidationException", "ValidationError"}

client = aws_clients.event_client("events")


class Outcome(Struct, frozen=True):
    """What became of events: how many, from the first on, the bus has accepted.

    `error` is the code or the class of the error of the next one (None: all were accepted).
    """

    published: int
    error: str | None = None

    @property
    def is_permanent(self) -> bool:
        """Whether the next event is refused however often it is sent."""
        return self.error in PERMANENT


def publish(events: list[ChangeEvent]) -> Outcome:
    """Send events to the bus EVENT_BUS, in their order, until one is refused."""
    details = [to_json(event) for event in events]
    for begin, end in _requests([len(each) for each in details]):
        entries = [
            {
                "EventBusName": os.environ["EVENT_BUS"],
                "Source": f"storefront.{settings.STAGE}",
                "DetailType": event["type"],
                "Detail": detail.decode(),
            }
            for event, detail in zip(events[begin:end], details[begin:end], strict=True)
        ]
        try:
            results = client.put_events(Entries=entries)["Entries"]
        except ClientError as error:
            return Outcome(begin, error.response["Error"]["Code"])
        except BotoCoreError as error:
            return Outcome(begin, type(error).__name__)
        for number, result in enumerate(results):
            if "ErrorCode" in result:
                return Outcome(begin + number, result["ErrorCode"])
    return Outcome(len(events))


def _requests(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Where requests begin and end, so that each has at most MAX_ENTRIES and MAX_BYTES."""
    begins, total = [0], 0
    for number, size in enumerate(sizes):
        if number - begins[-1] == MAX_ENTRIES or (number > begins[-1] and total + size > MAX_BYTES):
            begins.append(number)
            total = 0
        total += size
    return pairwise([*begins, len(sizes)]) if sizes else iter(())
