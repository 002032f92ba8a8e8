"""The context of one call: who makes it, and under which conditions.

Every method of `storage.collection.Collection` takes a `Context`, so that no route can leave the
caller out.
"""

from msgspec import Struct


class Caller(Struct, frozen=True):
    """Who makes a call.

    `subject` identifies the caller: text that matches `schema.Key`, or empty for an anonymous
    caller. What belongs to a caller, such as an idempotency key, is stored under it. `roles` are
    those of the access token.
    """

    subject: str = ""
    roles: frozenset[str] = frozenset()


ANONYMOUS = Caller()


class Precondition(Struct, frozen=True):
    """`If-Match` and `If-None-Match` (RFC 9110 section 13.1), without HTTP's syntax.

    The item must have one of the etags in `match` (empty: any etag) and none of those in
    `none_match`. `absent` (`If-None-Match: *`) asks that the item does not exist.
    """

    match: tuple[str, ...] = ()
    none_match: tuple[str, ...] = ()
    absent: bool = False

    def failure(self, etag: str) -> str | None:
        """The condition that an item with this etag does not meet, as a sentence, or None."""
        if self.absent:
            return "If-None-Match is *, and it exists."
        if etag in self.none_match:
            return "If-None-Match lists the etag that it has."
        if not self.match or etag in self.match:
            return None
        if all(tag.startswith("W/") for tag in self.match):
            return "If-Match needs a strong etag, without W/."
        return "If-Match does not list the etag that it has. Read it again, and send that etag."


UNCONDITIONAL = Precondition()


class IdempotencyKey(Struct, frozen=True):
    """An `Idempotency-Key` header, and the digest of the request that it was sent with."""

    key: str
    fingerprint: str


class CallContext(Struct, frozen=True, kw_only=True):
    """What a call to the data-access module depends on, besides its arguments.

    `owner` is the subject whose items of an owned resource are meant; None means the caller's own.
    """

    caller: Caller
    owner: str | None = None
    precondition: Precondition = UNCONDITIONAL
    idempotency_key: IdempotencyKey | None = None
