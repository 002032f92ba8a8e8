"""Lists that are spread over several partitions."""

import json
import subprocess
import sys
from collections.abc import Iterator
from threading import Barrier
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct, structs

import app
from chalicelib.access import ANYONE, Access
from chalicelib.context import ANONYMOUS, CallContext
from chalicelib.errors import Invalid
from chalicelib.models import Price
from chalicelib.schema import Resource
from chalicelib.storage import dynamodb
from chalicelib.storage.collection import Collection
from infra.data import backfill, tables
from tests.client import Client
from tests.conftest import PROJECT, SHELL

ALL = CallContext(caller=ANONYMOUS)
EXAMPLES = 30
# More than a walk can return.
MOST_ITEMS = 100


class Part(Struct, forbid_unknown_fields=True):
    """An item with many ties."""

    price: Price
    kind: Literal["a", "b"] = "a"


PARTS = Resource(
    name="parts",
    noun="part",
    fields=Part,
    ranges=("price",),
    access=Access(default=ANYONE),
)


def collection(resource: Resource, **changes: Any) -> Collection:
    """A collection of a changed resource."""
    return Collection(structs.replace(resource, **changes))


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resource]:
    """The resource, with an empty table."""
    yield from with_table(PARTS, monkeypatch)


@pytest.fixture
def sharded_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resource]:
    """The resource with four shards and a sharded filter, and an empty table."""
    resource = structs.replace(
        PARTS, name="kinds", shards=4, filters=("kind",), sharded_filters=("kind",)
    )
    yield from with_table(resource, monkeypatch)


def with_table(resource: Resource, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resource]:
    """A resource, while its table exists."""
    monkeypatch.setattr(tables, "RESOURCES", (resource,))
    monkeypatch.setattr(backfill, "RESOURCES", (resource,))
    tables.create_local(dynamodb.client)
    yield resource
    dynamodb.client.delete_table(TableName=dynamodb.table_name(resource.name))


def add(resource: Resource, key: str, price: int, second: int) -> None:
    """Create an item at a second of a minute."""
    time = f"2026-11-20T09:30:{second:02}.000Z"
    values = {"id": key, "price": price, "createdAt": time, "updatedAt": time}
    one = Collection(resource)
    one.insert(one.imported_row(values, ALL, author=""), ALL, check_references=True)


def rows(resource: Resource) -> list[Any]:
    """The rows of its table."""
    table = dynamodb.table_name(resource.name)
    found: list[Any] = dynamodb.client.scan(TableName=table)["Items"]
    return found


def test_contract_of_lists_holds_with_shards() -> None:
    """Every resource, every list, and the filter by status."""
    contract = [sys.executable, "-m", "pytest", "tests/contract/test_lists.py", "-q"]
    result = subprocess.run(
        contract,
        cwd=PROJECT,
        env=SHELL | {"SHARDS": "4"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout[-5000:]


BOUNDS: tuple[dict[str, str], ...] = (
    {},
    {"minPrice": "2"},
    {"maxPrice": "2"},
    {"minPrice": "1", "maxPrice": "2"},
)
# What happens between two pages: an item is added or removed, or the number of shards grows.
changes = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 3), st.integers(0, 2)),
    st.tuples(st.just("remove"), st.integers(0, 40), st.just(0)),
    st.tuples(st.just("grow"), st.sampled_from([2, 4, 7, 16]), st.just(0)),
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    made=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), min_size=8, max_size=30),
    between=st.lists(st.lists(changes, max_size=3), max_size=8),
    shards=st.sampled_from([1, 2, 4, 16]),
    sort=st.sampled_from(["price", "-price", "createdAt", "-createdAt"]),
    bounds=st.sampled_from(BOUNDS),
    limit=st.integers(1, 5),
)
def test_walk_with_ties_is_exact(
    parts: Resource,
    made: list[tuple[int, int]],
    between: list[list[tuple[str, int, int]]],
    shards: int,
    sort: str,
    bounds: dict[str, str],
    limit: int,
) -> None:
    """While items come and go and shards are added, each that stays is returned once, in order."""
    for row in rows(parts):
        dynamodb.client.delete_item(TableName=dynamodb.table_name("parts"), Key={"id": row["id"]})
    resource = structs.replace(parts, shards=shards)
    stays = {}
    for number, (price, second) in enumerate(made):
        add(resource, f"m{number}", price, second)
        stays[f"m{number}"] = price
    query = {"sort": sort, "limit": str(limit), **(bounds if "price" in sort else {})}
    steps = iter(between)
    walked: list[dict[str, Any]] = []
    added = 0
    cursor: dict[str, str] = {}
    while True:
        page = Collection(resource).page({**query, **cursor}, ALL)
        walked += page.items
        if page.next is None:
            break
        assert len(page.items) == limit
        assert len(walked) < MOST_ITEMS, "the walk does not end"
        cursor = {"cursor": page.next}
        for what, number, second in next(steps, []):
            if what == "add":
                add(resource, f"a{added}", number, second)
                added += 1
            elif what == "grow":
                resource = structs.replace(resource, shards=max(resource.shards, number))
            elif f"m{number}" in stays:
                Collection(resource).delete(f"m{number}", ALL)
                del stays[f"m{number}"]

    keys = [item["id"] for item in walked]
    field = sort.removeprefix("-")
    order = [item[field] for item in walked]
    low, high = int(query.get("minPrice", 0)), int(query.get("maxPrice", 9))
    assert len(keys) == len(set(keys))
    assert {key for key, price in stays.items() if low <= price <= high} <= set(keys)
    assert order == sorted(order, reverse=sort.startswith("-"))


def test_one_shard_writes_and_reads_as_before(parts: Resource) -> None:
    """Shard 0 is the plain value, and its cursors have no shard."""
    add(parts, "x", 1, 0)
    add(parts, "y", 1, 1)
    (first, _) = sorted(rows(parts), key=lambda row: str(row["id"]))

    assert first["collection"] == {"S": "parts"}
    one = Collection(parts).page({"limit": "1"}, ALL)
    many = collection(parts, shards=4).page({"limit": "1"}, ALL)
    assert one == many


def test_queries_of_a_page_run_at_the_same_time(parts: Resource) -> None:
    """Each waits for the others before it is sent."""
    together = Barrier(4, timeout=20)

    def wait(**_: Any) -> None:
        together.wait()

    dynamodb.client.meta.events.register("before-call.dynamodb.Query", wait)
    try:
        usage = dynamodb.start_usage()
        page = collection(parts, shards=4).page({}, ALL)
    finally:
        dynamodb.client.meta.events.unregister("before-call.dynamodb.Query", wait)

    assert page.items == []
    assert usage.calls == 4


def test_items_are_spread_by_their_key(sharded_parts: Resource) -> None:
    """Over all shards, also in the index of the filter."""
    for number in range(40):
        add(sharded_parts, f"k{number}", number, 0)

    stored = rows(sharded_parts)
    assert {row["collection"]["S"] for row in stored} == {"kinds", "kinds.1", "kinds.2", "kinds.3"}
    assert {row["kindShard"]["S"] for row in stored} == {"a", "a.1", "a.2", "a.3"}


def test_sharded_filter(sharded_parts: Resource) -> None:
    """It finds the items of every shard, and follows changes of the field."""
    parts = Collection(sharded_parts)
    for number in range(20):
        parts.create({"id": f"k{number}", "price": number, "kind": "a"}, ALL)
    for number in range(0, 20, 2):
        parts.patch(f"k{number}", {"kind": "b"}, ALL)

    found = {
        kind: {item["id"] for item in parts.page({"kind": kind, "limit": "100"}, ALL).items}
        for kind in ("a", "b")
    }

    assert found["b"] == {f"k{number}" for number in range(0, 20, 2)}
    assert found["a"] == {f"k{number}" for number in range(1, 20, 2)}


def test_fewer_shards(sharded_parts: Resource, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make backfill` moves the items of the shards that are not read any more."""
    for number in range(40):
        add(sharded_parts, f"k{number}", number, number)
    before = Collection(sharded_parts).page({"limit": "100"}, ALL)
    lowered = structs.replace(sharded_parts, shards=2)
    monkeypatch.setattr(backfill, "RESOURCES", (lowered,))
    output: list[str] = []
    backfill.backfill(dynamodb.client, tell=output.append)

    assert Collection(lowered).page({"limit": "100"}, ALL) == before
    assert Collection(lowered).page({"kind": "a", "limit": "100"}, ALL).items == before.items
    assert {row["collection"]["S"] for row in rows(lowered)} == {"kinds", "kinds.1"}
    assert output
    again: list[str] = []
    backfill.backfill(dynamodb.client, tell=again.append)
    assert again == []


def test_more_shards_need_no_backfill(parts: Resource, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in the plain partition stays there."""
    add(parts, "x", 1, 0)
    monkeypatch.setattr(backfill, "RESOURCES", (structs.replace(parts, shards=16),))
    output: list[str] = []

    backfill.backfill(dynamodb.client, tell=output.append)

    assert output == []


def test_cursor_of_a_shard_that_does_not_exist(parts: Resource) -> None:
    """A list of fewer shards refuses it: 400."""
    for number in range(30):
        add(structs.replace(parts, shards=4), f"k{number}", 1, 0)
    pages = collection(parts, shards=4)
    page = pages.page({"limit": "1"}, ALL)
    cursors = []
    while page.next:
        cursors.append(page.next)
        page = pages.page({"limit": "1", "cursor": page.next}, ALL)
    # Newest first, and so the last shard first: the first item is in one of the others.
    with pytest.raises(Invalid, match="cursor must be the `next`"):
        Collection(parts).page({"limit": "1", "cursor": cursors[0]}, ALL)
    assert Collection(parts).page({"limit": "1", "cursor": cursors[-1]}, ALL)


def test_log_line_has_the_cost_of_a_page(
    in_process: Client, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`dynamodbCalls` counts the Queries of all shards."""
    resource = structs.replace(app.products.resource, shards=4)
    monkeypatch.setattr(app.products, "resource", resource)

    in_process.get("/products?limit=1")

    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["dynamodbCalls"] == 4
