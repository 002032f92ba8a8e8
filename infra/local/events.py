"""The change events of `make run`: what other systems would hear of, as lines on the console.

The embedded database has DynamoDB's streams, which are polled here as Lambda does in a stage with
events. A stream begins when the database starts. Where the polling is, is kept in a file, so that
no change is lost while `make run` loads the app again.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

import atexit
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from chalicelib import logs
from infra.data.resend import lambda_record

POLL_SECONDS = 0.5
VIEW = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def enable(dynamodb: Any, tables: list[str]) -> list[str]:
    """Give tables a stream, if they have none. Returns the ARNs of their streams."""
    arns = []
    for table in tables:
        described = dynamodb.describe_table(TableName=table)["Table"]
        if not described.get("StreamSpecification", {}).get("StreamEnabled"):
            dynamodb.update_table(TableName=table, StreamSpecification=VIEW)
            described = dynamodb.describe_table(TableName=table)["Table"]
        arns.append(described["LatestStreamArn"])
    return arns


def announce(
    dynamodb: Any,
    tables: list[str],
    send: Callable[[bytes], object] | None = None,
    folder: Path | None = None,
) -> None:
    """Write a line for each change of tables, in a thread of this process.

    Begins after the last change that was announced, if `folder` has the positions of an earlier
    process, or else with the changes from now on. `send` gets each event, in JSON.
    """
    from chalicelib.events.changes import change_event, to_json

    def write(record: dict[str, Any]) -> None:
        if change := change_event(record):
            changed = change["data"].get("changed")
            logs.write(
                "INFO",
                event=change["type"],
                subject=change["subject"],
                **({"changed": changed} if changed else {}),
                id=change["id"],
            )
            if send:
                send(to_json(change))

    client = get_session().create_client("dynamodbstreams")
    positions = Positions(folder / "positions.json" if folder else None)
    streams = []
    for arn in enable(dynamodb, tables):
        number = positions.get(arn)
        if number is None:
            # What is there already, such as the sample data, is not announced.
            number = ""
            for record in Stream(client, arn, "TRIM_HORIZON").records():
                number = record["dynamodb"]["SequenceNumber"]
            positions.set(arn, number)
        streams.append(
            Stream(client, arn, "AFTER_SEQUENCE_NUMBER" if number else "TRIM_HORIZON", number)
        )
    end = Event()
    thread = Thread(target=_poll, args=(streams, positions, write, end), daemon=True)
    thread.start()

    # Handlers of atexit are called in reverse order: no event is sent after the webhooks' handler
    # has kept those that wait.
    def stop() -> None:
        end.set()
        thread.join()

    atexit.register(stop)


def _poll(
    streams: "list[Stream]",
    positions: "Positions",
    act: Callable[[dict[str, Any]], None],
    end: Event,
) -> None:
    while not end.wait(POLL_SECONDS):
        for stream in streams:
            # The database is ending, or busy.
            with suppress(BotoCoreError, ClientError):
                for record in stream.records():
                    if end.is_set():
                        return
                    try:
                        act(record)
                    except (KeyError, TypeError) as error:
                        # A row that the app did not write.
                        logs.write("ERROR", id=record["eventID"], **logs.error_members(error))
                    positions.set(stream.arn, record["dynamodb"]["SequenceNumber"])


class Positions:
    """The sequence number of the last record of each stream that was announced, in a file.

    Empty: no record yet.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._numbers: dict[str, str] = {}
        if file and file.exists():
            self._numbers = json.loads(file.read_text())

    def get(self, arn: str) -> str | None:
        """The number of a stream, or None if it was never polled."""
        return self._numbers.get(arn)

    def set(self, arn: str, number: str) -> None:
        """Keep the number of a stream."""
        self._numbers[arn] = number
        if self._file:
            unfinished = self._file.with_suffix(".part")
            unfinished.write_text(json.dumps(self._numbers))
            unfinished.replace(self._file)


class Stream:
    """The records of a stream, as Lambda hands them over: one shard, as ministack has it."""

    def __init__(self, client: Any, arn: str, position: str, number: str | None = None) -> None:
        self.client = client
        self.arn = arn
        (shard,) = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        after = {"SequenceNumber": number} if number else {}
        self.iterator = client.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType=position, **after
        )["ShardIterator"]

    def records(self) -> Iterator[dict[str, Any]]:
        """The records since the last call."""
        while True:
            page = self.client.get_records(ShardIterator=self.iterator)
            self.iterator = page["NextShardIterator"]
            for record in page["Records"]:
                yield lambda_record(record, self.arn)
            if not page["Records"]:
                return
