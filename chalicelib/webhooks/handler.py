"""The function of a subscriber: it delivers the events of the subscriber's queue.

A message is an event of the bus. SQS makes a failed one visible again when its visibility timeout
ends, which is set before each delivery, so that the time until the next one holds, too, if this
function is killed. After MAX_ATTEMPTS, SQS moves the message to the dead-letter queue.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import os
import ssl
from time import perf_counter
from typing import Any, cast
from urllib.parse import urlsplit

from botocore.config import Config
from msgspec import Raw, Struct
from msgspec.json import decode

from chalicelib import logs
from chalicelib.storage import sdk
from chalicelib.webhooks import delivery
from chalicelib.webhooks.public import PublicHTTPSConnection
from chalicelib.webhooks.secret import SigningSecret

# Of connecting, and then of each read: less than the function's timeout.
SECONDS = 10

NAME = os.environ["WEBHOOK_NAME"]
URL = urlsplit(os.environ["WEBHOOK_URL"])
QUEUE = os.environ["WEBHOOK_QUEUE"]

secret = SigningSecret(os.environ["WEBHOOK_SECRET_NAME"])
tls = ssl.create_default_context()
sqs = cast(
    "Any",
    sdk.client(
        "sqs",
        config=Config(
            connect_timeout=1,
            read_timeout=5,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    ),
)


class Envelope(Struct, frozen=True):
    """An event of EventBridge; `detail` is the change event."""

    detail: Raw


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Deliver the one event of a batch. Returns Lambda's batchItemFailures."""
    started = perf_counter()
    (message,) = event["Records"]
    attempt = int(message["attributes"]["ApproximateReceiveCount"])
    members: dict[str, Any] = {
        "requestId": context.aws_request_id,
        "function": "webhook",
        "webhook": NAME,
        "attempt": attempt,
    }
    is_delivered = False
    try:
        _postpone(message["receiptHandle"], attempt)
        body = bytes(decode(message["body"], type=Envelope).detail)
        change = delivery.read_event(body)
        members |= {"event": change.type, "id": change.id}
        host = PublicHTTPSConnection(URL.hostname or "", URL.port, timeout=SECONDS, context=tls)
        members["status"] = delivery.post(host, URL, secret.values(), body)
        is_delivered = delivery.is_delivered(members["status"])
    except delivery.FAILURES as error:
        members["error"] = type(error).__name__
    except Exception as error:  # noqa: BLE001, a message or a secret that nobody has foreseen
        members |= logs.error_members(error)
    logs.write(
        "INFO" if is_delivered else "ERROR",
        **members,
        milliseconds=round((perf_counter() - started) * 1000, 1),
    )
    failures = [] if is_delivered else [{"itemIdentifier": message["messageId"]}]
    return {"batchItemFailures": failures}


def _postpone(receipt_handle: str, attempt: int) -> None:
    """Set when SQS makes the message visible again, unless it is deleted."""
    # After the last attempt, SQS moves it as soon as the queue's own visibility timeout ends.
    if attempt < delivery.MAX_ATTEMPTS:
        sqs.change_message_visibility(
            QueueUrl=QUEUE,
            ReceiptHandle=receipt_handle,
            VisibilityTimeout=delivery.RETRY_SECONDS[attempt - 1],
        )
