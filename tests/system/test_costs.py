"""The DynamoDB calls of each request, for small and large tables."""

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import app
from chalicelib.storage import attributes, dynamodb
from infra import stages
from infra.data import tables
from infra.local import database, run
from tests.client import Client
from tests.conftest import PROJECT
from tests.samples import Sample, unique

Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def calls() -> Iterator[Calls]:
    """The calls to DynamoDB, as botocore is about to send them: their names and parameters."""
    made: Calls = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        made.append((model.name, params))

    dynamodb.client.meta.events.register("provide-client-params.dynamodb", note)
    yield made
    dynamodb.client.meta.events.unregister("provide-client-params.dynamodb", note)


def test_dynamodb_calls_of_each_request(in_process: Client, sample: Sample, calls: Calls) -> None:
    """One call to DynamoDB per request, refused ones included, and none for what is invalid.

    Two where unique fields are in play: a read, and a transaction that holds for what was read.
    """
    api = in_process
    guarded = sample.path == "/users"
    both = ["GetItem", "TransactWriteItems"]
    replace, refused_replace = (both, ["GetItem"]) if guarded else (["UpdateItem"],) * 2
    delete, refused_delete = (both, ["GetItem"]) if guarded else (["DeleteItem"],) * 2
    item = api.create(sample.path, sample.full())
    place = f"{sample.path}/{item[sample.key]}"
    body = sample.least()
    name = sample.required[0]
    requests = [
        ("POST", sample.path, sample.least(), {}, 201, ["PutItem"]),
        ("POST", sample.path, body | {sample.key: item[sample.key]}, {}, 409, ["PutItem"]),
        ("POST", sample.path, {}, {}, 400, []),
        ("GET", place, None, {}, 200, ["GetItem"]),
        ("GET", place, None, {"If-None-Match": item["etag"]}, 304, ["GetItem"]),
        ("GET", f"{sample.path}/nobody", None, {}, 404, ["GetItem"]),
        ("GET", sample.path, None, {}, 200, ["Query"]),
        ("GET", f"{sample.path}?limit=100&sort=createdAt", None, {}, 200, ["Query"]),
        ("GET", f"{sample.path}?limit=0", None, {}, 400, []),
        ("PATCH", place, {name: body[name]}, {"If-Match": '"x"'}, 412, ["UpdateItem"]),
        ("PATCH", f"{sample.path}/nobody", {}, {}, 404, ["UpdateItem"]),
        ("PATCH", place, {name: body[name]}, {"If-Match": item["etag"]}, 200, ["UpdateItem"]),
        ("PUT", place, body, {"If-Match": item["etag"]}, 412, refused_replace),
        ("PUT", place, body, {}, 200, replace),
        ("DELETE", place, None, {"If-Match": '"x"'}, 412, refused_delete),
        ("DELETE", place, None, {}, 204, delete),
        ("DELETE", place, None, {}, 404, refused_delete),
        ("GET", "/", None, {}, 200, []),
        ("GET", "/health", None, {}, 200, []),
    ]

    for method, path, sent, headers, status, expected in requests:
        calls.clear()
        response = api.request(method, path, sent, **headers)
        assert (response.status, [name for name, _ in calls]) == (status, expected), (method, path)


@pytest.fixture(scope="module", params=[10, 2_000])
def catalogue(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a table with this many products."""
    count: int = request.param
    table = f"storefront-local-catalogue-{unique()}"
    products = dynamodb.table_name("products")
    (declared,) = (
        each for each in tables.definitions(stages.load("local")) if each["TableName"] == products
    )
    dynamodb.client.create_table(**declared | {"TableName": table})
    rows = [
        attributes.encode_row(
            {
                "id": f"p{n}",
                "name": "Cup",
                "price": n % 100,
                "createdAt": f"2026-01-01T00:{n // 60 % 60:02}:{n % 60:02}.000Z",
                "updatedAt": "2026-01-01T00:00:00.000Z",
                "etag": f'"{n}"',
                "collection": "products",
            }
        )
        for n in range(count)
    ]
    for start in range(0, count, 25):
        dynamodb.client.batch_write_item(
            RequestItems={
                table: [{"PutRequest": {"Item": row}} for row in rows[start : start + 25]]
            }
        )
    yield table
    dynamodb.client.delete_table(TableName=table)


@pytest.mark.parametrize(
    "query", ["", "sort=createdAt", "sort=price", "sort=-price", "minPrice=5", "maxPrice=50"]
)
def test_a_list_is_one_query_of_one_page(
    in_process: Client,
    catalogue: str,
    calls: Calls,
    query: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With 10 items and with 2,000: one Query, that stops one item after the page."""
    monkeypatch.setattr(app.products, "table", catalogue)
    path = f"/products?limit=5&{query}"
    first = in_process.get(path).json
    if first["next"]:
        in_process.get(f"{path}&cursor={first['next']}")

    assert [name for name, _ in calls] == ["Query"] * (2 if first["next"] else 1)
    assert all(params["Limit"] == 6 for _, params in calls)
    assert not any("FilterExpression" in params for _, params in calls)
    if not query:
        assert first["next"]
        assert len(first["items"]) == 5


def test_page_over_one_megabyte_is_full(in_process: Client, calls: Calls) -> None:
    """DynamoDB ends a Query at 1 MB: one more Query fills the page, for each further MB."""
    product = unique()
    in_process.create("/products", {"id": product, "name": "Cup", "price": 1})
    review = {"review": "\U0001f600" * 5000, "productId": product}
    made = {in_process.create("/reviews", review)["id"] for _ in range(60)}
    calls.clear()

    page = in_process.get(f"/reviews?productId={product}&limit=100").json

    queries = [(name, params["Limit"]) for name, params in calls]
    for key in made:
        # So large that they would make the lists of other tests cost more, too.
        in_process.delete(f"/reviews/{key}")
    assert {item["id"] for item in page["items"]} == made
    assert page["next"] is None
    (first, limit), (second, rest) = queries
    assert (first, second, limit) == ("Query", "Query", 101)
    # The second Query asks for the missing items only.
    assert 101 - len(made) < rest < limit


def test_linked_writes_are_one_transaction(in_process: Client, calls: Calls) -> None:
    """A unique field, a reference or an Idempotency-Key makes a create one TransactWriteItems."""
    api, once = in_process, {"Idempotency-Key": unique()}
    product = api.create("/products", {"name": "Cup", "price": 1})["id"]
    review = {"review": "Good.", "productId": product, "id": unique()}
    user = {"name": "Ada", "email": f"{unique()}@shop.example", "userId": unique()}
    of_review, of_user = f"/reviews/{review['id']}", f"/users/{user['userId']}"
    write = ["TransactWriteItems"]
    both = ["GetItem", "TransactWriteItems"]
    requests = [
        ("POST", "/users", user, once, 201, write),
        ("POST", "/users", user, once, 201, write),
        ("POST", "/users", {}, once, 422, ["GetItem"]),
        ("POST", "/users", user, {}, 409, write),
        ("PATCH", of_user, {"name": "Bea"}, {}, 200, ["UpdateItem"]),
        ("PATCH", of_user, {"email": None}, {}, 200, both),
        ("PUT", of_user, user, {}, 200, both),
        ("PUT", of_user, user, {"If-Match": '"x"'}, 412, ["GetItem"]),
        ("DELETE", of_user, None, {}, 204, both),
        ("POST", "/reviews", review, {}, 201, write),
        ("POST", "/reviews", review | {"productId": unique()}, {}, 400, write),
        ("PATCH", of_review, {"rating": 5}, {}, 200, ["UpdateItem"]),
        ("PATCH", of_review, {"productId": product}, {}, 200, both),
        ("PUT", of_review, {"review": "Fine."}, {}, 200, ["UpdateItem"]),
        ("DELETE", of_review, None, {}, 204, ["DeleteItem"]),
        ("POST", "/todos", {"task": "Dust"}, {"Idempotency-Key": unique()}, 201, write),
    ]

    for method, path, sent, headers, status, expected in requests:
        calls.clear()
        response = api.request(method, path, sent, **headers)
        made = [name for name, _ in calls]
        assert (response.status, made) == (status, expected), (method, path, sent)


def test_documented_calls_and_units() -> None:
    """The tables of docs/costs.md and docs/scaling.md have what is measured."""
    data = database.start(None)
    try:
        measured = subprocess.run(
            [sys.executable, "-m", "tests.system.costs"],
            cwd=PROJECT,
            env=run.environment(data.url),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    finally:
        run.stop(data.process)
    print(measured)
    pages = ((PROJECT / "docs" / name).read_text() for name in ("costs.md", "scaling.md"))
    rows = [line for page in pages for line in page.splitlines()]

    assert [row for row in measured.splitlines() if row not in rows] == []


def test_documented_dollars() -> None:
    """A million requests of docs/costs.md: DynamoDB's part is that of the units, and all add up."""
    page = (PROJECT / "docs" / "costs.md").read_text()
    units = re.findall(r"^\| (.+?) \| [A-Za-z, ]+ \| ([\d.]+) \| ([\d.]+) \|$", page, re.MULTILINE)
    dynamodb_dollars = {
        name: float(reads) * 0.125 + float(writes) * 0.625 for name, reads, writes in units
    }
    prices = re.findall(r"^\| (.+?) \|((?: \d+\.\d\d \|){6})$", page, re.MULTILINE)

    assert len(prices) == 6
    for name, text in prices:
        *parts, total = map(float, text.strip(" |").split("|"))
        assert parts[-1] == pytest.approx(dynamodb_dollars[name], abs=0.006)
        assert total == pytest.approx(sum(parts), abs=0.03)
