"""A check of histories: each operation on an item takes effect at one moment of its duration.

The search of Wing and Gong with a memory of what was tried (G. Lowe, "Testing for linearizability",
2017), for one item with an etag.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

NEVER = float("inf")


@dataclass(frozen=True)
class State:
    """A stored item: its etag and fields. The etag of a write without a response is not known."""

    etag: str | int
    fields: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Operation:
    """A request and its response. `status` is None if there was none, or if it was a 503."""

    method: str
    body: tuple[tuple[str, Any], ...]
    if_match: str | None
    status: int | None
    etag: str | None
    fields: tuple[tuple[str, Any], ...]
    begin: float
    end: float

    @property
    def is_known(self) -> bool:
        return self.status is not None


Next = tuple[bool, State | None]
IMPOSSIBLE: Next = (False, None)


def violation(history: list[Operation]) -> str | None:
    """Why no order of the operations on one key explains the responses; None if one does."""
    # An operation without a response may take effect at any later time, or never.
    operations = sorted(
        (each if each.is_known else replace(each, end=NEVER) for each in history),
        key=lambda each: each.begin,
    )
    # Sets of operations are bit masks.
    known = sum(1 << n for n, each in enumerate(operations) if each.is_known)
    longest = 0
    start: tuple[int, State | None] = (0, None)
    stack, tried = [start], {start}
    while stack:
        done, state = stack.pop()
        if known & done == known:
            return None
        longest = max(longest, done, key=int.bit_count)
        # The operation that ends first is tried first.
        for number in sorted(_next(operations, done), key=lambda n: -operations[n].end):
            possible, after = apply(operations[number], number, state)
            reached = (done | 1 << number, after)
            if possible and reached not in tried:
                tried.add(reached)
                stack.append(reached)
    stuck = [each for n, each in enumerate(operations) if each.is_known and not longest >> n & 1]
    return f"no order explains {stuck[:3]} after {longest.bit_count()} operations"


def _next(operations: list[Operation], done: int) -> list[int]:
    """The operations that began before any of those that are left has ended."""
    left = [n for n in range(len(operations)) if not done >> n & 1]
    first_end = min(operations[n].end for n in left)
    return [n for n in left if operations[n].begin <= first_end]


def apply(operation: Operation, number: int, state: State | None) -> Next:
    """Whether an operation can have its response in a state, and the state after it."""
    if state is None:
        return _apply_to_nothing(operation, number)
    if operation.method == "GET":
        # A read tells the etag of a write without a response.
        seen = State(operation.etag or "", operation.fields)
        is_etag = isinstance(state.etag, int) or state.etag == seen.etag
        return (operation.status == 200 and is_etag and seen.fields == state.fields, seen)
    if operation.method == "POST":
        return (operation.status == 409, state)
    if operation.if_match not in (None, state.etag):
        return (operation.status == 412, state)
    if operation.method == "DELETE":
        return (operation.status in (204, None), None)
    fields = tuple(sorted({**dict(state.fields), **dict(operation.body)}.items()))
    if not operation.is_known:
        return (True, State(number, fields))
    is_response = operation.status == 200 and operation.fields == fields
    return (is_response, State(operation.etag or "", fields))


def _apply_to_nothing(operation: Operation, number: int) -> Next:
    if operation.method != "POST":
        return (operation.status == 404, None)
    if operation.status is None:
        return (True, State(number, operation.body))
    if operation.status == 201 and operation.fields == operation.body:
        return (True, State(operation.etag or "", operation.fields))
    return IMPOSSIBLE
