"""Create, read, replace, patch and delete, for every resource."""

import re
from decimal import Decimal
from uuid import UUID

import pytest

from tests.client import Client
from tests.samples import Sample, unique

RFC_3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.mark.wire
def test_create_returns_item_etag_and_location(api: Client, sample: Sample) -> None:
    """POST answers 201 with every field, the read-only ones, ETag and Location."""
    body = sample.full()

    response = api.post(sample.path, body)

    item = response.json
    assert response.status == 201
    assert item == body | {
        name: item[name] for name in (sample.key, "createdAt", "updatedAt", "etag")
    }
    assert str(UUID(item[sample.key])) == item[sample.key]
    assert re.fullmatch(RFC_3339, item["createdAt"])
    assert item["updatedAt"] == item["createdAt"]
    assert response.headers["etag"] == item["etag"]
    assert re.fullmatch(r'"[\x21\x23-\x7e]+"', item["etag"])
    assert response.headers["location"] == f"{api.base}{sample.path}/{item[sample.key]}"
    assert response.headers["content-type"] == "application/json"


def test_read_returns_the_same_bytes_as_create(api: Client, sample: Sample) -> None:
    """A strong etag stands for one sequence of bytes."""
    created = api.post(sample.path, sample.full())

    read = api.get(created.headers["location"])

    assert (read.status, read.body) == (200, created.body)
    assert read.headers["etag"] == created.headers["etag"]


def test_optional_fields_may_be_omitted(api: Client, sample: Sample) -> None:
    """A create with the required fields alone gets the defaults."""
    item = api.create(sample.path, sample.least())

    assert item.items() >= (sample.least() | sample.defaults).items()


def test_client_chosen_key(api: Client, sample: Sample) -> None:
    """A key of the body's is the item's."""
    key = f"A_b.c-{unique()}"

    response = api.post(sample.path, sample.least() | {sample.key: key})

    assert response.json[sample.key] == key
    assert response.headers["location"] == f"{api.base}{sample.path}/{key}"


def test_a_key_belongs_to_one_item(api: Client, sample: Sample) -> None:
    """A second create with the same key is a 409 that names the key, and changes nothing."""
    key = unique()
    first = api.create(sample.path, sample.full() | {sample.key: key})

    second = api.post(sample.path, sample.full() | {sample.key: key})

    assert second.status == 409
    assert second.problems == {sample.key: "is taken"}
    assert api.get(f"{sample.path}/{key}").json == first


def test_replace_removes_omitted_fields(api: Client, sample: Sample) -> None:
    """PUT takes away what the body does not have; key and createdAt stay."""
    before = api.create(sample.path, sample.full())
    place = f"{sample.path}/{before[sample.key]}"

    response = api.put(place, sample.least())

    after = response.json
    assert response.status == 200
    assert after == {
        **sample.least(),
        **sample.defaults,
        sample.key: before[sample.key],
        "createdAt": before["createdAt"],
        "updatedAt": after["updatedAt"],
        "etag": response.headers["etag"],
    }
    assert after["updatedAt"] >= before["updatedAt"]
    assert after["etag"] != before["etag"]
    assert api.get(place).body == response.body


def test_read_item_can_be_sent_back(api: Client, sample: Sample) -> None:
    """Read-only fields are ignored in a body, right or wrong."""
    before = api.create(sample.path, sample.full())
    place = f"{sample.path}/{before[sample.key]}"

    for response in (
        api.put(place, before),
        api.patch(place, before),
        api.patch(place, {"createdAt": 5, "updatedAt": None, "etag": []}),
    ):
        assert response.status == 200
        unchanged = {n: v for n, v in before.items() if n not in ("updatedAt", "etag")}
        assert response.json.items() >= unchanged.items()


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_key_in_the_body_must_be_that_of_the_path(api: Client, sample: Sample, method: str) -> None:
    """A key that differs from the path's is a 400 that names it."""
    item = api.create(sample.path, sample.full())
    place = f"{sample.path}/{item[sample.key]}"

    for other in ("another", None, 7):
        response = api.request(method, place, sample.full() | {sample.key: other})

        assert response.status == 400
        assert list(response.problems) == [sample.key]
    assert api.get(place).json == item


def test_patch_changes_only_the_given_fields(api: Client, sample: Sample) -> None:
    """A merge patch leaves the other fields as they are."""
    before = api.create(sample.path, sample.full())
    place = f"{sample.path}/{before[sample.key]}"
    name, value = next(iter(sample.full().items()))
    change = {name: f"{value} again"}

    response = api.patch(place, change, Content_Type="application/merge-patch+json")

    after = response.json
    assert response.status == 200
    assert after == before | change | {"updatedAt": after["updatedAt"], "etag": after["etag"]}
    assert after["etag"] != before["etag"]
    assert api.get(place).body == response.body


def test_patch_with_null_removes_an_optional_field(api: Client, sample: Sample) -> None:
    """A null removes an optional field, or sets a field with a default back to it."""
    before = api.create(sample.path, sample.full())
    names = (*sample.optional, *sample.defaults)

    after = api.patch(f"{sample.path}/{before[sample.key]}", dict.fromkeys(names)).json

    kept = {name: value for name, value in before.items() if name not in names}
    assert after == kept | sample.defaults | {
        "updatedAt": after["updatedAt"],
        "etag": after["etag"],
    }


def test_patch_cannot_remove_a_required_field(api: Client, sample: Sample) -> None:
    """A null for a required field is a 400 that names it."""
    item = api.create(sample.path, sample.full())
    place = f"{sample.path}/{item[sample.key]}"

    response = api.patch(place, dict.fromkeys(sample.required))

    assert response.status == 400
    assert response.problems == dict.fromkeys(sample.required, "must not be null")
    assert api.get(place).json == item


def test_delete_removes_the_item(api: Client, sample: Sample) -> None:
    """DELETE responds 204 without a body; afterwards the item is a 404."""
    item = api.create(sample.path, sample.full())
    place = f"{sample.path}/{item[sample.key]}"

    response = api.delete(place)

    assert (response.status, response.body) == (204, b"")
    assert api.get(place).status == 404
    assert api.delete(place).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_missing_item_is_a_404(api: Client, sample: Sample, method: str) -> None:
    """A 404 names the missing item, and nothing is created."""
    place = f"{sample.path}/nobody"
    body = sample.least() if method in ("PUT", "PATCH") else None

    for headers in ({}, {"If-Match": '"etag"'}, {"If-Match": "*"}, {"If-None-Match": "*"}):
        response = api.request(method, place, body, **headers)

        assert response.status == 404
        assert response.json["detail"] == f"{sample.noun} 'nobody' not found"
    assert api.get(place).status == 404


@pytest.mark.wire
@pytest.mark.parametrize(
    "price", ["0", "0.01", "0.1", "10.5", "29.99", "999999999.99", "1e2", "5.0", "-0.0", "5.00"]
)
def test_numbers_are_exact(api: Client, price: str) -> None:
    """A stored number is returned equal, never through a binary float."""
    created = api.post("/products", f'{{"name": "Spoon", "price": {price}}}'.encode())

    assert created.json["price"] == Decimal(price)
    assert api.get(created.headers["location"]).json["price"] == Decimal(price)


@pytest.mark.wire
@pytest.mark.parametrize("name", ["a\u0000b", "\u2028", "🫖", 'a\\b"c', "\u00e9", "e\u0301", " x "])
def test_text_is_returned_as_sent(api: Client, name: str) -> None:
    """Any Unicode is stored as it is: not trimmed, not normalized, not escaped in the answer."""
    if not name.strip():
        name += "."
    created = api.post("/products", {"name": name, "price": 1})

    assert created.json["name"] == name
    assert api.get(created.headers["location"]).json["name"] == name
    assert b"\\u00e9" not in created.body


def test_review_without_a_name_gets_a_random_one(api: Client) -> None:
    """Fifteen names, picked at random on create; taken away, the name stays away."""
    names = {api.create("/reviews", {"review": "Good."})["name"] for _ in range(60)}

    assert 5 < len(names) <= 15
    item = api.create("/reviews", {"review": "Good."})
    replaced = api.put(f"/reviews/{item['id']}", {"review": "Good."}).json
    assert "name" not in replaced


def test_an_etag_never_returns(api: Client, sample: Sample) -> None:
    """An item that is deleted and made again has another etag."""
    body = sample.full() | {sample.key: unique()}
    etags = set()
    for _ in range(3):
        etags.add(api.create(sample.path, body)["etag"])
        assert api.delete(f"{sample.path}/{body[sample.key]}").status == 204

    assert len(etags) == 3


def test_user_addressed_by_query_or_body(api: Client) -> None:
    """GET and DELETE /users?userId=K and PUT /users are the calls on /users/K."""
    user = api.create("/users", {"name": "Ada", "userId": unique()})
    place = f"/users/{user['userId']}"
    query = f"/users?userId={user['userId']}"

    assert api.get(query).body == api.get(place).body
    assert api.get(query).headers["etag"] == user["etag"]
    assert api.get(query, If_None_Match=user["etag"]).status == 304
    replaced = api.put("/users", {"userId": user["userId"], "name": "Bea"})
    assert replaced.json == api.get(place).json
    assert api.put("/users", replaced.json, If_Match=user["etag"]).status == 412
    assert api.delete(query).status == 204
    for response in (api.get(query), api.put("/users", replaced.json), api.delete(query)):
        assert response.status == 404
        assert response.json["detail"] == f"User '{user['userId']}' not found"


def test_user_id_is_required_outside_the_path(api: Client) -> None:
    """Without userId, or with a second parameter, the call is a 400 that names it."""
    assert api.put("/users", {}).problems == {"userId": "is required", "name": "is required"}
    assert api.put("/users", {"name": "A", "userId": None}).problems == {"userId": "is required"}
    assert api.delete("/users").problems == {"userId": "is required"}
    assert api.delete("/users?id=1").problems.keys() == {"userId", "id"}
    assert api.get("/users?userId=1&limit=5").problems == {
        "limit": "cannot be combined with userId"
    }
    assert api.delete("/users?userId=1&userId=2").problems == {"userId": "must be given once"}


def test_replace_by_body_takes_no_parameters(api: Client) -> None:
    """A userId in the query would compete with that in the body; nothing has changed."""
    user = api.create("/users", {"name": "Ada"})

    response = api.put(f"/users?userId={user['userId']}&x=1", user | {"name": "Bea"})

    assert response.status == 400
    assert response.problems == dict.fromkeys(
        ("userId", "x"), "is not a parameter of this operation"
    )
    assert api.get(f"/users/{user['userId']}").json == user


@pytest.mark.wire
def test_head_is_get_without_the_body(api: Client, sample: Sample) -> None:
    """HEAD answers every GET route with the same status and headers (RFC 9110 section 9.3.2)."""
    item = api.create(sample.path, sample.full())
    path = f"{sample.path}/{item[sample.key]}"
    requests: list[tuple[str, dict[str, str]]] = [
        (path, {}),
        (path, {"If-None-Match": item["etag"]}),
        (path, {"If-Match": '"x"'}),
        (f"{sample.path}/nobody", {}),
        (f"{sample.path}?limit=1", {}),
        (f"{sample.path}?limit=0", {}),
        ("/", {"Accept": "text/html"}),
        ("/health", {}),
        ("/docs", {}),
        ("/openapi.json", {}),
    ]
    for target, headers in requests:
        head, get = (api.request(method, target, **headers) for method in ("HEAD", "GET"))

        assert (head.status, head.body) == (get.status, b""), target
        for name in (
            *("content-type", "etag", "link", "location", "vary", "cache-control"),
            *("x-content-type-options", "access-control-allow-origin", "content-security-policy"),
        ):
            assert head.headers.get(name) == get.headers.get(name), (target, name)
        assert head.headers["x-request-id"]
