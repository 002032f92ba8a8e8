"""The function of a webhook: it delivers the events of the webhook's queue.

A message is an event of the bus. SQS makes a failed one visible again when its visibility timeout
ends. The function sets the timeout before each delivery, so that the schedule holds, too, if Lambda
stops the function. After MAX_ATTEMPTS, SQS moves the message to the dead-letter queue.

A receiver responds with 410 to end the deliveries: the webhook's rule is disabled, and the
event goes to the dead-letter queue, which has an alarm.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import os
import ssl
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from msgspec import Raw, Struct
from msgspec.json import decode

from chalicelib import aws_clients, logs, settings
from chalicelib.webhooks import delivery
from chalicelib.webhooks.public import PublicHTTPSConnection
from chalicelib.webhooks.secret import SigningSecret

NAME = os.environ["WEBHOOK_NAME"]
URL = urlsplit(os.environ["WEBHOOK_URL"])
QUEUE = os.environ["WEBHOOK_QUEUE"]
DEAD_LETTERS = os.environ["WEBHOOK_DEAD_LETTERS"]
EVENT_BUS = os.environ["EVENT_BUS"]

secret = SigningSecret(os.environ["WEBHOOK_SECRET_NAME"])
tls = ssl.create_default_context()
sqs = aws_clients.event_client("sqs")


class Envelope(Struct, frozen=True):
    """An event of EventBridge; `detail` is the change event."""

    detail: Raw


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Deliver the one message of a batch. Returns Lambda's batchItemFailures."""
    started = perf_counter()
    (message,) = event["Records"]
    attempt = int(message["attributes"]["ApproximateReceiveCount"])
    members: dict[str, Any] = {
        "requestId": context.aws_request_id,
        "function": "webhook",
        "version": settings.FUNCTION_VERSION,
        "webhook": NAME,
        "attempt": attempt,
    }
    response = None
    try:
        _postpone(message["receiptHandle"], attempt, None)
        change = delivery.read_event(bytes(decode(message["body"], type=Envelope).detail))
        members |= {"event": change.type, "id": change.id}
        connection = PublicHTTPSConnection(
            URL.hostname or "", URL.port, timeout=delivery.CONNECT_SECONDS, context=tls
        )
        response = delivery.post(connection, URL, secret.values(), change)
        members["status"] = response.status
        if response.status == delivery.GONE:
            _end_deliveries(message["body"])
        elif response.retry_after:
            _postpone(message["receiptHandle"], attempt, response)
    except delivery.FAILURES as error:
        members["error"] = type(error).__name__
    except Exception as error:  # noqa: BLE001, a message or a secret that nobody has foreseen
        members |= logs.error_members(error)
    is_delivered = response is not None and response.is_delivered
    is_gone = response is not None and response.status == delivery.GONE and "error" not in members
    logs.write(
        "INFO" if is_delivered else "ERROR",
        **members,
        milliseconds=round((perf_counter() - started) * 1000, 1),
    )
    failures = [] if is_delivered or is_gone else [{"itemIdentifier": message["messageId"]}]
    return {"batchItemFailures": failures}


def _postpone(receipt_handle: str, attempt: int, response: delivery.Response | None) -> None:
    """Set when SQS makes the message visible again, unless it is deleted."""
    # After the last attempt, SQS moves it as soon as the queue's own visibility timeout ends.
    if attempt < delivery.MAX_ATTEMPTS:
        sqs.change_message_visibility(
            QueueUrl=QUEUE,
            ReceiptHandle=receipt_handle,
            VisibilityTimeout=delivery.wait_seconds(attempt, response),
        )


def _end_deliveries(body: str) -> None:
    """Disable the rule of the webhook, and put an event into the dead-letter queue."""
    aws_clients.event_client("events").disable_rule(Name=NAME, EventBusName=EVENT_BUS)
    sqs.send_message(QueueUrl=DEAD_LETTERS, MessageBody=body)
