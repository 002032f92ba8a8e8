"""Transactions: writes that DynamoDB makes together or not at all.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from collections.abc import Callable, Iterator, Mapping
from random import random
from time import monotonic, sleep
from typing import Any, TypeVar
from uuid import uuid4

from chalicelib.errors import OutcomeUnknown, Unavailable
from chalicelib.storage import dynamodb
from chalicelib.storage.attributes import Row
from chalicelib.storage.dynamodb import Cancelled, WriteConflict

T = TypeVar("T")

# Another transaction on the same items ends within milliseconds. In the worst case the last attempt
# begins at the end of RETRY_SECONDS and takes 24 s (a read and a transaction of 12 s each:
# dynamodb.py), which is under API Gateway's timeout of 29 s.
RETRY_SECONDS = 2.0
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5
# How often a transaction is sent whose response is lost.
MAX_ATTEMPTS = 3


class TransactionConflict(Exception):
    """Another write was in the way. Nothing was written; the transaction may be tried again."""


def write(writes: Mapping[str, dict[str, Any]]) -> dict[str, Row | None]:
    """Make all writes, which have names, or none of them.

    Returns what was refused: the stored row (None: no row, or none was returned) by the
    name of the write whose condition was not met. Empty if the transaction was committed. Raises
    TransactionConflict or Unavailable.
    """
    try:
        _commit(list(writes.values()))
    except Cancelled as cancelled:
        # Checked first, because a refusal next to a conflict can be wrong: a transaction that is
        # being committed may show its item before its idempotency record.
        if any(reason.transient for reason in cancelled.reasons):
            raise TransactionConflict from None
        return {
            name: reason.row
            for name, reason in zip(writes, cancelled.reasons, strict=True)
            if reason.refused
        }
    return {}


def _commit(writes: list[dict[str, Any]]) -> None:
    """Send a transaction, again if the response is lost. Raises Cancelled or Unavailable."""
    request = {"TransactItems": writes, "ClientRequestToken": str(uuid4())}
    lost: OutcomeUnknown | None = None
    for _ in range(MAX_ATTEMPTS):
        try:
            dynamodb.transact(**request)
        except OutcomeUnknown as error:
            lost = error
            sleep(random() * LONGEST_PAUSE_SECONDS)  # noqa: S311, not a secret
        except Unavailable as error:
            raise lost or error from error.__cause__
        else:
            return
    raise lost or Unavailable


def write_one(call: Callable[..., T], **request: Any) -> T:
    """Make one write without a transaction, and repeat it while a transaction is in its way.

    Returns what `call`, a function of dynamodb.py, returns. Raises ConditionFailed, OutcomeUnknown
    or Unavailable.
    """
    for _ in attempts():
        try:
            return call(**request)
        except WriteConflict:
            continue
    raise Unavailable


def attempts() -> Iterator[None]:
    """Yields once for each attempt, for RETRY_SECONDS, with growing random pauses in between.

    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    started = monotonic()
    pause = FIRST_PAUSE_SECONDS
    while monotonic() - started < RETRY_SECONDS:
        yield
        # Random, because clients that collided would collide again after equal pauses.
        sleep(random() * pause)  # noqa: S311, not a secret
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
