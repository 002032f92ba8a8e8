"""Writes that happen together or not at all, each with what its refusal means.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from collections.abc import Callable, Iterator
from random import random
from time import monotonic, sleep
from typing import Any

from msgspec import Struct

from chalicelib import dynamodb
from chalicelib.dynamodb import Cancelled, Row
from chalicelib.errors import Taken

# What another transaction is changing is free again within milliseconds. At the very worst, the
# last attempt begins at the end of this time and takes 24 s, a read and a transaction of 12 s each
# (dynamodb.py): still under the 29 s after which API Gateway gives up.
PATIENCE_SECONDS = 2.0
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5


class Step(Struct, frozen=True):
    """One write of a transaction, and the error that it is when its condition does not hold.

    `refused` is given what is stored there, or None where nothing is.
    """

    write: dict[str, Any]
    refused: Callable[[Row | None], Exception]


class Raced(Exception):
    """Another write came between. Nothing was done; it may be tried again."""


def write(steps: list[Step]) -> None:
    """Do all the steps, or none.

    Raises what the first refused step says, with every other name that is taken, or Raced where
    another transaction was in the way of any step.
    """
    try:
        dynamodb.transact(TransactItems=[step.write for step in steps])
    except Cancelled as cancelled:
        # First, for it may hide a refusal that matters more: a transaction that is still being
        # committed shows its item before its record, and the replay would look like a conflict.
        if any(reason.passing for reason in cancelled.reasons):
            raise Raced from None
        refusals = [
            step.refused(reason.row)
            for step, reason in zip(steps, cancelled.reasons, strict=True)
            if reason.refused
        ]
        raise _foremost(refusals) from None


def attempts() -> Iterator[None]:
    """One attempt after another, with growing, random pauses between, until it takes too long.

    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    started = monotonic()
    pause = FIRST_PAUSE_SECONDS
    while monotonic() - started < PATIENCE_SECONDS:
        yield
        # A pause of random length: clients that met once would else meet again.
        sleep(random() * pause)  # noqa: S311, nothing to guess
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _foremost(refusals: list[Exception]) -> Exception:
    if not isinstance(refusals[0], Taken):
        return refusals[0]
    return Taken.together([each for each in refusals if isinstance(each, Taken)])
