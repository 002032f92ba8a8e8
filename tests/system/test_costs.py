"""What each call costs: DynamoDB calls per request, whatever the size of the table."""

from collections.abc import Iterator
from typing import Any

import pytest

import app
from chalicelib import dynamodb
from infra import tables
from tests.client import Client
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


def test_each_call_costs_what_the_contract_says(
    in_process: Client, sample: Sample, calls: Calls
) -> None:
    """One call to DynamoDB per request, refused ones included, and none for what is invalid."""
    api = in_process
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
        ("PUT", place, body, {"If-Match": item["etag"]}, 412, ["UpdateItem"]),
        ("PUT", place, body, {}, 200, ["UpdateItem"]),
        ("DELETE", place, None, {"If-Match": '"x"'}, 412, ["DeleteItem"]),
        ("DELETE", place, None, {}, 204, ["DeleteItem"]),
        ("DELETE", place, None, {}, 404, ["DeleteItem"]),
        ("GET", "/", None, {}, 200, []),
        ("GET", "/health", None, {}, 200, []),
    ]

    for method, path, sent, headers, status, expected in requests:
        calls.clear()
        answer = api.request(method, path, sent, **headers)
        assert (answer.status, [name for name, _ in calls]) == (status, expected), (method, path)


@pytest.fixture(scope="module", params=[10, 10_000])
def catalogue(request: pytest.FixtureRequest) -> Iterator[int]:
    """A catalogue of this many products, in a table of its own."""
    count: int = request.param
    table = f"storefront-local-catalogue-{unique()}"
    dynamodb.client.create_table(**tables.definition(app.PRODUCTS) | {"TableName": table})
    rows = [
        dynamodb.encode_row(
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.products, "table", table)
        yield count
    dynamodb.client.delete_table(TableName=table)


@pytest.mark.parametrize(
    "query", ["", "sort=createdAt", "sort=price", "sort=-price", "minPrice=5", "maxPrice=50"]
)
def test_a_list_is_one_query_of_one_page(
    in_process: Client, catalogue: int, calls: Calls, query: str
) -> None:
    """With 10 items and with 10,000: one Query, that stops one item after the page."""
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


def test_a_page_over_one_megabyte_is_still_full(in_process: Client, calls: Calls) -> None:
    """DynamoDB ends a Query at 1 MB: one more Query fills the page, for each further MB."""
    product = unique()
    in_process.create("/products", {"id": product, "name": "Cup", "price": 1})
    review = {"review": "\U0001f600" * 5000, "productId": product}
    made = {in_process.create("/reviews", review)["id"] for _ in range(60)}
    calls.clear()

    page = in_process.get(f"/reviews?productId={product}&limit=100").json

    queries = [name for name, _ in calls]
    for key in made:
        # So large that they would make the lists of other tests cost more, too.
        in_process.delete(f"/reviews/{key}")
    assert {item["id"] for item in page["items"]} == made
    assert page["next"] is None
    assert queries == ["Query", "Query"]
