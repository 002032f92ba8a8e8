"""Cursors: positions in a list, opaque to clients, valid for the list that returned them.

A cursor holds the sort value and the key of the last item of a page, and a digest of them and of
the list (its resource, filters and order). The digest is not a secret: a cursor gives access to
nothing that its list does not return. It detects a cursor that was truncated, altered or taken from
another list.
"""

from base64 import b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Annotated

from msgspec import Meta, MsgspecError, Struct, json

from chalicelib.errors import FieldError, Invalid
from chalicelib.schema import Key

DIGEST_BYTES = 9


class Position(Struct, array_like=True):
    """The last item of a page: its value of the index's sort key, as text, its key, and its shard.

    A list of one shard has the shard 0, which is left out: more shards leave its cursors valid.
    """

    sort: Annotated[str, Meta(min_length=1, max_length=64)]
    key: Key
    shard: Annotated[int, Meta(ge=0)] = 0


def encode_cursor(scope: list[str], position: Position) -> str:
    """The cursor after `position`, in the list that `scope` describes."""
    shard = [position.shard] if position.shard else []
    text = json.encode([position.sort, position.key, *shard])
    return urlsafe_b64encode(_digest(scope, text) + text).decode().rstrip("=")


def decode_cursor(scope: list[str], cursor: str) -> Position:
    """The position of a cursor from `encode_cursor` with the same scope. Raises Invalid."""
    try:
        raw = b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True)
        digest, text = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
        if digest == _digest(scope, text):
            return json.decode(text, type=Position)
    except (ValueError, MsgspecError):
        pass
    raise invalid_cursor()


def invalid_cursor() -> Invalid:
    """The error for a cursor that this list did not return."""
    return Invalid(
        FieldError(
            "cursor", "must be the `next` of a page of this list, with the same filters and sort"
        )
    )


def _digest(scope: list[str], text: bytes) -> bytes:
    return blake2b(json.encode(scope) + text, digest_size=DIGEST_BYTES).digest()
