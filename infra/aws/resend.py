"""`make events-resend`: publishing the changes that the function could not publish for an hour.

Lambda puts no records into the queue, but where they are in the stream, which keeps them for a day.
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

import json
import os
from collections.abc import Iterator
from typing import Any

import boto3

from infra.aws import stack
from infra.errors import CommandError
from infra.stages import Stage

WAIT_SECONDS = 1
MESSAGES = 10


def resend(stage: Stage) -> None:
    """Publish what is in the queue of a stage. May be interrupted and run again.

    Raises CommandError if the bus refuses an event, or if a stream does not have a record any more.
    """
    outputs = stack.outputs(stage)
    if "EventsQueueUrl" not in outputs:
        raise CommandError(
            f'The stack {stage.function} has no change events: add "events": true to the infra of '
            f"{stage.name!r} in .chalice/config.json, then make package stack STAGE={stage.name}."
        )
    os.environ["EVENT_BUS"] = outputs["EventBusName"]
    sqs = boto3.client("sqs")
    queue = {"QueueUrl": outputs["EventsQueueUrl"]}
    published = lost = 0
    while messages := _receive(sqs, queue):
        for message in messages:
            batch = json.loads(message["Body"])["DDBStreamBatchInfo"]
            records = list(_records(batch))
            published += _publish(records)
            lost += batch["batchSize"] - len(records)
            sqs.delete_message(**queue, ReceiptHandle=message["ReceiptHandle"])
    print(f"Published {published:,} changes from the queue.")
    if lost:
        raise CommandError(
            f"{lost:,} changes are older than the day for which a stream keeps them: receivers "
            "have to read the items from the API."
        )


def _receive(sqs: Any, queue: dict[str, str]) -> list[Any]:
    received = sqs.receive_message(
        **queue, MaxNumberOfMessages=MESSAGES, WaitTimeSeconds=WAIT_SECONDS
    )
    messages: list[Any] = received.get("Messages", [])
    return messages


def _publish(records: list[dict[str, Any]]) -> int:
    """Publish stream records. Returns the number of events. Raises CommandError."""
    from chalicelib.events import bus
    from chalicelib.events.changes import change_event

    changes = [change for record in records if (change := change_event(record))]
    if bus.publish(changes) < len(changes):
        raise CommandError(
            "The bus refuses events. What was not published stays in the queue: run the same "
            "command again."
        )
    return len(changes)


def _records(batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The records of a batch that the stream still has, as Lambda hands them over."""
    client = boto3.client("dynamodbstreams")
    arn, last = batch["streamArn"], int(batch["endSequenceNumber"])
    try:
        iterator = client.get_shard_iterator(
            StreamArn=arn,
            ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        )["ShardIterator"]
    except client.exceptions.TrimmedDataAccessException:
        return
    while iterator:
        page: Any = client.get_records(ShardIterator=iterator)
        for record in page["Records"]:
            if int(record["dynamodb"]["SequenceNumber"]) > last:
                return
            moment = record["dynamodb"]["ApproximateCreationDateTime"]
            images = record["dynamodb"] | {"ApproximateCreationDateTime": moment.timestamp()}
            yield record | {"eventSourceARN": arn, "dynamodb": images}
        iterator = page.get("NextShardIterator") if page["Records"] else None
