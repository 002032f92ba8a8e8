"""The DynamoDB calls and the capacity units of each request, as rows of the tables in docs.

test_costs.py runs it on a new ministack, and prints the rows with -s. ministack's write units
follow AWS's rules; its read units of a Query do not, so those are calculated from the items.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from collections.abc import Callable, Iterator
from functools import partial
from math import ceil
from typing import Any

from msgspec import structs

from chalicelib import models
from chalicelib.access import STAFF_ROLE
from chalicelib.context import CallContext, Caller, IdempotencyKey
from chalicelib.storage import dynamodb
from chalicelib.storage.collection import Collection
from chalicelib.storage.dynamodb import client
from infra.data import tables

ITEMS = 25
SHARDS = (1, 4, 16)


class Meter:
    """Counts the calls, the items and the capacity units of a request."""

    def __init__(self, client: Any) -> None:
        self.calls: list[str] = []
        self.items = 0
        self.query_units = 0.0
        client.meta.events.register("after-call.dynamodb", self._note)

    def row(self, name: str, request: Callable[[], Any]) -> str:
        """The row of docs/costs.md for a request."""
        self.calls, self.items, self.query_units = [], 0, 0.0
        usage = dynamodb.start_usage()
        request()
        reads = self.query_units if "Query" in self.calls else usage.read_units
        return f"| {name} | {', '.join(self.calls)} | {reads:g} | {usage.write_units:g} |"

    def _note(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        self.calls.append(model.name)
        if model.name == "Query":
            self.items += len(parsed["Items"])
            # Eventually consistent.
            self.query_units += ceil(sum(map(size, parsed["Items"])) / 4096) / 2 or 0.5


def size(row: dict[str, Any]) -> int:
    """An item's size in bytes, numbers counted as their digits: names and values in UTF-8."""
    return sum(len(name) + len(next(iter(value.values())).encode()) for name, value in row.items())


def request_rows() -> Iterator[str]:
    """The rows of docs/costs.md. The environment names an empty database."""
    tables.create_local(client)
    staff = Caller("sue", frozenset({STAFF_ROLE}))
    call = CallContext(caller=staff)
    once = CallContext(caller=staff, idempotency_key=IdempotencyKey("key", "fingerprint"))
    users, products = Collection(models.USERS), Collection(models.PRODUCTS)
    todos, reviews = Collection(models.TODOS), Collection(models.REVIEWS)
    # Long enough for all four to be of about one size.
    user = {"name": "A" * 60, "username": "ada", "email": "ada@shop.example"}
    product = {"name": "Teapot", "price": 34, "description": "d" * 60}
    todo = {"task": "t" * 80, "status": "pending"}
    review = {"review": "r" * 60, "name": "Ada", "rating": 5, "productId": "p"}
    products.create({"id": "p", **product}, call)
    for n in range(ITEMS):
        unique = {"username": f"u{n}", "email": f"u{n}@x.org"}
        users.create({**user, "userId": f"u{n}", **unique}, call)
        products.create({"id": f"p{n}", **product}, call)
        todos.create({"id": f"t{n}", **todo}, call)
        reviews.create({"id": f"r{n}", **review}, call)
    requests: dict[str, Callable[[], Any]] = {
        "read one": lambda: products.read("p0", call),
        "list of 25": lambda: products.page({}, call),
        "list of 25 by price": lambda: products.page({"minPrice": "1"}, call),
        "list of 25 by status": lambda: todos.page({"status": "pending"}, call),
        "list of 25 by product": lambda: reviews.page({"productId": "p"}, call),
        "find a user by email": lambda: users.page({"email": "u0@x.org"}, call),
        "create a product": lambda: products.create({"id": "n", **product}, call),
        "create a todo": lambda: todos.create({"id": "n", **todo}, call),
        "... with an Idempotency-Key": lambda: todos.create({"id": "o", **todo}, once),
        "... its replay (see above)": lambda: todos.create({"id": "o", **todo}, once),
        "create a review of a product": lambda: reviews.create({"id": "n", **review}, call),
        "create a user with username and email": lambda: users.create(
            {"userId": "n", **user}, call
        ),
        "change a product's description": lambda: products.patch(
            "p0", {"description": "e" * 60}, call
        ),
        "change a product's price": lambda: products.patch("p0", {"price": 35}, call),
        "change a user's name": lambda: users.patch("n", {"name": "B" * 60}, call),
        "change a user's email": lambda: users.patch("n", {"email": "ben@shop.example"}, call),
        "replace a user": lambda: users.replace("n", {**user, "name": "B" * 60}, call),
        "replace a todo": lambda: todos.replace("n", todo, call),
        "delete a todo": lambda: todos.delete("n", call),
        "delete a user with username and email": lambda: users.delete("n", call),
    }
    meter = Meter(client)
    for name, request in requests.items():
        yield meter.row(name, request)


def shard_rows() -> Iterator[str]:
    """The rows of docs/scaling.md: what a page of 25 items costs. After `request_rows`."""
    call = CallContext(caller=Caller("sue", frozenset({STAFF_ROLE})))
    meter = Meter(client)
    for shards in SHARDS:
        products = Collection(structs.replace(models.PRODUCTS, shards=shards))
        for n in range(400):
            # Each table row is written again, into its shard of so many.
            products.create({"id": f"{shards}-{n}", "name": "Teapot", "price": 34}, call)
        meter.row("page", partial(products.page, {}, call))
        yield (
            f"| {shards} | {shards * 1000:,} | {len(meter.calls)} | {meter.items} "
            f"| {meter.query_units:g} |"
        )


if __name__ == "__main__":
    for row in (*request_rows(), *shard_rows()):
        print(row)
