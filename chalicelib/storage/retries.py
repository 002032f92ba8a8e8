"""Which calls to DynamoDB botocore may send again, and over which connections writes go.

A write whose response is lost may have been made. Sent again, its condition may still hold although
other clients have changed the item since, and their confirmed changes would be undone.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Any
from zlib import crc32

from botocore.exceptions import ConnectionError as NetworkError
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
)

from chalicelib.errors import OutcomeUnknown

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OK, SERVER_ERROR = 200, 500
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
# An earlier attempt with the same ClientRequestToken has not ended.
IN_PROGRESS = "TransactionInProgressException"
# Errors of attempts that have sent nothing, because no connection was opened. An SSLError is not
# among them: it may be a record that cannot be decrypted, of the response.
NOT_SENT = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
# Idle connections that are older are closed before a write. A server or a NAT gateway may have
# closed them without a word while Lambda had frozen the environment; a write that meets that may
# have been made. The AWS SDK for Java closes its idle connections after the same time:
# https://docs.aws.amazon.com/sdk-for-java/latest/developer-guide/http-configuration-apache.html
MAX_IDLE_SECONDS = 60


class IdleConnections:
    """The time since a client's connections were used."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._client = client
        self.used_at = 0.0

    def note_use(self, **_: Any) -> None:
        """Remember when the last attempt ended."""
        # time() and not monotonic(), which may stand still while Lambda freezes the environment.
        self.used_at = time()

    def close(self, **_: Any) -> None:
        """Close the connections if they were idle for more than MAX_IDLE_SECONDS."""
        if time() - self.used_at > MAX_IDLE_SECONDS:
            self._client.close()


def guard_writes(client: DynamoDBClient) -> IdleConnections:
    """Register the handlers that guard a client's writes. Returns the one for idle connections."""
    idle = IdleConnections(client)
    events = client.meta.events
    events.register("response-received.dynamodb", idle.note_use)
    for action in WRITES:
        events.register(f"before-call.dynamodb.{action}", idle.close)
        # The handler of the most specific event is called first: before botocore's own.
        events.register(f"needs-retry.dynamodb.{action}", stop_after_possible_write)
    return idle


def stop_after_possible_write(
    response: tuple[Any, Any] | None, caught_exception: Exception | None, **_: Any
) -> None:
    """Raise OutcomeUnknown after an attempt of a write that DynamoDB may have made.

    After any other attempt, botocore decides whether to send the write again.
    """
    if response:
        is_possible = _is_uncertain(*response)
    else:
        is_possible = isinstance(
            caught_exception, (HTTPClientError, NetworkError)
        ) and not isinstance(caught_exception, NOT_SENT)
    if is_possible:
        raise OutcomeUnknown from caught_exception


def _is_uncertain(http: Any, parsed: Any) -> bool:
    """Whether a response leaves open if the write was made, or if it will be."""
    if http.status_code == OK:
        # botocore would send the call again for the right response.
        checksum = http.headers.get("x-amz-crc32")
        is_damaged = checksum is not None and checksum != str(crc32(http.content))
        return is_damaged or not http.content.startswith(b"{")
    code = parsed.get("Error", {}).get("Code", "")
    # Where a response names no error of DynamoDB's, a proxy has sent it, and botocore takes the
    # status for the code.
    return bool(http.status_code >= SERVER_ERROR or code == IN_PROGRESS or code.isdigit())
