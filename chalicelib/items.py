"""What the data-access module gives and takes: items, pages of them, and preconditions."""

from typing import Any

from msgspec import Struct


class Item(Struct, frozen=True):
    """One item as a client sees it. `etag` is an entity-tag of RFC 9110, quotes included.

    `replayed` says that an earlier request with the same Idempotency-Key created it.
    """

    key: str
    etag: str
    values: dict[str, Any]
    replayed: bool = False


class Page(Struct, frozen=True):
    """Some items of a list, and the cursor of the page after it (None: there is none)."""

    items: list[dict[str, Any]]
    next: str | None


class Precondition(Struct, frozen=True):
    """Which etags an item must have one of (none given: any), and which it must have none of.

    `absent` asks that there be no item at all. RFC 9110 section 13.1.
    """

    match: tuple[str, ...] = ()
    none_match: tuple[str, ...] = ()
    absent: bool = False

    def holds(self, etag: str) -> bool:
        """Whether an item with this etag meets it."""
        matches = etag in self.match or not self.match
        return matches and etag not in self.none_match and not self.absent


UNCONDITIONAL = Precondition()
