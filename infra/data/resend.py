"""`make events-resend`: publishing the changes that the function could not publish.

Lambda puts no records into the queue, but where they are in the stream, which keeps them for a day.
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

import json
import os
from collections.abc import Iterator
from typing import Any

import boto3
from msgspec import Struct

from infra.deploy import stack
from infra.errors import CommandError
from infra.stages import Stage

WAIT_SECONDS = 1
MESSAGES = 10
# GetRecords may return nothing before it returns something.
EMPTY_PAGES = 50
WAITING = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


class Result(Struct):
    """The result of a run: published events, trimmed records, and the errors of failed messages."""

    published: int = 0
    trimmed: int = 0
    errors: list[str] = []


def resend(stage: Stage) -> None:
    """Publish what is in the queue of a stage. May be interrupted and run again.

    Raises CommandError if something was not published.
    """
    outputs = stack.outputs(stage)
    if "EventsQueueUrl" not in outputs:
        raise CommandError(
            f'The stack {stage.function} has no change events: add "events": true to the infra of '
            f"{stage.name!r} in .chalice/config.json, then make package stack STAGE={stage.name} "
            "BUCKET=..."
        )
    os.environ["EVENT_BUS"] = outputs["EventBusName"]
    sqs = boto3.client("sqs")
    queue = {"QueueUrl": outputs["EventsQueueUrl"]}
    result = Result()
    failed: list[str] = []
    while messages := _receive(sqs, queue):
        for message in messages:
            if _publish(json.loads(message["Body"])["DDBStreamBatchInfo"], result):
                sqs.delete_message(**queue, ReceiptHandle=message["ReceiptHandle"])
            else:
                failed.append(message["ReceiptHandle"])
    for handle in failed:
        # Visible again at once, for the next run.
        sqs.change_message_visibility(**queue, ReceiptHandle=handle, VisibilityTimeout=0)
    print(f"Published {result.published:,} changes from the queue.")
    if result.trimmed:
        print(
            f"{result.trimmed:,} changes are older than the day for which a stream keeps them: "
            "receivers have to read the items from the API."
        )
    if result.errors:
        raise CommandError(
            f"{len(failed):,} messages stay in the queue ({'; '.join(sorted(set(result.errors)))})."
            " Fix the cause, and run the same command again."
        )
    attributes = sqs.get_queue_attributes(**queue, AttributeNames=WAITING)["Attributes"]
    if any(int(attributes[name]) for name in WAITING):
        raise CommandError(
            "There are more messages, which another run may have received: run the same command "
            "again in a minute."
        )


def lambda_record(record: dict[str, Any], stream_arn: str) -> dict[str, Any]:
    """A record of GetRecords as Lambda hands it over: with its stream, and its time in seconds."""
    moment = record["dynamodb"]["ApproximateCreationDateTime"]
    images = record["dynamodb"] | {"ApproximateCreationDateTime": moment.timestamp()}
    return record | {"eventSourceARN": stream_arn, "dynamodb": images}


def _receive(sqs: Any, queue: dict[str, str]) -> list[Any]:
    received = sqs.receive_message(
        **queue, MaxNumberOfMessages=MESSAGES, WaitTimeSeconds=WAIT_SECONDS
    )
    messages: list[Any] = received.get("Messages", [])
    return messages


def _publish(batch: dict[str, Any], result: Result) -> bool:
    """Publish the records of a batch, one by one. Returns whether the batch is done with."""
    from chalicelib.events import bus
    from chalicelib.events.changes import change_event

    client = boto3.client("dynamodbstreams")
    count, is_done = 0, True
    try:
        for record in _records(client, batch):
            count += 1
            try:
                change = change_event(record)
            except (KeyError, TypeError, ValueError) as error:
                error_name = type(error).__name__
            else:
                outcome = bus.publish([change] if change else [])
                result.published += outcome.published
                error_name = outcome.error or ""
            if error_name:
                result.errors.append(error_name)
                is_done = False
    except (
        client.exceptions.ResourceNotFoundException,
        client.exceptions.TrimmedDataAccessException,
    ):
        # The stream was replaced, or nothing of the batch is left.
        pass
    result.trimmed += batch["batchSize"] - count
    return is_done


def _records(client: Any, batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The records of a batch that the stream still has, as Lambda hands them over."""
    arn = batch["streamArn"]
    first, last = int(batch["startSequenceNumber"]), int(batch["endSequenceNumber"])
    shard = {"StreamArn": arn, "ShardId": batch["shardId"]}
    try:
        iterator = client.get_shard_iterator(
            **shard,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        )["ShardIterator"]
    except client.exceptions.TrimmedDataAccessException:
        # Later records of the batch may still be there.
        iterator = client.get_shard_iterator(**shard, ShardIteratorType="TRIM_HORIZON")[
            "ShardIterator"
        ]
    empty = 0
    while iterator and empty < EMPTY_PAGES:
        page: Any = client.get_records(ShardIterator=iterator)
        empty = 0 if page["Records"] else empty + 1
        for record in page["Records"]:
            number = int(record["dynamodb"]["SequenceNumber"])
            if number > last:
                return
            if number < first:
                continue
            yield lambda_record(record, arn)
            if number == last:
                return
        iterator = page.get("NextShardIterator")
