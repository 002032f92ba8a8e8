"""The DynamoDB client, one function for each API action in use, and AWS's errors as ours.

All calls are here, so that Chalice's policy generator finds every action and the log counts every
call.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    SSLError,
)
from botocore.exceptions import ConnectionError as NetworkError
from msgspec import Struct

from chalicelib import aws_clients, settings
from chalicelib.errors import Unavailable
from chalicelib.schema import CLAIMS, MAX_SHARDS
from chalicelib.storage.retries import guard_writes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.storage.attributes import Row

P = ParamSpec("P")
R = TypeVar("R")

# A call whose three attempts all time out takes 3 x (1 + 2) s, and two pauses of at most 1 s and
# 2 s: 12 s, well under API Gateway's timeout of 29 s. DynamoDB usually answers within 10 ms.
client = aws_clients.client(
    "dynamodb",
    config=Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"mode": "standard", "total_max_attempts": 3},
        tcp_keepalive=True,
        max_pool_connections=MAX_SHARDS,
    ),
)
idle_connections = guard_writes(client)


class Usage(Struct):
    """What an invocation has used: calls, capacity units, and conflicts of its transactions.

    DynamoDB does not report the capacity of a call that it refuses.
    """

    calls: int = 0
    read_units: float = 0
    write_units: float = 0
    conflicts: int = 0


# Of the current invocation.
_usage: ContextVar[Usage | None] = ContextVar("usage", default=None)


class ConditionFailed(Exception):
    """The ConditionExpression was not met. `row` is the stored item (None: there is none)."""

    def __init__(self, row: Row | None) -> None:
        super().__init__()
        self.row = row


class Reason(Struct, frozen=True):
    """The CancellationReason of one write of a transaction.

    `refused`: its condition was not met, and `row` is the stored item (None: there is none).
    `transient`: a conflict with another transaction, or a throttle; it may be tried again.
    """

    refused: bool
    transient: bool
    row: Row | None


class Cancelled(Exception):
    """A transaction was cancelled; `reasons` has one reason for each write, in their order."""

    def __init__(self, reasons: list[Reason]) -> None:
        super().__init__()
        self.reasons = reasons


class WriteConflict(Exception):
    """A transaction on the same item was in progress. Nothing was written."""


# Error codes that DynamoDB sends when the request itself is right; botocore has retried them all.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
UNAVAILABLE = frozenset(
    {
        "InternalServerError",
        "InternalServerErrorException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ThrottlingException",
        "Throttling",
    }
)
SERVER_ERROR = 500

# Cancellation reasons of a transaction that is right in itself; any other one is a bug of this app.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
REFUSED = "ConditionalCheckFailed"
TRANSIENT = {"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"}
REASONS = {"None", REFUSED, *TRANSIENT}


def start_usage() -> Usage:
    """Start the count of a new invocation in this thread. Returns the count, which grows."""
    usage = Usage()
    _usage.set(usage)
    return usage


def add_usage(usage: Usage) -> None:
    """Add what another thread has used to what this one has."""
    if own := _usage.get():
        own.calls += usage.calls
        own.read_units += usage.read_units
        own.write_units += usage.write_units
        own.conflicts += usage.conflicts


def table_name(name: str) -> str:
    """The TableName of a resource, by its name, or of the claims."""
    return settings.TABLE_PREFIX + name


def _translated(call: Callable[P, R]) -> Callable[P, R]:
    """The function, with its calls counted and botocore's exceptions translated.

    Raises ConditionFailed, WriteConflict, Cancelled, or Unavailable after bounded retries; after an
    attempt of a write that may have been made, OutcomeUnknown at once. Other errors (a missing
    table, a missing permission) are the deployment's, and are raised as they are.
    """

    @wraps(call)
    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        usage = _usage.get() or Usage()
        usage.calls += 1
        try:
            return call(*args, **kwargs)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            meta = error.response["ResponseMetadata"]
            if code == "ConditionalCheckFailedException":
                row: Any = error.response.get("Item")
                raise ConditionFailed(row) from None
            if code == "TransactionConflictException":
                usage.conflicts += 1
                raise WriteConflict from None
            if code == "TransactionCanceledException":
                reasons: list[Any] = list(error.response["CancellationReasons"])
                if all(reason["Code"] in REASONS for reason in reasons):
                    usage.conflicts += any(each["Code"] in TRANSIENT for each in reasons)
                    raise Cancelled([_reason(each) for each in reasons]) from None
            if code in UNAVAILABLE or meta.get("HTTPStatusCode", 0) >= SERVER_ERROR:
                raise Unavailable from error
            raise
        except SSLError:
            # The deployment's certificate authorities: settings.CA_BUNDLE.
            raise
        except (HTTPClientError, NetworkError) as error:
            raise Unavailable from error

    return translated


@_translated
def get(**request: Any) -> Row | None:
    """GetItem. Returns the item, or None. Raises Unavailable."""
    response = client.get_item(**request, ReturnConsumedCapacity="TOTAL")
    _count_read(response)
    return cast("Row | None", response.get("Item"))


def connect() -> None:
    """Open the connection that requests use, by reading an item that does not exist.

    It costs half a read unit. Errors are ignored: the next request reports them.
    """
    with suppress(BotoCoreError, ClientError, Unavailable):
        get(TableName=table_name(CLAIMS), Key={"id": {"S": "init"}})


@_translated
def put(**request: Any) -> None:
    """PutItem. Raises ConditionFailed, WriteConflict, OutcomeUnknown or Unavailable."""
    _count_write(client.put_item(**request, ReturnConsumedCapacity="TOTAL"))


@_translated
def update(**request: Any) -> Row:
    """UpdateItem with ReturnValues ALL_NEW. Returns the item after the update.

    Raises ConditionFailed, WriteConflict, OutcomeUnknown or Unavailable.
    """
    response = client.update_item(**request, ReturnConsumedCapacity="TOTAL")
    _count_write(response)
    return cast("Row", response["Attributes"])


@_translated
def delete(**request: Any) -> None:
    """DeleteItem. Raises ConditionFailed, WriteConflict, OutcomeUnknown or Unavailable."""
    _count_write(client.delete_item(**request, ReturnConsumedCapacity="TOTAL"))


@_translated
def query(**request: Any) -> tuple[list[Row], Row | None]:
    """Query. Returns the items, and the LastEvaluatedKey (None at the end). Raises Unavailable."""
    response = cast("Any", client.query(**request, ReturnConsumedCapacity="TOTAL"))
    _count_read(response)
    return response["Items"], response.get("LastEvaluatedKey")


@_translated
def transact(**request: Any) -> None:
    """TransactWriteItems, of at most 100 writes. Raises Cancelled, OutcomeUnknown or Unavailable.

    After OutcomeUnknown the same request may be sent again: DynamoDB recognizes it for ten minutes
    by its ClientRequestToken, and does not make the writes twice.
    """
    _count_write(client.transact_write_items(**request, ReturnConsumedCapacity="TOTAL"))


def _count_read(response: Mapping[str, Any]) -> None:
    if usage := _usage.get():
        usage.read_units += _consumed_units(response)


def _count_write(response: Mapping[str, Any]) -> None:
    if usage := _usage.get():
        usage.write_units += _consumed_units(response)


def _consumed_units(response: Mapping[str, Any]) -> float:
    """The capacity units of a call, indexes included.

    A transaction has them by table. Its ConditionChecks are counted as writes.
    """
    consumed = response.get("ConsumedCapacity", ())
    tables = [consumed] if isinstance(consumed, dict) else consumed
    return sum((each["CapacityUnits"] for each in tables), 0.0)


def _reason(reason: Mapping[str, Any]) -> Reason:
    code = reason["Code"]
    return Reason(code == REFUSED, code in TRANSIENT, reason.get("Item"))
