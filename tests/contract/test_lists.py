"""Lists: order, pages, cursors, sorts and filters."""

from decimal import Decimal
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.client import Client
from tests.samples import Sample, unique


def test_list_is_newest_first_with_whole_items(api: Client, sample: Sample) -> None:
    """GET on a list returns whole items, as a read does."""
    made = make(api, sample, 3)

    response = api.get(sample.path, {"limit": 3})

    assert response.status == 200
    assert response.json.keys() == {"items", "next"}
    created = [item["createdAt"] for item in response.json["items"]]
    assert created == sorted(created, reverse=True)
    assert sorted(keys(response.json["items"], sample)) == sorted(keys(made, sample))
    assert {item["etag"] for item in response.json["items"]} == {item["etag"] for item in made}
    assert response.headers["content-type"] == "application/json"


def test_sort_by_created_at(api: Client, sample: Sample) -> None:
    """`-createdAt` is the default; `createdAt` begins with the oldest items."""
    make(api, sample, 3)

    newest = api.get(sample.path, {"limit": 3}).json["items"]
    oldest = api.get(sample.path, {"sort": "createdAt", "limit": 3}).json["items"]

    assert newest == api.get(sample.path, {"limit": 3, "sort": "-createdAt"}).json["items"]
    for items, reverse in ((newest, True), (oldest, False)):
        created = [item["createdAt"] for item in items]
        assert created == sorted(created, reverse=reverse)
    assert oldest[0]["createdAt"] <= newest[-1]["createdAt"]


@pytest.mark.parametrize("sort", ["createdAt", "-createdAt"])
def test_pages_are_full_until_the_last(api: Client, sort: str) -> None:
    """Walking the pages returns every item once, in order, `limit` at a time."""
    query = reviewed(api, unique()) | {"sort": sort}
    made = {
        api.create("/reviews", {"review": "Good.", **reviewed(api, query["productId"])})["id"]
        for _ in range(7)
    }
    whole = list(api.walk("/reviews", query))

    assert {item["id"] for item in whole} == made
    for limit, sizes in ((1, [1] * 7), (2, [2, 2, 2, 1]), (3, [3, 3, 1]), (7, [7]), (8, [7])):
        pages = list(api.pages("/reviews", {**query, "limit": limit}))
        assert [item for page in pages for item in page] == whole
        assert [len(page) for page in pages] == sizes


def test_pages_of_every_resource(api: Client, sample: Sample) -> None:
    """The first pages are the start of the list, for every limit."""
    make(api, sample, 6)
    start = api.get(sample.path, {"limit": 6}).json["items"]

    for limit in (1, 2, 3):
        pages = list(islice(api.pages(sample.path, {"limit": limit}), 6 // limit))
        assert [item for page in pages for item in page] == start
        assert all(len(page) == limit for page in pages)


def test_default_limit(api: Client) -> None:
    """The default limit is 25."""
    for _ in range(26):
        api.create("/todos", {"task": "Dust"})

    assert len(api.get("/todos").json["items"]) == 25
    assert len(api.get("/todos", {"limit": 26}).json["items"]) == 26


@pytest.mark.wire
def test_link_header(api: Client) -> None:
    """Link (RFC 8288) repeats the request with the cursor; the last page has none."""
    product = unique()
    for rating in (1, 2, 3):
        api.create("/reviews", {"review": "Good.", "rating": rating} | reviewed(api, product))
    first = api.get("/reviews", {"productId": product, "limit": 2, "sort": "createdAt"})

    target, rel = first.headers["link"].split(";")
    second = api.get(target.strip("<>"))

    assert rel.strip() == 'rel="next"'
    assert dict(parse_qsl(urlsplit(target.strip("<>")).query)) == {
        "productId": product,
        "limit": "2",
        "sort": "createdAt",
        "cursor": first.json["next"],
    }
    assert [item["rating"] for item in second.json["items"]] == [3]
    assert second.json["next"] is None
    assert "link" not in second.headers


def test_filter_reviews_by_product(api: Client) -> None:
    """`productId` returns that product's reviews only, also after the product was deleted."""
    mine, other = unique(), unique()
    made = [
        api.create("/reviews", {"review": "Good."} | reviewed(api, product))
        for product in (mine, other, mine, mine)
    ]
    assert api.delete(f"/products/{mine}").status == 204

    listed = list(api.walk("/reviews", {"productId": mine, "limit": 2, "sort": "createdAt"}))

    assert sorted(r["id"] for r in listed) == sorted(made[n]["id"] for n in (0, 2, 3))


def test_changed_product_id_moves_a_review(api: Client) -> None:
    """A change of productId moves the review; without one it is in no product's list."""
    one, two = unique(), unique()
    review = api.create("/reviews", {"review": "Good."} | reviewed(api, one))
    place = f"/reviews/{review['id']}"

    def listed(product: str) -> list[str]:
        return [item["id"] for item in api.walk("/reviews", {"productId": product})]

    api.patch(place, reviewed(api, two))
    assert (listed(one), listed(two)) == ([], [review["id"]])
    api.put(place, {"review": "Fine."})
    assert (listed(one), listed(two)) == ([], [])


def test_filter_users_by_email(api: Client) -> None:
    """`email` compares without case, and follows the user's own email."""
    email = f"Ada.{unique()}@Shop.example"
    user = api.create("/users", {"name": "Ada", "email": email})

    def found(by: str) -> list[str]:
        return [item["userId"] for item in api.walk("/users", {"email": by})]

    for spelling in (email, email.lower(), email.upper()):
        assert found(spelling) == [user["userId"]]
    api.patch(f"/users/{user['userId']}", {"email": f"x{email}"})
    assert (found(email), found(f"X{email}")) == ([], [user["userId"]])
    api.patch(f"/users/{user['userId']}", {"email": None})
    assert found(f"x{email}") == []


def test_filter_users_by_username(api: Client) -> None:
    """`username` is compared without case."""
    username = f"Ada.{unique()}"
    user = api.create("/users", {"name": "Ada", "username": username})

    for spelling in (username, username.lower(), username.upper()):
        assert api.get("/users", {"username": spelling}).json == {"items": [user], "next": None}
    api.patch(f"/users/{user['userId']}", {"username": f"x{username}"})
    assert api.get("/users", {"username": username}).json["items"] == []
    api.patch(f"/users/{user['userId']}", {"username": None})
    assert api.get("/users", {"username": f"x{username}"}).json["items"] == []


def test_reviews_of_a_product(api: Client) -> None:
    """`/products/KEY/reviews` is the list of `/reviews?productId=KEY`."""
    product = unique()
    for rating in (1, 2, 3):
        api.create("/reviews", {"review": "Good.", "rating": rating} | reviewed(api, product))
    query = {"limit": 2, "sort": "createdAt"}
    path = f"/products/{product}/reviews"

    page = api.get(path, query)

    assert page.json == api.get("/reviews", {**query, "productId": product}).json
    target = page.headers["link"].partition(";")[0].strip("<>")
    assert target.partition("?")[0] == f"{api.base}{path}"
    assert [item["rating"] for item in api.get(target).json["items"]] == [3]
    assert list(api.walk(path, query)) == list(
        api.walk("/reviews", {"productId": product, **query})
    )
    assert api.delete(f"/products/{product}").status == 204
    assert len(api.get(path).json["items"]) == 3
    assert api.get(f"/products/{unique()}/reviews").json == {"items": [], "next": None}
    assert api.get(path, {"productId": product}).status == 400
    assert api.get("/products/a%20b/reviews").status == 400


def test_filtered_pages_are_full(api: Client) -> None:
    """A todo list filtered by `status` has full pages if 1 in 20 todos matches."""
    before = {item["id"] for item in api.walk("/todos", {"status": "done", "limit": 100})}
    for n in range(200):
        api.create("/todos", {"task": "Dust", "status": "pending" if n % 20 else "done"})

    pages = list(api.pages("/todos", {"status": "done", "limit": 4}))

    done = [item for page in pages for item in page]
    assert {item["status"] for item in done} == {"done"}
    assert len({item["id"] for item in done} - before) == 10
    assert all(len(page) == 4 for page in pages[:-1])


def test_sort_by_price(api: Client) -> None:
    """`sort=price` is by number, not by text, and equal prices share a page or not."""
    made = {
        api.create("/products", {"name": "Cup", "price": Decimal(price) + 5_000_000})["id"]
        for price in ("9", "10", "10", "10", "100", "0.5", "10.01")
    }
    band = {"minPrice": 5_000_000, "maxPrice": 5_000_100}

    up = list(api.walk("/products", {**band, "sort": "price", "limit": 2}))
    down = list(api.walk("/products", {**band, "sort": "-price", "limit": 3}))

    assert made <= {item["id"] for item in up}
    prices = [item["price"] for item in up]
    assert prices == sorted(prices)
    assert down == up[::-1]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"minPrice": "7000000.5"}, ["7000000.5", "7000001", "7000002.25"]),
        ({"minPrice": "7000000", "maxPrice": "7000001"}, ["7000000.5", "7000001"]),
        ({"minPrice": "7e6", "maxPrice": "7000002.24"}, ["7000000.5", "7000001"]),
        ({"minPrice": "7000001", "maxPrice": "7000001"}, ["7000001"]),
        ({"minPrice": "7000002", "maxPrice": "7000001"}, []),
        ({"minPrice": "7000001", "sort": "-price"}, ["7000002.25", "7000001"]),
    ],
)
def test_price_bounds(api: Client, bounds: dict[str, str], expected: list[str]) -> None:
    """`minPrice` and `maxPrice` include their bounds, and imply `sort=price`."""
    made = {
        api.create("/products", {"name": "Ring", "price": Decimal(price)})["id"]
        for price in ("7000002.25", "7000000.5", "7000001")
    }

    listed = [item for item in api.walk("/products", {"limit": 2, **bounds}) if item["id"] in made]

    assert [item["price"] for item in listed] == [Decimal(price) for price in expected]


def test_max_price_alone_starts_at_the_lowest_price(api: Client) -> None:
    """`maxPrice` without `minPrice` lists from the lowest price."""
    api.create("/products", {"name": "Sample", "price": 0})

    prices = [item["price"] for item in api.walk("/products", {"maxPrice": "0.5"})]

    assert prices[0] == 0
    assert max(prices) <= Decimal("0.5")


@pytest.mark.parametrize(
    ("path", "query", "wrong"),
    [
        ("/todos", "limit=0", ["limit"]),
        ("/todos", "limit=101", ["limit"]),
        ("/todos", "limit=abc", ["limit"]),
        ("/todos", "limit=", ["limit"]),
        ("/todos", "limit=-1", ["limit"]),
        ("/todos", "limit=99999999999999999999999", ["limit"]),
        ("/todos", "limit=1&limit=1", ["limit"]),
        ("/todos", "limit=1&limit=2&sort=x&sort=y", ["limit", "sort"]),
        ("/todos", "sort=price", ["sort"]),
        ("/todos", "sort=", ["sort"]),
        ("/todos", "status=open", ["status"]),
        ("/todos", "status=", ["status"]),
        ("/todos", "productId=p1", ["productId"]),
        ("/todos", "limit=0&sort=task&colour=red&status=no", ["limit", "sort", "status", "colour"]),
        ("/todos", "cursor=", ["cursor"]),
        ("/todos", "%00=1", ["\x00"]),
        ("/products", "minPrice=abc", ["minPrice"]),
        ("/products", "minPrice=-1", ["minPrice"]),
        ("/products", "minPrice=NaN", ["minPrice"]),
        ("/products", "minPrice=Infinity", ["minPrice"]),
        ("/products", "minPrice=1e999999", ["minPrice"]),
        ("/products", "minPrice=1e-999999999999999999999", ["minPrice"]),
        ("/products", "maxPrice=1.001", ["maxPrice"]),
        ("/products", "maxPrice=1000000000", ["maxPrice"]),
        ("/products", "minPrice=1&sort=createdAt", ["sort"]),
        ("/products", "maxPrice=1&sort=-createdAt", ["sort"]),
        ("/products", "sort=name", ["sort"]),
        ("/reviews", "productId=a%2Fb", ["productId"]),
        ("/reviews", "productId=", ["productId"]),
        ("/users", "email=nobody", ["email"]),
        ("/users", "username=a%20b", ["username"]),
        ("/users", "name=Ada", ["name"]),
        ("/users", "email=a%40b.co&username=ada", ["username"]),
    ],
)
def test_invalid_query_parameter(api: Client, path: str, query: str, wrong: list[str]) -> None:
    """An unknown parameter, a wrong value, or one given twice is a 400 that names each."""
    response = api.get(f"{path}?{query}")

    assert response.status == 400
    assert list(response.problems) == wrong


def test_a_cursor_serves_only_its_own_list(api: Client) -> None:
    """A cursor of another list, filter, order or bound is a 400; another `limit` is fine."""
    for path, body in (
        ("/todos", {"task": "Dust", "status": "done"}),
        ("/products", {"name": "Cup", "price": 5}),
    ):
        for _ in range(3):
            api.create(path, body)
    queries: list[tuple[str, dict[str, Any]]] = [
        ("/todos", {}),
        ("/todos", {"sort": "createdAt"}),
        ("/todos", {"status": "done"}),
        ("/products", {}),
        ("/products", {"sort": "price"}),
        ("/products", {"sort": "-price"}),
        ("/products", {"minPrice": "1"}),
        ("/products", {"minPrice": "2"}),
        ("/products", {"maxPrice": "6"}),
    ]
    cursors = [api.get(path, {**query, "limit": 1}).json["next"] for path, query in queries]

    for made_by, cursor in zip(queries, cursors, strict=True):
        for path, query in queries:
            response = api.get(path, {**query, "limit": 2, "cursor": cursor})
            assert response.status == (200 if made_by == (path, query) else 400)
            assert response.status == 200 or list(response.problems) == ["cursor"]


def test_a_damaged_cursor_is_refused(api: Client) -> None:
    """Cut off, altered, extended or made by hand: 400."""
    for _ in range(3):
        api.create("/todos", {"task": "Dust"})
    cursor = api.get("/todos", {"limit": 1}).json["next"]
    made_up = [
        "x",
        "W10",
        "bnVsbA",
        "e30=",
        "null",
        "0",
        "\u2603",
        "../..",
        "%",
        "a" * 512,
        "a" * 513,
    ]

    damaged = [cursor[:n] for n in range(1, len(cursor))] + [
        cursor + "A",
        "A" + cursor,
        cursor.swapcase(),
        f"{cursor}!",
        f"{cursor[:10]} {cursor[10:]}",
        *made_up,
    ]

    for text in damaged:
        response = api.get("/todos", {"limit": 1, "cursor": text})
        assert (response.status, list(response.problems)) == (400, ["cursor"]), text


def keys(items: list[Any], sample: Sample) -> list[str]:
    """The keys of some items."""
    return [item[sample.key] for item in items]


def make(api: Client, sample: Sample, count: int) -> list[Any]:
    """Create `count` items with all their fields."""
    return [api.create(sample.path, sample.full()) for _ in range(count)]


def reviewed(api: Client, product: str) -> dict[str, str]:
    """What makes a review one of this product, which is there from then on."""
    if api.get(f"/products/{product}").status == 404:
        api.create("/products", {"id": product, "name": "Cup", "price": 1})
    return {"productId": product}
