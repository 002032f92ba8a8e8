"""`make scaling`: what grows with the number of items, and what stops it, as docs/scaling.md.

Calls are counted on ministack, among a thousand and among ten thousand items of each kind, beside
the tutorials' scan of the same table. What is beyond that is worked out, by formulas that must give
what was counted.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from math import ceil
from multiprocessing import get_context

from msgspec import Struct

from infra import command, costs, partition, stages
from infra.chart import OTHER, OWN, panels
from infra.command import Refused
from infra.costs import READ_UNITS, RECOVERY_GB, TABLE_GB, Row
from infra.stages import PROJECT

PAGE = PROJECT / "docs" / "scaling.md"
CHART = PROJECT / "docs" / "scaling.svg"

COUNTED = (1_000, 10_000)
SIZES = tuple(10**power for power in range(3, 10))

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html
SCANNED_BYTES = 1 << 20
UNIT_BYTES = 4096
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ANSWER_BYTES = 6 * 1_000_000
ENVIRONMENTS = 1_000
ENVIRONMENTS_IN_10_SECONDS = 1_000
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
REQUESTS_A_SECOND = 10_000
REQUESTS_AT_ONCE = 5_000
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
TABLE_UNITS = 40_000
NEW_TABLE_WRITES = 4_000
NEW_TABLE_READS = 12_000
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
ROW_OVERHEAD_BYTES = 100

PAGE_ITEMS = 26
DAY = 86_400
# TTL takes an item away "within a few days": https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
TTL_DAYS = 2
INDEXES = (1, 2, 3)
SHARDS = (1, 4, 16)
RATES = (500, 1_000, 1_500, 3_000, 10_000)

TEXT = """# How it grows

Written by `make scaling`: counted where it can be, and worked out beyond. Dollars are DynamoDB's,
at the prices of [costs.md](costs.md); what API Gateway, Lambda and logs take comes on top, the
same for each request. An item has {bytes} bytes, as there.

## What a call takes, among how many items

Counted among {counted} items of each kind: each call makes the same calls to DynamoDB and takes
the same capacity units. Nothing in a request depends on how many items there are, so it is the
same among 10^9. Beside it, what the tutorials do for a list: `scan`, to the end.

| call | calls to DynamoDB | read units | write units | $ a million, from 10^3 to 10^9 items |
|---|---|---|---|---|
{calls}
| items | list of 25: calls | read units | $ a million | scan: calls | read units | $ a million |
|---|---|---|---|---|---|---|
{lists}
![A million lists, and writes refused](scaling.svg)

- A scan of {scan_items:,} items makes an answer of 6 MB, the most that Lambda gives back: beyond,
  a handler that lists everything answers nothing. One that takes the first page of its scan alone
  shows the first {scan_page:,} items, in no order, and never another.
- A scan that looks for one email costs what a scan costs. The index costs {find:g} read units, at
  any size.
- A deep page costs what the first does: a cursor says where to start, nothing is skipped.

## What is stored

Each index holds the whole item, and DynamoDB counts {overhead} bytes more for each entry.
Products, todos and reviews are in two, users in three.

| items | {storage_head} |
|---|{storage_rule}
{storage}
Dollars are a month's, with point-in-time recovery of the table.

## Newest first: one partition of one index

`collection-createdAt` has all items of a resource under one partition key. DynamoDB gives a
partition {writes:,} write units and {reads:,} read units a second; and as the sort key only ever
grows, it does not split this one for heat. A create takes one write unit of it, and so does a
change: **{writes:,} writes a second for each resource**. When the index cannot follow, DynamoDB
refuses writes to the table: clients get 503 with `Retry-After`. `status-createdAt` of the todos
is like it, with a partition for each status; `collection-price` takes two units where the price
changes; all other partition keys are as many as there are items, users or products.

How many writes are refused in an hour, if they come at random, nobody tries again, and the burst
capacity of five minutes was unused (`infra/partition.py` simulates it):

| creates a second | {shards_head} |
|---|{shards_rule}
{refusals}
Spreading `collection` over N keys (`products#0` ... `products#N-1`, in `Resource.indexes` and
where `store.py` writes it) gives N times the writes. It costs the list: N Queries in place of
one, each for a whole page, because any shard may hold all of it.

| shards | writes a second | list: Queries | read units | $ a million |
|---|---|---|---|---|
{sharding}
So it is not there before it is needed: below {writes:,} writes a second, it makes each list
dearer and slower for nothing. Items that are there keep their partition until they are written
again: count the old key as one shard more.

## Idempotency records

A create with an `Idempotency-Key` writes a record of {record} bytes for a todo beside the item,
{doubled:g} write units in place of {single:g}: ${once:.2f} more a million. It lies under a key of
its own, so records spread over partitions as fast as they come. TTL takes them away for nothing,
after 24 hours and at most about {ttl} days more.

| creates a second | records kept | GB | $ a month |
|---|---|---|---|
{records}
## What stops it first

Default quotas in a large region, and what they come to here; a new account may have less. All but
the partitions' can be raised by asking; the stage's own throttle ({rate:,.0f} a second in prod,
`"throttle"` in `.chalice/config.json`) comes before all of them, on purpose.

| quota | | in requests a second |
|---|---|---|
{quotas}
An index partition stops creates first, and lists next. Lists can be cached (`"cache"`, see
[operating.md](operating.md)), and creates sharded. Reads of one item have no such limit: their
keys spread over partitions, and DynamoDB splits those that are read most.
"""


class List(Struct, frozen=True):
    """What reading a list takes: calls to DynamoDB and read units."""

    calls: int
    units: float

    @property
    def dollars(self) -> float:
        """What DynamoDB takes for a million of them."""
        return self.units * READ_UNITS


def page_of(items: int, size: int) -> List:
    """A page among `items` items of `size` bytes: one Query, eventually consistent."""
    return List(1, ceil(min(items, PAGE_ITEMS) * size / UNIT_BYTES) / 2)


def scan_of(items: int, size: int) -> List:
    """All of `items` items of `size` bytes, as the tutorials list them: a Scan to its end.

    Each call reads up to 1 MB, and is charged for 4 KB and a part of them.
    """
    held = ceil(SCANNED_BYTES / size)
    full, rest = divmod(items, held)
    units = full * ceil(held * size / UNIT_BYTES) / 2 + ceil(rest * size / UNIT_BYTES) / 2
    return List(full + 1, units)


class Counted(Struct, frozen=True):
    """What was counted among some items.

    Each call; the calls of a scan, and how many items it read; and bytes: of an item, of it as
    JSON, and of the record of an Idempotency-Key.
    """

    rows: list[Row]
    scan: int
    items: int
    size: int
    json: int
    record: int


def main() -> None:
    """Write the page and its chart."""
    found = measured()
    PAGE.write_text(page(found))
    draw(found)


def measured() -> Counted:
    """What is counted on databases of its own. Raises Refused where a formula does not hold."""
    # A process for each: the client of one is made for one database.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        first, *others = pool.map(count, COUNTED)
    for each in (first, *others):
        worked_out = scan_of(each.items, each.size).calls, page_of(each.items, each.size)
        (told,) = (row for row in each.rows if row.name == "list of 25")
        if worked_out != (each.scan, List(len(told.calls), told.reads)):
            raise Refused(
                f"Among {each.items} items, a list takes {told} and a scan {each.scan} calls; "
                "page_of and scan_of in infra/scaling.py say otherwise."
            )
    if any(each.rows != first.rows for each in others):
        raise Refused("What a call takes depends on how many items there are.")
    return first


def count(items: int) -> Counted:
    """Count each call among `items` more items of each kind, and a scan of the products."""
    with costs.measuring():
        rows, sizes = costs.measured(items)
        from chalicelib import claims, dynamodb, http, models, store

        scan = dynamodb.client.get_paginator("scan").paginate
        pages = list(scan(TableName=dynamodb.table("products")))
        (record,) = (
            row
            for row in scan(TableName=claims.TABLE).build_full_result()["Items"]
            if "fingerprint" in row
        )
        item = store.Collection(models.PRODUCTS).read("p1")
        return Counted(
            rows=rows,
            scan=len(pages),
            items=sum(page["Count"] for page in pages),
            size=max(sizes),
            json=len(http.changed(item).body),
            record=costs.size(record),
        )


def page(found: Counted) -> str:
    """The page, of what was counted."""
    rows = {row.name: row for row in found.rows}
    throttle = stages.load("prod").infra.throttle
    single, once = rows["create a todo"], rows["... with an Idempotency-Key"]
    return TEXT.format(
        bytes=found.size,
        counted=" and ".join(f"{each:,}" for each in COUNTED),
        calls="".join(
            f"{str(row).rstrip().removesuffix('|')}| {row.dollars:.2f} |\n" for row in rows.values()
        ),
        lists="".join(_lists(items, found.size) for items in SIZES),
        scan_items=ANSWER_BYTES // found.json,
        scan_page=ceil(SCANNED_BYTES / found.size),
        find=rows["find a user by email"].reads,
        overhead=ROW_OVERHEAD_BYTES,
        storage_head=" | ".join(f"in {n} index{'es' if n > 1 else ''}" for n in INDEXES),
        storage_rule="---|" * len(INDEXES),
        storage="".join(_storage(items, found.size) for items in SIZES),
        writes=partition.WRITE_UNITS,
        reads=partition.READ_UNITS,
        shards_head=" | ".join("1 partition" if n == 1 else f"{n} shards" for n in SHARDS),
        shards_rule="---|" * len(SHARDS),
        refusals="".join(_refusals(rate) for rate in RATES),
        sharding="".join(_sharding(shards, found.size) for shards in SHARDS),
        record=found.record,
        single=single.writes,
        doubled=once.writes,
        once=once.dollars - single.dollars,
        ttl=TTL_DAYS,
        records="".join(_records(rate, found.record) for rate in (1, 10, 100, 1_000)),
        rate=throttle.rate,
        quotas=_quotas(rows),
    )


def _lists(items: int, size: int) -> str:
    ours, theirs = page_of(items, size), scan_of(items, size)
    cells = [f"{value:,}" for each in (ours, theirs) for value in (each.calls, each.units)]
    cells = [*cells[:2], f"{ours.dollars:,.2f}", *cells[2:], f"{theirs.dollars:,.0f}"]
    return _row(_power(items), *cells)


def _storage(items: int, size: int) -> str:
    cells = []
    for count in INDEXES:
        table = items * (size + ROW_OVERHEAD_BYTES) / 1e9
        gigabytes = table * (1 + count)
        dollars = gigabytes * TABLE_GB + table * RECOVERY_GB
        cells.append(f"{_gigabytes(gigabytes)} GB, ${dollars:,.2f}")
    return _row(_power(items), *cells)


def _refusals(rate: int) -> str:
    return _row(f"{rate:,}", *(f"{partition.refused(rate, shards=n):.0%}" for n in SHARDS))


def _sharding(shards: int, size: int) -> str:
    units = shards * page_of(PAGE_ITEMS, size).units
    writes = shards * partition.WRITE_UNITS
    return _row(shards, f"{writes:,}", shards, f"{units:g}", f"{units * READ_UNITS:.2f}")


def _records(rate: int, size: int) -> str:
    kept = rate * DAY * (1 + TTL_DAYS)
    gigabytes = kept * (size + ROW_OVERHEAD_BYTES) / 1e9
    dollars = gigabytes * (TABLE_GB + RECOVERY_GB)
    return _row(f"{rate:,}", f"{kept:,}", _gigabytes(gigabytes), f"{dollars:,.2f}")


def _quotas(rows: dict[str, Row]) -> str:
    listed = rows["list of 25"].reads
    a_second = 1000 // costs.MILLISECONDS
    told = [
        (
            "a partition of an index, newest first",
            f"{partition.WRITE_UNITS:,} write units a second",
            f"{partition.WRITE_UNITS:,} creates and changes of one resource",
        ),
        (
            "",
            f"{partition.READ_UNITS:,} read units a second",
            f"{partition.READ_UNITS / listed:,.0f} lists of 25 of one resource",
        ),
        (
            "a partition of a table",
            f"{partition.READ_UNITS:,} read units a second",
            f"{partition.READ_UNITS:,} reads of one and the same item",
        ),
        (
            "a new table on demand",
            f"{NEW_TABLE_WRITES:,} write units, {NEW_TABLE_READS:,} read units a second",
            "at once; then twice the highest so far, within half an hour",
        ),
        (
            "a table on demand",
            f"{TABLE_UNITS:,} units of each kind a second",
            f"{TABLE_UNITS:,} reads of different items",
        ),
        (
            "API Gateway, for an account in a region",
            f"{REQUESTS_A_SECOND:,} a second, {REQUESTS_AT_ONCE:,} at once",
            f"{REQUESTS_A_SECOND:,}, of all stages and APIs together",
        ),
        (
            "Lambda, for an account in a region",
            f"{ENVIRONMENTS:,} environments",
            f"{ENVIRONMENTS * a_second:,}, if each takes {costs.MILLISECONDS} ms",
        ),
        (
            "Lambda, for a function",
            f"{ENVIRONMENTS_IN_10_SECONDS:,} more environments in 10 seconds",
            f"{ENVIRONMENTS_IN_10_SECONDS * a_second:,} more, each 10 seconds",
        ),
        (
            "Lambda's answer",
            f"{ANSWER_BYTES // 1_000_000} MB",
            "no limit here: a page of the 100 longest reviews has 2 MB",
        ),
    ]
    return "".join(_row(*each) for each in told)


def _gigabytes(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"  # noqa: PLR2004, no more than needed


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"


def _power(items: int) -> str:
    return f"10^{len(str(items)) - 1}"


def draw(found: Counted) -> None:
    """Write the chart: what a million lists cost, and how many writes are refused."""
    with panels(CHART, height=3.4) as (lists, writes):
        for read, name, colour in (
            (page_of, "Storefront: a page", OWN),
            (scan_of, "tutorials: a scan", OTHER),
        ):
            dollars = [read(items, found.size).dollars for items in SIZES]
            lists.loglog(SIZES, dollars, marker="o", color=colour, label=name)
        answered = ANSWER_BYTES // found.json
        lists.axvline(answered, color=OTHER, linestyle=":", label="a scan's answer has 6 MB")
        lists.set_title("A million lists of 25, in dollars")
        lists.set_xlabel("items")
        for shards, style in zip(SHARDS, ("-", "--", ":"), strict=True):
            share = [100 * partition.refused(rate, shards=shards) for rate in RATES]
            label = "one partition" if shards == 1 else f"{shards} shards"
            writes.semilogx(RATES, share, marker="o", color=OWN, linestyle=style, label=label)
        writes.set_title("Writes refused in an hour, in percent")
        writes.set_xlabel("creates a second, of one resource")
        lists.legend(frameon=False, loc=(0.48, 0.12))
        writes.legend(frameon=False)


if __name__ == "__main__":
    sys.exit(command.run(main))
