"""Where a list goes on: opaque to the client, and good for the one list that made it.

A cursor is the sort value and the key of the last item of a page, behind a digest of them and
of the list (its resource, filters and order). The digest is no secret: a cursor opens nothing
that its list does not show, so a forged one gains nothing. It tells a cursor that was cut off,
altered or taken from another list.
"""

from base64 import b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Annotated

from msgspec import Meta, MsgspecError, Struct, json

from chalicelib.errors import Invalid, Problem
from chalicelib.schema import Key

DIGEST_BYTES = 9


class Position(Struct, array_like=True):
    """The last item of a page: the text of its value in the index's sort key, and its key."""

    sort: Annotated[str, Meta(min_length=1, max_length=64)]
    key: Key


def write(scope: list[str], position: Position) -> str:
    """The cursor of the list described by `scope`, after `position`."""
    text = json.encode(position)
    return urlsafe_b64encode(_digest(scope, text) + text).decode().rstrip("=")


def read(scope: list[str], cursor: str) -> Position:
    """The position in a cursor that `write` made with the same `scope`. Raises Invalid."""
    try:
        raw = b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True)
        digest, text = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
        if digest == _digest(scope, text):
            return json.decode(text, type=Position)
    except (ValueError, MsgspecError):
        pass
    raise foreign()


def foreign() -> Invalid:
    """The error for a cursor that is not of this list."""
    return Invalid(Problem("cursor", "must be the `next` of a page of this very list"))


def _digest(scope: list[str], text: bytes) -> bytes:
    return blake2b(json.encode(scope) + text, digest_size=DIGEST_BYTES).digest()
