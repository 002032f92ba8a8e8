"""`make costs`: what each call costs in DynamoDB, counted, as docs/costs.md.

Runs each call on ministack, and writes down the calls to DynamoDB and the capacity units that
they report. Write units follow AWS's rules there; read units of a Query do not, so those are worked
out from what it returned.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

import os
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

from infra import database, local

PAGE = Path(__file__).parent.parent / "docs" / "costs.md"
HEAD = """# What each call costs

Written by `make costs`: the calls to DynamoDB that each request makes, and the capacity units that
DynamoDB says they consumed (ConsumedCapacity, indexes included). A read unit is 4 KB read strongly
consistent, or 8 KB eventually; a write unit is 1 KB written. Transactions take double. Every index
that an item is in takes its own write units. None of it depends on how many items there are.
(The read units of lists are worked out from the bytes read: the emulator has none of its own.)

What DynamoDB refuses, a taken key, a stale etag or the replay of an Idempotency-Key, still takes
the write units of what was tried, on AWS; it does not report them, so they are not in the table.

The items: a user with username and email, a product, a todo and a review of a product, each of
{sizes} bytes. A list's page has 25 of them.

| call | calls to DynamoDB | read units | write units |
|---|---|---|---|
"""


class Meter:
    """Counts what the client's calls consume."""

    def __init__(self, client: Any) -> None:
        self.calls: list[str] = []
        self.reads = 0.0
        self.writes = 0.0
        client.meta.events.register("provide-client-params.dynamodb", self._ask)
        client.meta.events.register("after-call.dynamodb", self._note)

    def row(self, name: str, act: Callable[[], Any]) -> str:
        """A row of the table: do something, and say what it took."""
        self.calls, self.reads, self.writes = [], 0.0, 0.0
        act()
        return f"| {name} | {', '.join(self.calls)} | {self.reads:g} | {self.writes:g} |\n"

    def _ask(self, params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def _note(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        self.calls.append(model.name)
        consumed = parsed.get("ConsumedCapacity", [])
        for each in consumed if isinstance(consumed, list) else [consumed]:
            if model.name == "Query":
                self.reads += ceil(sum(map(_bytes, parsed["Items"])) / 4096) / 2
            elif model.name == "GetItem":
                self.reads += each["CapacityUnits"]
            else:
                self.writes += each["CapacityUnits"]


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


def page() -> str:
    """The page, measured on a database of its own."""
    data = database.start(None)
    try:
        os.environ.update(local.environment(data.url))
        return _measured()
    finally:
        local.stop(data.process)


def _measured() -> str:
    from chalicelib import models
    from chalicelib.claims import Once
    from chalicelib.dynamodb import client
    from chalicelib.store import Collection
    from infra import tables

    tables.create(client)
    users, products, todos, reviews = map(Collection, models.RESOURCES)
    # Long enough for all four to be of about one size.
    user = {"name": "A" * 60, "username": "ada", "email": "ada@shop.example"}
    product = {"name": "Teapot", "price": 34, "description": "d" * 60}
    todo = {"task": "t" * 80, "status": "pending"}
    review = {"review": "r" * 60, "name": "Ada", "rating": 5, "productId": "p"}
    others = {f"u{n}": {**user, "username": f"u{n}", "email": f"u{n}@x.org"} for n in range(25)}
    for n in range(25):
        users.create({"userId": f"u{n}", **others[f"u{n}"]})
        products.create({"id": f"p{n}", **product})
        todos.create({"id": f"t{n}", **todo})
    products.create({"id": "p", **product})
    for n in range(25):
        reviews.create({"id": f"r{n}", **review})
    once = Once("key", "fingerprint")
    other_name = {"name": "B" * 60}
    meter = Meter(client)
    rows = [
        meter.row("read one", lambda: products.read("p0")),
        meter.row("list of 25", lambda: products.page({})),
        meter.row("list of 25 by price", lambda: products.page({"minPrice": "1"})),
        meter.row("list of 25 by status", lambda: todos.page({"status": "pending"})),
        meter.row("list of 25 by product", lambda: reviews.page({"productId": "p"})),
        meter.row("find a user by email", lambda: users.page({"email": "u0@x.org"})),
        meter.row("create a product", lambda: products.create({"id": "n", **product})),
        meter.row("create a todo", lambda: todos.create({"id": "n", **todo})),
        meter.row(
            "... with an Idempotency-Key", lambda: todos.create({"id": "o", **todo}, once=once)
        ),
        meter.row("replay of it (see above)", lambda: todos.create({"id": "o", **todo}, once=once)),
        meter.row("create a review of a product", lambda: reviews.create({"id": "n", **review})),
        meter.row(
            "create a user with username and email", lambda: users.create({"userId": "n", **user})
        ),
        meter.row(
            "change a product's description",
            lambda: products.patch("p0", {"description": "e" * 60}),
        ),
        meter.row("change a product's price", lambda: products.patch("p0", {"price": 35})),
        meter.row("change a user's name", lambda: users.patch("n", other_name)),
        meter.row("change a user's email", lambda: users.patch("n", {"email": "ben@shop.example"})),
        meter.row("replace a user", lambda: users.replace("n", {**user, **other_name})),
        meter.row("replace a todo", lambda: todos.replace("n", todo)),
        meter.row("delete a todo", lambda: todos.delete("n")),
        meter.row("delete a user with username and email", lambda: users.delete("n")),
    ]
    samples = ((users, "u0"), (products, "p1"), (todos, "t0"), (reviews, "r0"))
    sizes = {
        _bytes(
            client.get_item(TableName=collection.table, Key={collection.resource.key: {"S": key}})[
                "Item"
            ]
        )
        for collection, key in samples
    }
    return HEAD.format(sizes=f"{min(sizes)} to {max(sizes)}") + "".join(rows)


def _bytes(row: dict[str, Any]) -> int:
    """An item's size in bytes, numbers counted as their digits: names and values in UTF-8."""
    return sum(len(name) + len(next(iter(value.values())).encode()) for name, value in row.items())


if __name__ == "__main__":
    main()
