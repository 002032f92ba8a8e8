"""Anything that the contract does not allow gets the status it names, and changes nothing."""

import gzip
import json
from typing import Any

import pytest

from tests.client import Client, to_json
from tests.samples import Sample

LONG = 65 * 1024


MALFORMED = {
    "empty": b"",
    "blank": b"  ",
    "not JSON": b"task=Dust",
    "cut off": b'{"task": "Dust"',
    "followed by more": b'{"task": "Dust"} {}',
    "not UTF-8": b'{"task": "\xff"}',
    "UTF-16": '{"task": "Dust"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"task": "Dust"}',
    "an array": b'[{"task": "Dust"}]',
    "a string": b'"Dust"',
    "null": b"null",
    "a number": b"1",
    "single quotes": b"{'task': 'Dust'}",
    "a key twice": b'{"task": "Dust", "task": "Dust"}',
    "a nested key twice": b'{"task": "Dust", "x": {"a": 1, "a": 1}}',
    "NaN": b'{"task": NaN}',
    "Infinity": b'{"task": -Infinity}',
    "a lone surrogate": b'{"task": "\\ud800"}',
    "a lone surrogate in a key": b'{"task": "Dust", "\\udfff": 1}',
    "a control character": b'{"task": "a\nb"}',
    "deeply nested arrays": b'{"task": ' + b"[" * 60_000,
    "deeply nested objects": b'{"a":' * 12_000,
    "an exponent beyond all": b'{"task": 1e99999999999999999999}',
}


@pytest.mark.wire
@pytest.mark.parametrize(
    ("method", "body"),
    [
        *(pytest.param("POST", body, id=name) for name, body in MALFORMED.items()),
        pytest.param("PUT", MALFORMED["an array"], id="PUT"),
        pytest.param("PATCH", MALFORMED["an array"], id="PATCH"),
    ],
)
def test_malformed_body(api: Client, method: str, body: bytes) -> None:
    """A body that is not a JSON object in UTF-8 is a 400 with a sentence; nothing changes."""
    item = api.create("/todos", {"task": "Dust"})
    path = "/todos" if method == "POST" else f"/todos/{item['id']}"
    newest = api.get("/todos?limit=1").json

    response = api.request(method, path, body, Content_Type="application/json")

    assert response.status == 400
    assert response.json["detail"].startswith(("The body ", "A number in the body "))
    assert "utf-8-sig" not in response.json["detail"]
    assert "at at" not in response.json["detail"]
    assert api.get(f"/todos/{item['id']}").json == item
    assert api.get("/todos?limit=1").json == newest


WRONG: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("/users", {}, {"name": "is required"}),
    ("/users", {"name": None}, {"name": "must not be null"}),
    ("/users", {"name": ""}, {"name": "must have 1 to 100 characters"}),
    ("/users", {"name": " \t\u00a0\u3000"}, {"name": "must not be blank"}),
    ("/users", {"name": "\u001e\u0085\ufeff"}, {"name": "must not be blank"}),
    ("/users", {"name": "\u200b"}, {"name": "must not be blank"}),
    ("/users", {"name": "\u3164\u2800"}, {"name": "must not be blank"}),
    ("/users", {"name": "\u0000"}, {"name": "must not be blank"}),
    ("/users", {"name": "x" * 101}, {"name": "must have 1 to 100 characters"}),
    ("/users", {"name": 5}, {"name": "must be a string"}),
    ("/users", {"name": True}, {"name": "must be a string"}),
    ("/users", {"name": ["Ada"]}, {"name": "must be a string"}),
    ("/users", {"name": "Ada", "age": 5}, {"age": "is not a field of a user"}),
    ("/users", {"name": "Ada", "email": None}, {"email": "must not be null"}),
    ("/products", {"name": "x" * 201, "price": 1}, {"name": "must have 1 to 200 characters"}),
    ("/products", {"name": "Cup"}, {"price": "is required"}),
    ("/products", {"name": "Cup", "price": -0.01}, {"price": "must be at least 0"}),
    (
        "/products",
        {"name": "Cup", "price": 1000000000},
        {"price": "must be at most 999999999.99"},
    ),
    ("/products", {"name": "Cup", "price": 0.001}, {"price": "must have at most 2 decimals"}),
    ("/products", {"name": "Cup", "price": "5"}, {"price": "must be a number"}),
    ("/products", {"name": "Cup", "price": True}, {"price": "must be a number"}),
    ("/products", {"name": "Cup", "price": {}}, {"price": "must be a number"}),
    (
        "/products",
        {"name": "Cup", "price": 1, "description": "x" * 4001},
        {"description": "must have 0 to 4000 characters"},
    ),
    (
        "/products",
        {"name": "Cup", "price": 1, "description": "\n"},
        {"description": "must not be blank"},
    ),
    ("/todos", {"task": "x" * 501}, {"task": "must have 1 to 500 characters"}),
    (
        "/todos",
        {"task": "Dust", "status": "open"},
        {"status": "must be one of done, in_progress, pending"},
    ),
    (
        "/todos",
        {"task": "Dust", "status": 1},
        {"status": "must be one of done, in_progress, pending"},
    ),
    ("/reviews", {"review": "x" * 5001}, {"review": "must have 1 to 5000 characters"}),
    ("/reviews", {"review": "Good.", "name": " "}, {"name": "must not be blank"}),
    ("/reviews", {"review": "Good.", "rating": 0}, {"rating": "must be an integer from 1 to 5"}),
    ("/reviews", {"review": "Good.", "rating": 6}, {"rating": "must be an integer from 1 to 5"}),
    ("/reviews", {"review": "Good.", "rating": 4.5}, {"rating": "must be an integer from 1 to 5"}),
    ("/reviews", {"review": "Good.", "rating": "5"}, {"rating": "must be an integer from 1 to 5"}),
    (
        "/products",
        {"name": "", "price": "x", "description": 5, "colour": "red", "size": 1},
        {
            "name": "must have 1 to 200 characters",
            "price": "must be a number",
            "description": "must be a string",
            "colour": "is not a field of a product",
            "size": "is not a field of a product",
        },
    ),
]


@pytest.mark.parametrize(("path", "body", "problems"), WRONG)
def test_every_invalid_field_is_named(
    api: Client, path: str, body: dict[str, Any], problems: dict[str, str]
) -> None:
    """400 lists each field that is wrong with what would be right, and changes nothing."""
    newest = api.get(f"{path}?limit=1").json

    response = api.post(path, body)

    assert response.status == 400
    assert response.problems == problems
    assert api.get(f"{path}?limit=1").json == newest


@pytest.mark.parametrize(
    "email",
    [
        *("ada", "ada@", "@shop.example", "a b@shop.example", "a@b@c", "ada@shop..example"),
        *("ada@-x.org", "ada@shop.example\n", f"{'a' * 250}@b.co", "ada@shop.example ", ""),
        "\u0430da@shop.example",
    ],
)
def test_invalid_email(api: Client, email: str) -> None:
    """What a browser's email field refuses is refused."""
    response = api.post("/users", {"name": "Ada", "email": email})

    assert response.status == 400
    assert response.problems == {"email": "must be an email address of at most 254 characters"}


@pytest.mark.parametrize("username", ["", "a b", "é", "x" * 51, "a/b", "ada\n"])
def test_invalid_username(api: Client, username: str) -> None:
    """A username is 1 to 50 of A-Z a-z 0-9 _ . - and nothing else."""
    response = api.post("/users", {"name": "Ada", "username": username})

    assert response.status == 400
    assert response.problems == {"username": "must be 1 to 50 of A-Z a-z 0-9 _ . -"}


BAD_KEYS = ["a/b", "a%b", "x" * 65, "é", "a b", "a\n", ".", "..", "a?b", "", "a\x00"]


@pytest.mark.parametrize("key", [*BAD_KEYS, None, 5, ["a"]])
def test_invalid_key_on_create(api: Client, key: object) -> None:
    """A key that no path can hold is a 400 that names it, with the other wrong fields."""
    response = api.post("/todos", {"id": key})

    assert response.status == 400
    assert list(response.problems) == ["id", "task"]


@pytest.mark.wire
@pytest.mark.parametrize(
    "segment", ["a%2Fb", "a%25b", "x" * 65, "%C3%A9", "a%20b", "%00", "a%0A", "%FF", "a%252Fb", "%"]
)
def test_invalid_key_in_path(api: Client, segment: str) -> None:
    """A path segment that is not a key is a 400 that names the key."""
    response = api.get(f"/todos/{segment}")

    assert response.status == 400
    assert list(response.problems) == ["id"]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_every_operation_checks_the_key(api: Client, sample: Sample, method: str) -> None:
    """An invalid key is a 400 for every method of every resource."""
    body = sample.least() if method in ("PUT", "PATCH") else None

    response = api.request(method, f"{sample.path}/a%20b", body)

    assert response.status == 400
    assert list(response.problems) == [sample.key]


@pytest.mark.wire
def test_a_key_in_a_path_is_percent_decoded(api: Client) -> None:
    """`%74eapot` is `teapot` (RFC 3986 section 2.3)."""
    item = api.create("/todos", {"task": "Dust"})
    first = item["id"][0]

    assert api.get(f"/todos/%{ord(first):02x}{item['id'][1:]}").json == item


@pytest.mark.wire
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_body_over_64_kib(api: Client, method: str) -> None:
    """65 KiB is too large; exactly 64 KiB is read."""
    item = api.create("/reviews", {"review": "Good."})
    place = "/reviews" if method == "POST" else f"/reviews/{item['id']}"
    start = b'{"review": "Fine."'

    largest = api.request(method, place, start + b" " * (65536 - len(start) - 1) + b"}")
    larger = api.request(method, place, start + b" " * (65536 - len(start)) + b"}")
    huge = api.request(method, place, to_json({"review": "x" * LONG}))

    assert largest.status in (200, 201)
    assert (larger.status, huge.status) == (413, 413)
    assert "65536" in huge.json["detail"]


@pytest.mark.wire
@pytest.mark.parametrize(
    ("method", "content_type", "allowed"),
    [
        ("POST", "application/json", True),
        ("POST", "Application/JSON", True),
        ("POST", "application/json; charset=utf-8", True),
        ("POST", "application/json;charset=UTF-8;x=y", True),
        ("POST", "", True),
        ("POST", "text/plain", False),
        ("POST", "application/x-www-form-urlencoded", False),
        ("POST", "application/merge-patch+json", False),
        ("POST", "application/jsonp", False),
        ("POST", "multipart/form-data; boundary=x", False),
        ("PUT", "application/json", True),
        ("PUT", "application/merge-patch+json", False),
        ("PATCH", "application/json", True),
        ("PATCH", "application/merge-patch+json", True),
        ("PATCH", "application/merge-patch+json; charset=utf-8", True),
        ("PATCH", "application/json-patch+json", False),
        ("PATCH", "text/html", False),
    ],
)
def test_content_type_of_a_body(api: Client, method: str, content_type: str, allowed: bool) -> None:
    """Another media type is a 415 that lists the accepted ones; no media type counts as JSON."""
    item = api.create("/todos", {"task": "Dust"})
    place = "/todos" if method == "POST" else f"/todos/{item['id']}"
    headers = {"Content-Type": content_type} if content_type else {}

    response = api.request(method, place, b'{"task": "Sweep"}', **headers)

    if allowed:
        assert response.status in (200, 201)
    else:
        assert response.status == 415
        assert "application/json" in response.json["detail"]
        patches = "application/json, application/merge-patch+json" if method == "PATCH" else None
        assert response.headers.get("accept-patch") == patches
        assert api.get(f"/todos/{item['id']}").json == item


def test_content_type_of_a_read_is_ignored(api: Client) -> None:
    """GET and DELETE have no body, so its type does not matter."""
    item = api.create("/todos", {"task": "Dust"})

    assert api.get(f"/todos/{item['id']}", Content_Type="text/plain").status == 200
    assert api.delete(f"/todos/{item['id']}", Content_Type="text/plain").status == 204


@pytest.mark.parametrize(
    "number", ["1e999999", "1e-999999", "-1e999999", "9" * 5000, "0." + "0" * 5000 + "1"]
)
def test_numbers_out_of_range(api: Client, number: str) -> None:
    """Numbers that no field can hold are wrong fields, quickly."""
    response = api.post("/products", f'{{"name": "Cup", "price": {number}}}'.encode())

    assert response.status == 400
    assert list(response.problems) == ["price"]


def test_body_with_thousands_of_unknown_fields(api: Client) -> None:
    """Each is named, in one answer."""
    names = [f"f{n}" for n in range(5000)]

    response = api.post(
        "/todos", json.dumps(dict.fromkeys(names, 1), separators=(",", ":")).encode()
    )

    assert response.status == 400
    assert list(response.problems) == ["task", *names]


@pytest.mark.wire
@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
def test_content_encoding_is_not_supported(api: Client, coding: str) -> None:
    """A body with a Content-Encoding is a 415 (RFC 9110 section 15.5.16)."""
    for body in (gzip.compress(b'{"task": "Dust"}'), b'{"task": "Dust"}'):
        response = api.post("/todos", body, Content_Encoding=coding)

        assert response.status == 415
        assert response.headers["accept-encoding"] == "identity"
        assert coding in response.json["detail"]
    assert api.post("/todos", {"task": "Dust"}, Content_Encoding="identity").status == 201
