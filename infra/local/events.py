"""The change events of `make run`: what other systems would hear of, as lines on the console.

The embedded database has DynamoDB's streams, which are polled here as Lambda does in a stage with
events. A stream begins when the database starts.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from infra.aws.resend import lambda_record

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
    dynamodb: Any, tables: list[str], send: Callable[[bytes], object] | None = None
) -> None:
    """Write a line for each change of tables, from now on, in a thread of this process.

    `send` gets each event, in JSON.
    """
    from chalicelib import logs
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
    arns = enable(dynamodb, tables)
    streams = [Stream(client, arn, "LATEST") for arn in arns]
    Thread(target=_poll, args=(streams, write), daemon=True).start()


def _poll(streams: "list[Stream]", act: Callable[[dict[str, Any]], None]) -> None:
    pause = Event()
    while not pause.wait(POLL_SECONDS):
        for stream in streams:
            # The database is ending, or busy, or a row is not of the shop's: the next ones follow.
            with suppress(BotoCoreError, ClientError, KeyError, TypeError):
                for record in stream.records():
                    act(record)


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
        page = self.client.get_records(ShardIterator=self.iterator)
        self.iterator = page["NextShardIterator"]
        for record in page["Records"]:
            yield lambda_record(record, self.arn)
