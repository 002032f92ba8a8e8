"""What the data-access module returns: items, and pages of items."""

from typing import Any

from msgspec import Struct


class Item(Struct, frozen=True):
    """One item, as a client sees it.

    `values` is its JSON object: the key, the fields in the order of their declaration and the
    server's fields, with numbers as int or Decimal. `etag` is an entity-tag (RFC 9110 section
    8.8.3), double quotes included. `replayed` is true if an earlier request with the same
    idempotency key wrote the item.
    """

    key: str
    etag: str
    values: dict[str, Any]
    replayed: bool = False


class Page(Struct, frozen=True):
    """A page of a list, and the cursor of the next page (None: this is the last page)."""

    items: list[dict[str, Any]]
    next: str | None
