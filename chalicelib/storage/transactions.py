"""Transactions: writes that DynamoDB makes together or not at all.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from random import random
from time import monotonic, sleep
from typing import Any, TypeVar
from uuid import uuid4

from chalicelib.errors import OutcomeUnknown, Unavailable
from chalicelib.storage import dynamodb
from chalicelib.storage.attributes import Row
from chalicelib.storage.dynamodb import Cancelled, WriteConflict

T = TypeVar("T")

# Another transaction on the same items ends within milliseconds. In the worst case a last read
# begins at the end of RETRY_SECONDS, and is followed by a transaction, which is sent again at the
# end of another RETRY_SECONDS: with 12 s for the read (dynamodb.py) and 7 s for a lost attempt (two
# that are not connected, one without a response), 23 s, under API Gateway's timeout of 29 s.
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
    TransactionConflict, OutcomeUnknown or Unavailable.
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
    """Send a transaction, again under the same token if the response is lost.

    Raises Cancelled or Unavailable if nothing was written, and OutcomeUnknown if a lost attempt was
    not confirmed: also after a later one is refused, because the lost one may still arrive.
    """
    request = {"TransactItems": writes, "ClientRequestToken": str(uuid4())}
    lost: OutcomeUnknown | None = None
    # A lost attempt may still be in progress, for longer than a conflict is.
    for _ in islice(attempts(LONGEST_PAUSE_SECONDS), MAX_ATTEMPTS):
        try:
            dynamodb.transact(**request)
        except OutcomeUnknown as unknown:
            lost = unknown
        except (Cancelled, Unavailable):
            if lost is None:
                raise
        else:
            return
    raise lost or OutcomeUnknown


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


def attempts(pause: float = FIRST_PAUSE_SECONDS) -> Iterator[None]:
    """Yields once for each attempt, for RETRY_SECONDS, with random pauses in between.

    They grow from at most `pause` seconds to LONGEST_PAUSE_SECONDS.

    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    started = monotonic()
    while monotonic() - started < RETRY_SECONDS:
        yield
        # Random, because clients that collided would collide again after equal pauses.
        sleep(random() * pause)  # noqa: S311, not a secret
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
