"""`make scaling`: what a page of a list costs with 1, 4 and 16 shards, measured on ministack.

The time is that of this machine and of an emulated DynamoDB: compare the rows, not the values.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-indexes-gsi-sharding.html
"""

import random
from statistics import median
from time import perf_counter, process_time
from typing import Any

from msgspec import Struct, structs

from infra.docs import costs

SHARDS = (1, 4, 16)
ITEMS = 2_000
PAGES = 40
LIMIT = 25
# Write units that one partition of an index takes in a second:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
PARTITION_WRITES = 1_000
HEAD = (
    "| shards | writes a second | Queries | items read | read units | time, ms | CPU, ms |\n"
    "|---|---|---|---|---|---|---|"
)


class Measured(Struct, frozen=True):
    """The medians of a walk of PAGES pages."""

    queries: float
    items: float
    units: float
    wall: float
    cpu: float


def report() -> None:
    """Print the table of docs/scaling.md."""
    with costs.measuring():
        print(HEAD)
        for shards in SHARDS:
            found = measure(shards)
            print(
                f"| {shards} | {shards * PARTITION_WRITES:,} | {found.queries:g} | {found.items:g} "
                f"| {found.units:g} | {found.wall * 1000:.1f} | {found.cpu * 1000:.1f} |",
                flush=True,
            )


def measure(shards: int) -> Measured:
    """Walk a list of a new table with so many shards."""
    from chalicelib.access import STAFF_ROLE
    from chalicelib.context import Caller, Context
    from chalicelib.models import PRODUCTS
    from chalicelib.storage import dynamodb
    from chalicelib.storage.collection import Collection
    from infra.aws import tables

    resource = structs.replace(PRODUCTS, name=f"products{shards}", shards=shards)
    setattr(tables, "RESOURCES", (resource,))  # noqa: B010, it is a constant elsewhere
    tables.create_local(dynamodb.client)
    products = Collection(resource)
    call = Context(caller=Caller("sue", frozenset({STAFF_ROLE})))
    keys = random.Random(shards)  # noqa: S311, the same keys in each run
    for _ in range(ITEMS):
        key = f"{keys.getrandbits(128):032x}"
        products.create({"id": key, "name": "Teapot", "price": 34, "description": "d" * 60}, call)
    meter = _Meter(dynamodb.client)
    walls, cpus, queries, items, units = [], [], [], [], []
    cursor: dict[str, str] = {}
    for _ in range(PAGES):
        meter.queries, meter.items, meter.units = 0, 0, 0.0
        wall, cpu = perf_counter(), process_time()
        page = products.page({"limit": str(LIMIT), **cursor}, call)
        walls.append(perf_counter() - wall)
        cpus.append(process_time() - cpu)
        queries.append(meter.queries)
        items.append(meter.items)
        units.append(meter.units)
        cursor = {"cursor": str(page.next)}
    return Measured(median(queries), median(items), median(units), median(walls), median(cpus))


class _Meter:
    """Counts the Queries of a page, and the read units that DynamoDB would charge."""

    def __init__(self, client: Any) -> None:
        self.queries = 0
        self.items = 0
        self.units = 0.0
        client.meta.events.register("after-call.dynamodb.Query", self._note)

    def _note(self, parsed: dict[str, Any], **_: Any) -> None:
        self.queries += 1
        self.items += len(parsed["Items"])
        self.units += costs.query_units(parsed["Items"])
