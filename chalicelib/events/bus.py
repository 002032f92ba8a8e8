"""The event bus: EventBridge's PutEvents, in requests of the size that it takes.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from msgspec.json import Encoder

from chalicelib import settings
from chalicelib.events.changes import ChangeEvent
from chalicelib.storage import sdk

MAX_ENTRIES = 10
# Of the details of one request: EventBridge takes 256 KB, with the other members of the entries.
MAX_BYTES = 200_000

client = cast(
    "Any",
    sdk.client(
        "events",
        config=Config(
            connect_timeout=1,
            read_timeout=5,
            retries={"mode": "standard", "total_max_attempts": 3},
        ),
    ),
)

_to_json = Encoder(decimal_format="number").encode


def publish(events: list[ChangeEvent]) -> int:
    """Send events to the bus EVENT_BUS, in their order.

    Returns how many, from the first on, the bus has accepted: all of them, or those before the
    first that it refused, or before the request that failed.
    """
    details = [_to_json(event).decode() for event in events]
    for begin, end in _requests([len(each) for each in details]):
        entries = [
            {
                "EventBusName": os.environ["EVENT_BUS"],
                "Source": f"storefront.{settings.STAGE}",
                "DetailType": event["type"],
                "Detail": detail,
            }
            for event, detail in zip(events[begin:end], details[begin:end], strict=True)
        ]
        try:
            results = client.put_events(Entries=entries)["Entries"]
        except (BotoCoreError, ClientError):
            return begin
        for number, result in enumerate(results):
            if "ErrorCode" in result:
                return begin + number
    return len(events)


def _requests(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Where requests begin and end, so that each has at most MAX_ENTRIES and MAX_BYTES."""
    begins, total = [0], 0
    for number, size in enumerate(sizes):
        if number - begins[-1] == MAX_ENTRIES or (number > begins[-1] and total + size > MAX_BYTES):
            begins.append(number)
            total = 0
        total += size
    return pairwise([*begins, len(sizes)]) if sizes else iter(())
