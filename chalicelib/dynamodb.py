"""DynamoDB: the client, made once; values to attribute values and back; AWS's errors to ours.

Each call is one function, so that a reader, a policy generator and a counter find them all here.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html
"""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar
from decimal import Decimal
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from msgspec import Struct

from chalicelib import sdk, settings
from chalicelib.errors import Unavailable
from chalicelib.schema import CLAIMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

AttributeValue = dict[str, Any]
Row = dict[str, AttributeValue]

P = ParamSpec("P")
R = TypeVar("R")

# A call that goes wrong in every way takes 3 x (1 + 2) s and two pauses of at most 1 s and 2 s:
# 12 s, well under the 29 s after which API Gateway gives up. Answers take single milliseconds.
client: DynamoDBClient = sdk.client(
    "dynamodb",
    config=Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"mode": "standard", "total_max_attempts": 3},
        tcp_keepalive=True,
    ),
)

# How many calls the request that this thread works on has made.
calls: ContextVar[int] = ContextVar("calls", default=0)


class ConditionFailed(Exception):
    """The ConditionExpression did not hold. `row` is what is stored (None: nothing is).

    `retried` says that an earlier attempt of the same call got no answer, and may have been the
    one that changed what the condition was about.
    """

    def __init__(self, row: Row | None, *, retried: bool) -> None:
        super().__init__()
        self.row = row
        self.retried = retried


class Reason(Struct, frozen=True):
    """Why a transaction was cancelled, as far as one of its writes is concerned.

    `refused`: its condition did not hold, and `row` is what is stored (None: nothing is).
    `passing`: it met another transaction, or a throttle, and may be tried again.
    """

    refused: bool
    passing: bool
    row: Row | None


class Cancelled(Exception):
    """A transaction was cancelled; `reasons` has one for each of its writes, in their order."""

    def __init__(self, reasons: list[Reason]) -> None:
        super().__init__()
        self.reasons = reasons


# What DynamoDB says when it, not the request, is the trouble; botocore has retried them all.
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
        "TransactionInProgressException",
    }
)
SERVER_ERROR = 500

# Why a transaction is cancelled that was right in itself; any other reason is a fault of ours.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
REFUSED = "ConditionalCheckFailed"
PASSING = {"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"}
REASONS = {"None", REFUSED, *PASSING}


def table(name: str) -> str:
    """The TableName of a resource's path, or of the claims."""
    return settings.TABLE_PREFIX + name


def _translated(call: Callable[P, R]) -> Callable[P, R]:
    """The call, counted, with botocore's exceptions as ours.

    Raises ConditionFailed, or Unavailable after bounded retries. What is neither (a missing
    table, a missing right) is a fault of the deployment and stays as it is.
    """

    @wraps(call)
    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        calls.set(calls.get() + 1)
        try:
            return call(*args, **kwargs)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            meta = error.response["ResponseMetadata"]
            if code == "ConditionalCheckFailedException":
                row: Any = error.response.get("Item")
                raise ConditionFailed(row, retried=meta.get("RetryAttempts", 0) > 0) from None
            if code == "TransactionCanceledException":
                reasons: list[Any] = list(error.response["CancellationReasons"])
                if all(reason["Code"] in REASONS for reason in reasons):
                    raise Cancelled([_reason(each) for each in reasons]) from None
            if code in UNAVAILABLE or meta.get("HTTPStatusCode", 0) >= SERVER_ERROR:
                raise Unavailable from error
            raise
        except HTTPClientError as error:
            raise Unavailable from error

    return translated


@_translated
def get(**request: Any) -> Row | None:
    """GetItem: the item, or None."""
    row: Any = client.get_item(**request).get("Item")
    return cast("Row | None", row)


def connect() -> None:
    """Open the connection that requests use, by asking for an item that is not there.

    It costs half a read unit. What goes wrong is left to the requests, which will meet it too.
    """
    with suppress(BotoCoreError, ClientError, Unavailable):
        get(TableName=table(CLAIMS), Key={"id": {"S": "init"}})


@_translated
def put(**request: Any) -> None:
    """PutItem."""
    client.put_item(**request)


@_translated
def update(**request: Any) -> Row:
    """UpdateItem with ReturnValues ALL_NEW: the item as it is now."""
    row: Any = client.update_item(**request)["Attributes"]
    return cast("Row", row)


@_translated
def delete(**request: Any) -> None:
    """DeleteItem."""
    client.delete_item(**request)


@_translated
def query(**request: Any) -> tuple[list[Row], Row | None]:
    """Query: the items, and the key to start after for more (None at the end)."""
    answer: Any = client.query(**request)
    return answer["Items"], answer.get("LastEvaluatedKey")


@_translated
def transact(**request: Any) -> None:
    """TransactWriteItems. Raises Cancelled.

    botocore adds a ClientRequestToken, the same for each attempt of one call: an attempt whose
    answer was lost is not done again.
    """
    client.transact_write_items(**request)


def encode(value: Any) -> AttributeValue:
    """A JSON value, numbers as int or Decimal, as an attribute value.

    Raises TypeError for what JSON does not have, binary floats included.
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
    """
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case Decimal():
            return {"N": _digits(value)}
        case None:
            return {"NULL": True}
        case list():
            return {"L": [encode(each) for each in value]}
        case dict():
            return {"M": encode_row(value)}
    raise TypeError(f"{type(value).__name__} has no attribute value")


def decode(attribute: AttributeValue) -> Any:
    """The JSON value of an attribute value: what `encode` was given."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value) if value.lstrip("-").isdigit() else Decimal(value)
        case "NULL":
            return None
        case "L":
            return [decode(each) for each in value]
        case "M":
            return {name: decode(each) for name, each in value.items()}
    raise TypeError(f"attribute values of type {kind} are not used here")


def encode_row(values: Mapping[str, Any]) -> Row:
    """`encode` for each value of an object."""
    return {name: encode(value) for name, value in values.items()}


def decode_row(row: Row, names: Iterable[str]) -> dict[str, Any]:
    """`decode` for those of the attributes `names` that a row has, in their order."""
    return {name: decode(row[name]) for name in names if name in row}


def _reason(told: Mapping[str, Any]) -> Reason:
    code = told["Code"]
    return Reason(code == REFUSED, code in PASSING, told.get("Item"))


def _digits(number: Decimal) -> str:
    # One spelling for one number, so that an item reads the same whoever wrote it: DynamoDB
    # trims zeros too.
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
