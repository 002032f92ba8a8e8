"""The function that publishes changes: from DynamoDB's streams to the event bus.

A batch is in the order of the changes of each item. What follows the first event that the bus
refuses is reported as failed, and Lambda delivers it again.
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

from time import perf_counter
from typing import Any

from chalicelib import logs, settings
from chalicelib.events import bus
from chalicelib.events.changes import change_event


class PublishingFailed(Exception):
    """A batch has a record that cannot be published; the log line has the error."""


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Publish the changes of a batch of stream records. Returns Lambda's batchItemFailures.

    Raises PublishingFailed for a record that can never be published: Lambda divides the batch then,
    until the record is alone, so that the others are not held back.
    """
    started = perf_counter()
    records: list[Any] = event["Records"]
    members = {"requestId": context.aws_request_id, "function": "events", "records": len(records)}
    try:
        changes = [(record, change_event(record)) for record in records]
    except Exception as error:  # noqa: BLE001, any error of a record that nobody has foreseen
        logs.write("ERROR", **members, **logs.error_members(error))
        # Lambda logs what is raised: the original's message may quote the record.
        raise PublishingFailed("The log line with this request id has the error.") from None
    events = [(record, change) for record, change in changes if change is not None]
    outcome = bus.publish([change for _, change in events])
    refused = events[outcome.published :]
    logs.write(
        "ERROR" if refused else "INFO",
        **members,
        version=settings.FUNCTION_VERSION,
        milliseconds=round((perf_counter() - started) * 1000, 1),
        published=outcome.published,
        refused=len(refused),
        **({"error": outcome.error} if outcome.error else {}),
    )
    if not refused:
        return {"batchItemFailures": []}
    if outcome.is_permanent and outcome.published == 0 and len(records) > 1:
        raise PublishingFailed("The log line with this request id has the error.")
    (first, _), *_ = refused
    return {"batchItemFailures": [{"itemIdentifier": first["dynamodb"]["SequenceNumber"]}]}
