"""Reads a stream as Lambda does: `python -m tests.system.event_consumer STREAM_ARN CHECKPOINT`.

Batches come in the order of the stream, and what is reported as failed is delivered again. The
file CHECKPOINT has the sequence number of the last record that is done with, so that a consumer
that was killed goes on there.
"""

import sys
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

from botocore.session import get_session

from chalicelib.events import handler
from infra.local.events import Stream

BATCH = 100
POLL_SECONDS = 0.02
CONTEXT = SimpleNamespace(aws_request_id="request")


def main() -> None:
    """Consume until killed."""
    arn, checkpoint = sys.argv[1], Path(sys.argv[2])
    done = checkpoint.read_text() if checkpoint.exists() else None
    position = "AFTER_SEQUENCE_NUMBER" if done else "TRIM_HORIZON"
    stream = Stream(get_session().create_client("dynamodbstreams"), arn, position, done)
    waiting: list[dict[str, Any]] = []
    while True:
        waiting += stream.records()
        batch = waiting[:BATCH]
        if batch:
            failures = handler.handle({"Records": batch}, CONTEXT)["batchItemFailures"]
            numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
            failed = failures[0]["itemIdentifier"] if failures else None
            count = numbers.index(failed) if failed else len(numbers)
            if count:
                unfinished = checkpoint.with_suffix(".new")
                unfinished.write_text(numbers[count - 1])
                unfinished.replace(checkpoint)
            waiting = waiting[count:]
        Event().wait(POLL_SECONDS)


if __name__ == "__main__":
    main()
