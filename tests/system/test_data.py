"""`make export`, `make import`, `make user-export` and `make user-erase`, on a new database."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import pytest

from chalicelib.access import subject_key
from chalicelib.errors import DomainError
from chalicelib.models import RESOURCES, TODOS
from infra.data import tables
from infra.data.other_tables import item_values
from infra.local import database, run
from tests.conftest import PROJECT, SHELL, client_of
from tests.processes import eventually
from tests.samples import unique

LINES = 600
KILLS = 3
NAMES = [resource.name for resource in RESOURCES]
CLAIMS = "storefront-local-claims"


class Data:
    """A database whose folder is that of a running `make run`, and the commands on it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.client = client_of(url)
        (folder / "url").write_text(url)
        self.lock = (folder / "lock").open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "infra", *arguments],
            cwd=PROJECT,
            env=SHELL | {"STAGE": "local", "DATA_DIR": str(self.folder)} | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, status: int = 0, typed: str = "", **variables: str) -> str:
        """Run a command, which has to end with a status. Returns its output."""
        with self.start(*arguments, **variables) as process:
            output, _ = process.communicate(typed)
        assert process.returncode == status, output
        return output

    def rows(self, name: str) -> list[dict[str, Any]]:
        """All rows of a table."""
        pages = self.client.get_paginator("scan").paginate(TableName=f"storefront-local-{name}")
        return [row for page in pages for row in page["Items"]]

    def count(self, name: str) -> int:
        """The number of rows of a table."""
        table = f"storefront-local-{name}"
        return int(self.client.describe_table(TableName=table)["Table"]["ItemCount"])

    def clear(self) -> None:
        """Delete all tables, and create those of the shop again, if there are others or items."""
        own = {f"storefront-local-{name}" for name in (*NAMES, "claims")}
        if set(self.client.list_tables()["TableNames"]) == own and not any(
            map(self.count, (*NAMES, "claims"))
        ):
            return
        for name in self.client.list_tables()["TableNames"]:
            self.client.delete_table(TableName=name)
        tables.create_local(self.client)


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """The URL of a new database with the tables of the stage `local`."""
    data = database.start(None)
    try:
        tables.create_local(client_of(data.url))
        yield data.url
    finally:
        run.stop(data.process)


@pytest.fixture
def data(database_url: str, tmp_path: Path) -> Iterator[Data]:
    """The database, which is empty again afterwards."""
    made = Data(tmp_path, database_url)
    with made.lock:
        yield made
        made.clear()


def write_lines(file: Path, items: list[dict[str, Any]]) -> None:
    """Write items as JSON lines."""
    file.write_text("".join(f"{json.dumps(item)}\n" for item in items))


def contents(folder: Path) -> dict[str, list[bytes]]:
    """The lines of the files of an export, in an order of their own."""
    return {file.name: sorted(file.read_bytes().splitlines()) for file in folder.iterdir()}


SHOP: dict[str, list[dict[str, Any]]] = {
    "users": [
        {"userId": f"u{n}", "name": f"Nam {n}", "username": f"U{n}", "email": f"U{n}@x.example"}
        for n in range(30)
    ],
    "products": [{"id": f"p{n}", "name": f"Cup {n}", "price": n / 4} for n in range(30)],
    "todos": [
        {"id": "t", "task": "Dust", "owner": owner} for owner in ("u1", "u2", "sub-" + "a" * 40)
    ],
    "reviews": [
        {"id": f"r{n}", "review": f"Pours {n}.", "productId": f"p{n}", "author": f"u{n % 3}"}
        for n in range(30)
    ]
    + [{"id": "anonymous", "review": "Of nobody."}],
}


class Shop(NamedTuple):
    """A small shop: the folder of its export, and the rows of its tables."""

    export: Path
    rows: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def imported_shop(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop, as it was imported once."""
    folder = tmp_path_factory.mktemp("shop")
    for name, items in SHOP.items():
        write_lines(folder / f"{name}.jsonl", items)
    data = Data(folder, database_url)
    with data.lock:
        data.run("import", FROM=str(folder))
        data.run("export", OUT=str(folder / "export"))
        shop = Shop(folder / "export", {name: data.rows(name) for name in (*NAMES, "claims")})
        data.clear()
    return shop


@pytest.fixture
def shop(imported_shop: Shop, data: Data) -> Path:
    """The folder of an export of a small shop, which is in the database."""
    for name, rows in imported_shop.rows.items():
        for row in rows:
            data.client.put_item(TableName=f"storefront-local-{name}", Item=row)
    return imported_shop.export


def test_round_trip_is_equal_byte_for_byte(data: Data, shop: Path, tmp_path: Path) -> None:
    """Exported, deleted, imported and exported again: every field, stamp, owner and author."""
    before = contents(shop)
    counts = {name: len(lines) for name, lines in before.items()}
    assert counts.items() >= {f"{name}.jsonl": len(items) for name, items in SHOP.items()}.items()
    claims = sorted(row["id"]["S"] for row in data.rows("claims"))
    data.clear()

    output = data.run("import", FROM=str(shop))

    assert f"users: {len(SHOP['users'])} created, 0 stored already, 0 rejected." in output
    data.run("export", OUT=str(tmp_path / "again"))
    assert contents(tmp_path / "again") == before
    assert sorted(row["id"]["S"] for row in data.rows("claims")) == claims
    assert "agree" in data.run("claims-check")


def test_second_import_changes_nothing(data: Data, shop: Path) -> None:
    """What is stored is left alone, and is not created again."""
    before = [data.rows(name) for name in (*NAMES, "claims")]

    output = data.run("import", FROM=str(shop))

    assert f"todos: 0 created, {len(SHOP['todos'])} stored already, 0 rejected." in output
    assert [data.rows(name) for name in (*NAMES, "claims")] == before


def test_lines_without_a_key_are_imported_once(data: Data, tmp_path: Path) -> None:
    """Each line has one key in every run; equal lines are several items."""
    write_lines(tmp_path / "todos.jsonl", [{"task": "Dust", "owner": "ada"}] * 3)

    for _ in range(2):
        data.run("import", FROM=str(tmp_path))

    assert data.count("todos") == 3


def test_rejected_lines_are_reported_and_do_not_stop_the_rest(data: Data, tmp_path: Path) -> None:
    """Each with its number and its reason; the command ends with status 1."""
    lines = [
        '{"id": "a", "name": "Cup", "price": 5}',
        "nonsense",
        '{"id": "b", "name": " ", "price": -1}',
        '{"id": "c", "name": "Jug", "price": 7, "etag": "x", "createdAt": "yesterday"}',
        "",
        '{"id": "a", "name": "Another", "price": 5}',
        '{"id": "d", "name": "Pot", "price": 7}',
    ]
    (tmp_path / "products.jsonl").write_text("\n".join(lines) + "\n")
    write_lines(tmp_path / "reviews.jsonl", [{"id": "r", "review": "Nice.", "productId": "no"}])

    output = data.run("import", FROM=str(tmp_path), status=1)

    for expected in (
        "products.jsonl, line 2: The line is not JSON: it is wrong at line 1, column 1.",
        "products.jsonl, line 3: name must not be blank; price must be at least 0",
        "products.jsonl, line 4: createdAt must be a time in UTC like 2026-11-20T09:30:00.000Z",
        "; etag must be an etag, double quotes included",
        "products: 2 created, 0 stored already, 1 stored with other values, 3 rejected.",
        "reviews.jsonl, line 1: productId must be the key of a product that exists",
        "4 rejected, for the reasons above.",
    ):
        assert expected in output
    # Lines are imported at the same time: one of the two with this key comes first.
    assert re.search(r"line [16]: the stored product 'a' has other values, which stay", output)
    assert data.count("products") == 2


def test_reviews_of_deleted_products_can_be_kept(data: Data, tmp_path: Path) -> None:
    """The API keeps them, too."""
    write_lines(tmp_path / "reviews.jsonl", [{"id": "r", "review": "Nice.", "productId": "no"}])

    data.run("import", FROM=str(tmp_path), MISSING_REFERENCES="keep")

    assert data.count("reviews") == 1


def test_dry_run_writes_nothing(data: Data, shop: Path, tmp_path: Path) -> None:
    """It validates, and says what would be done."""
    data.clear()

    output = data.run("import", FROM=str(shop), DRY_RUN="1")
    exported = data.run("export", OUT=str(tmp_path / "none"), DRY_RUN="1")

    assert "users: 30 valid, 0 rejected. Nothing was written" in output
    assert "products: about 0 items would be written to" in exported
    assert not (tmp_path / "none").exists()
    assert all(data.count(name) == 0 for name in (*NAMES, "claims"))


def wait_for_items(data: Data, count: int) -> None:
    """Wait until the tables have more than this many items."""
    eventually(lambda: sum(data.count(name) for name in NAMES) > count)


@pytest.mark.timeout(120)
def test_import_that_is_killed_goes_on(data: Data, tmp_path: Path) -> None:
    """After three kills every line is one item, and the claims agree."""
    products = [{"id": f"p{n}", "name": f"Cup {n}", "price": n / 100} for n in range(LINES // 2)]
    users = [
        {"userId": f"u{n}", "name": "A", "email": f"u{n}@x.example"} for n in range(LINES // 2)
    ]
    write_lines(tmp_path / "products.jsonl", products)
    write_lines(tmp_path / "users.jsonl", users)

    for kill in range(1, KILLS + 1):
        with data.start("import", FROM=str(tmp_path)) as process:
            wait_for_items(data, LINES * kill // (KILLS + 1))
            os.killpg(process.pid, signal.SIGKILL)
    output = data.run("import", FROM=str(tmp_path))

    assert " 0 stored already" not in output
    assert data.count("users") == data.count("claims") == len(users)
    assert data.count("products") == len(products)
    assert {row["id"]["S"] for row in data.rows("products")} == {each["id"] for each in products}
    assert "agree" in data.run("claims-check")


def test_interrupted_export(data: Data, tmp_path: Path) -> None:
    """What an earlier one has left is written again."""
    items = [{"id": f"p{n:04}", "name": "Cup", "price": n} for n in range(40)]
    write_lines(tmp_path / "products.jsonl", items)
    data.run("import", FROM=str(tmp_path))
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "products.part").write_bytes(b'{"id": "half a li')

    data.run("export", OUT=str(tmp_path / "export"), RESOURCE="products")

    (file,) = (tmp_path / "export").iterdir()
    assert file.name == "products.jsonl"
    assert len(file.read_bytes().splitlines()) == len(items)


def test_exports_are_private(data: Data, shop: Path, tmp_path: Path) -> None:
    """They hold personal data: others of the machine cannot read them."""
    data.run("user-export", KEY="u1", OUT=str(tmp_path / "new" / "u1.json"))

    files = [*shop.iterdir(), tmp_path / "new" / "u1.json"]
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


def test_path_that_cannot_be_written(data: Data, tmp_path: Path) -> None:
    """A sentence, and no stack trace."""
    (tmp_path / "file").touch()

    output = data.run("export", OUT=str(tmp_path / "file"), status=1)

    assert "cannot be written" in output
    assert "Traceback" not in output


def test_corrected_file_is_imported_once(data: Data, tmp_path: Path) -> None:
    """Lines without a key keep theirs when another line is removed."""
    good = [
        '{"name": "Cup", "price": 1}',
        '{"name": "Cup", "price": 1}',
        '{"name": "Jug", "price": 2}',
    ]
    file = tmp_path / "products.jsonl"
    file.write_text("\n".join(['{"name": "bad"}', *good]))
    data.run("import", FROM=str(tmp_path), status=1)
    file.write_text("\r\n".join(good))

    output = data.run("import", FROM=str(tmp_path))

    assert "products: 0 created, 3 stored already, 0 rejected." in output


def test_item_that_was_changed_since_stays(data: Data, shop: Path) -> None:
    """The import says so, and does not fail."""
    product = {"id": {"S": "p0"}}
    data.client.update_item(
        TableName="storefront-local-products",
        Key=product,
        UpdateExpression="SET #name = :name",
        ExpressionAttributeNames={"#name": "name"},
        ExpressionAttributeValues={":name": {"S": "Changed"}},
    )

    output = data.run("import", FROM=str(shop))

    assert "products.jsonl, line 1: the stored product 'p0' has other values, which stay" in output
    assert "29 stored already, 1 stored with other values, 0 rejected." in output


def test_wrong_subjects_are_rejected(data: Data, tmp_path: Path) -> None:
    """Owners and authors; the other lines are imported."""
    wrong = (5, ["x"], "me", "x" * 256)
    todos = [{"id": f"t{n}", "task": "Dust", "owner": each} for n, each in enumerate(wrong)]
    reviews = [{"id": f"r{n}", "review": "Fine.", "author": each} for n, each in enumerate(wrong)]
    write_lines(tmp_path / "todos.jsonl", [*todos, {"id": "b", "task": "Dust", "owner": "ada"}])
    write_lines(tmp_path / "reviews.jsonl", reviews)

    output = data.run("import", FROM=str(tmp_path), status=1)

    for number in range(1, len(wrong) + 1):
        assert f"todos.jsonl, line {number}: owner must be a subject" in output
        assert f"reviews.jsonl, line {number}: author must be a subject" in output
    assert "todos: 1 created, 0 stored already, 4 rejected." in output


def test_author_is_known_by_the_digest_of_the_subject(data: Data, tmp_path: Path) -> None:
    """Of one that is no valid key, such as Auth0's."""
    write_lines(tmp_path / "reviews.jsonl", [{"id": "r", "review": "Fine.", "author": "auth0|x"}])
    data.run("import", FROM=str(tmp_path))

    output = data.run("user-erase", KEY="auth0|x", YES="1")

    assert "Erased: reviews 1, idempotency records 0." in output


def test_person_is_exported(data: Data, shop: Path, tmp_path: Path) -> None:
    """The user, what they own, what they wrote, and nobody else's."""
    file = tmp_path / "u1.json"

    output = data.run("user-export", KEY="u1", OUT=str(file))

    assert output == f"Written to {file}: users 1, todos 1, reviews 10, idempotency records 0.\n"
    exported = json.loads(file.read_text())
    assert [each["userId"] for each in exported["users"]] == ["u1"]
    assert [each["task"] for each in exported["todos"]] == ["Dust"]
    assert {each["id"] for each in exported["reviews"]} == {f"r{n}" for n in range(1, 30, 3)}


def put_record(data: Data, caller: str, item: dict[str, Any], **attributes: Any) -> None:
    """Put an idempotency record, as the API does."""
    record = {
        "id": {"S": f"Idempotency-Key#{caller}#{unique()}"},
        "fingerprint": {"S": "f"},
        "item": {"S": json.dumps(item)},
        "key": {"S": "k"},
        "etag": {"S": '"e"'},
        "expiresAt": {"N": "4000000000"},
        **attributes,
    }
    data.client.put_item(TableName=CLAIMS, Item=record)


def test_erased_person_is_in_no_table(data: Data, tmp_path: Path) -> None:
    """No scan finds key, name, email or username, also not in records of staff's requests."""
    key, name, username, email = (f"{unique()}-{what}" for what in ("key", "name", "user", "mail"))
    email = f"{email}@shop.example"
    user = {"userId": key, "name": name, "username": username, "email": email}
    write_lines(tmp_path / "users.jsonl", [user, {"userId": "other", "name": "Other"}])
    write_lines(
        tmp_path / "todos.jsonl",
        [{"id": f"t{n}", "task": "Dust", "owner": key} for n in range(120)]
        + [{"id": "t", "task": "Wipe", "owner": "other"}],
    )
    write_lines(
        tmp_path / "reviews.jsonl",
        [{"id": f"r{n}", "review": "Fine.", "name": name, "author": key} for n in range(120)]
        + [{"id": "r", "review": "Good.", "name": "Other", "author": "other"}],
    )
    data.run("import", FROM=str(tmp_path))
    data.run("export", OUT=str(tmp_path / "before"))
    own_review = json.loads((tmp_path / "before" / "reviews.jsonl").read_text().splitlines()[1])
    put_record(data, key, {"id": "whatever"})
    put_record(data, "staff", user | {"email": f"old-{email}", "createdAt": "earlier"})
    put_record(data, "staff", own_review)
    put_record(data, "other", {"id": "r", "review": "Good.", "name": "Other"})
    # Of a todo that was deleted since.
    put_record(data, "staff", {"id": "gone", "task": "Dust"}, itemOwner={"S": key})

    refused = data.run("user-erase", KEY=key, status=1, typed="n\n")
    tried = data.run("user-erase", KEY=key, DRY_RUN="1")
    assert "Nothing was erased." in refused
    assert "Would be erased: users 1, todos 120, reviews 120, idempotency records 4." in tried
    assert any(key in json.dumps(row) for row in data.rows("todos"))
    output = data.run("user-erase", KEY=key, YES="1")

    assert "Erased: users 1, todos 120, reviews 120, idempotency records 4." in output
    left = {each: json.dumps(data.rows(each)) for each in (*NAMES, "claims")}
    for table, text in left.items():
        for personal in (key, name, username, email):
            assert personal not in text, (table, personal)
    reviews = {row["id"]["S"]: row for row in data.rows("reviews")}
    assert len(reviews) == 121
    assert reviews["r0"]["review"] == {"S": "Fine."}
    assert "createdBy" not in reviews["r0"]
    assert reviews["r"]["createdBy"] == {"S": "other"}
    assert [row["id"]["S"] for row in data.rows("todos")] == ["other#t"]
    assert len([1 for row in data.rows("claims") if "expiresAt" in row]) == 1
    again = data.run("user-erase", KEY=key, YES="1")
    assert again.startswith(f"Nothing was found of {key!r} in local, and nothing was erased.")


def test_tables_of_tutorials_are_imported(data: Data, tmp_path: Path) -> None:
    """Numbers as text, keys under another name, times in other forms or none."""
    rows = {
        "Users": ("userId", [{"userId": "1", "name": "Ada", "email": "ada@shop.example"}]),
        "Products": (
            "productId",
            [
                {"productId": "7", "name": "Cup", "price": "12.50", "createdAt": "1700000000"},
                {"productId": "8", "name": "Jug", "price": "cheap"},
            ],
        ),
        "Todos": ("id", [{"id": "a", "task": "Dust", "status": "done", "colour": "red"}]),
        "Reviews": (
            "id",
            [{"id": "r", "review": "Fine.", "createdAt": "2024-02-03T04:05:06.123456"}],
        ),
    }
    for name, (key, items) in rows.items():
        data.client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        )
        for item in items:
            data.client.put_item(
                TableName=name, Item={each: {"S": value} for each, value in item.items()}
            )

    data.run("import", TABLE="Users", RESOURCE="users")
    products = data.run("import", TABLE="Products", RESOURCE="products", status=1)
    unowned = data.run("import", TABLE="Todos", RESOURCE="todos", status=1)
    unknown = data.run("import", TABLE="Todos", RESOURCE="todos", OWNER="ada", status=1)
    data.run("import", TABLE="Todos", RESOURCE="todos", OWNER="ada", IGNORE="colour")
    for _ in range(2):
        data.run("import", TABLE="Reviews", RESOURCE="reviews")

    assert "Products, productId 8: price must be a number" in products
    assert "todos belong to owners" in unowned
    assert "Todos, id a: colour is not a field of a todo" in unknown
    (product,) = data.rows("products")
    assert (product["id"], product["price"]) == ({"S": "7"}, {"N": "12.5"})
    assert product["createdAt"] == product["updatedAt"] == {"S": "2023-11-14T22:13:20.000Z"}
    (todo,) = data.rows("todos")
    assert (todo["id"], todo["statusOfOwner"]) == ({"S": "ada#a"}, {"S": "ada#done"})
    (review,) = data.rows("reviews")
    assert review["createdAt"] == {"S": "2024-02-03T04:05:06.123Z"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2024-02-03T04:05:06Z", "2024-02-03T04:05:06.000Z"),
        ("2024-02-03 04:05:06", "2024-02-03T04:05:06.000Z"),
        ("2024-02-03T04:05:06+02:00", "2024-02-03T02:05:06.000Z"),
        (1700000000, "2023-11-14T22:13:20.000Z"),
        (1700000000123, "2023-11-14T22:13:20.123Z"),
        ("1700000000", "2023-11-14T22:13:20.000Z"),
        (Decimal("1700000000.25"), "2023-11-14T22:13:20.250Z"),
        ("20240203T040506Z", "2024-02-03T04:05:06.000Z"),
        ("20240203", "2024-02-03T00:00:00.000Z"),
        ("2024-02-03", "2024-02-03T00:00:00.000Z"),
    ],
)
def test_times_of_other_systems(value: Any, text: str) -> None:
    """ISO 8601, extended and basic, and seconds or milliseconds since 1970."""
    row = {"id": "a", "task": "Dust", "createdAt": value}

    assert item_values(TODOS, row, "id")["createdAt"] == text


@pytest.mark.parametrize(
    "value",
    [
        *("20260102030405", "2026", "true", "", "now", "170000000000", "1e9", "\u0661700000000"),
        *(2026, 20260102, 1, -1700000000, 1e300, True, []),
    ],
)
def test_values_that_are_no_times(value: Any) -> None:
    """Digits of another length than an epoch's are rejected, and so is everything else."""
    row = {"id": "a", "task": "Dust", "createdAt": value}

    with pytest.raises(DomainError, match=r"createdAt is .* it must be a time in ISO 8601, or the"):
        item_values(TODOS, row, "id")


def test_ignored_attributes_are_not_decoded(data: Data) -> None:
    """Sets and binary values, also inside maps, which items cannot have."""
    key = {"AttributeName": "id", "AttributeType": "S"}
    data.client.create_table(
        TableName="Old",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[key],
    )
    odd = {"tags": {"SS": ["a"]}, "photo": {"B": b"x"}, "more": {"M": {"n": {"NS": ["1"]}}}}
    row = {"id": {"S": "a"}, "task": {"S": "Dust"}, **odd}
    data.client.put_item(TableName="Old", Item=row)

    refused = data.run("import", TABLE="Old", RESOURCE="todos", OWNER="ada", status=1)
    output = data.run(
        "import", TABLE="Old", RESOURCE="todos", OWNER="ada", IGNORE="tags,photo,more"
    )

    assert "Old, id a: attribute values of type" in refused
    assert output == "todos: 1 created, 0 stored already, 0 rejected.\n"


SERVER_FIELDS = [
    ("createdAt", "2026-02-30T25:61:61.000Z"),
    ("createdAt", "2026-02-30T05:01:01.000Z"),
    ("createdAt", "\u0662\u0660\u0662\u0666-01-02T03:04:05.000Z"),
    ("updatedAt", "0000-01-02T03:04:05.000Z"),
    ("updatedAt", "2026-01-02T24:00:00.000Z"),
    ("updatedAt", 5),
    ("etag", '"' + "x" * 70_000 + '"'),
    ("etag", '"' + "x" * 127 + '"'),
    ("etag", '"x y"'),
]


def test_server_fields_that_cannot_be(data: Data, tmp_path: Path) -> None:
    """A time that does not exist, or an etag that no header can carry, rejects its line alone."""
    good = {"id": "a", "review": "Fine.", "createdAt": "0001-01-01T00:00:00.000Z"}
    good |= {"etag": '"' + "x" * 126 + '"'}
    wrong = [
        {"id": f"b{n}", "review": "Fine.", name: value}
        for n, (name, value) in enumerate(SERVER_FIELDS)
    ]
    write_lines(tmp_path / "reviews.jsonl", [*wrong, good])

    output = data.run("import", FROM=str(tmp_path), status=1)

    for number, (name, _) in enumerate(SERVER_FIELDS, 1):
        assert f"reviews.jsonl, line {number}: {name} must be a" in output
    assert "reviews: 1 created, 0 stored already, 9 rejected." in output


def test_item_that_dynamodb_refuses(data: Data, tmp_path: Path) -> None:
    """It is the rejection of its line, and the others are imported."""
    todos = [{"id": str(n), "task": "Dust", "owner": "ada"} for n in range(3)]
    write_lines(tmp_path / "todos.jsonl", todos)
    code = (
        "from chalicelib.storage import dynamodb\n"
        "def grow(params, **_):\n"
        "    if params['Item']['id']['S'] == 'ada#1':\n"
        "        params['Item']['task'] = {'S': 'x' * 410_000}\n"
        "dynamodb.client.meta.events.register('before-parameter-build.dynamodb.PutItem', grow)\n"
        "from infra.cli import main\nraise SystemExit(main())\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "import", "--from", str(tmp_path)],
        cwd=PROJECT,
        env=run.environment(data.url) | {"STAGE": "local", "DATA_DIR": str(data.folder)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "todos.jsonl, line 2: DynamoDB refuses the item: " in result.stderr
    assert "todos: 2 created, 0 stored already, 1 rejected." in result.stdout


def test_byte_order_mark(data: Data, tmp_path: Path) -> None:
    """An editor of Windows begins a file with it."""
    write_lines(tmp_path / "todos.jsonl", [{"id": "a", "task": "Dust", "owner": "ada"}])
    text = (tmp_path / "todos.jsonl").read_bytes()
    (tmp_path / "todos.jsonl").write_bytes(b"\xef\xbb\xbf" + text)

    output = data.run("import", FROM=str(tmp_path))

    assert "todos: 1 created, 0 stored already, 0 rejected." in output


@pytest.mark.parametrize(
    "text",
    [
        '{\n  "id": "a"\n}',
        '\n[ {"id": "a"} ]',
    ],
)
def test_json_over_several_lines(data: Data, tmp_path: Path, text: str) -> None:
    """One sentence with the command that makes lines of it, in place of an error for each line."""
    (tmp_path / "todos.jsonl").write_text(text)

    output = data.run("import", FROM=str(tmp_path), status=1)

    assert output.count("\n") == 1
    assert "has one object in each line, which jq writes: jq --compact-output" in output


@pytest.mark.parametrize(
    ("command", "variables", "message"),
    [
        ("export", {}, "Name the folder to write to, for example OUT=export."),
        (
            "export",
            {"OUT": "x", "RESOURCE": "orders"},
            "Invalid value for '--resource'",
        ),
        ("import", {}, "Name the folder of an export, for example FROM=export, or a table"),
        ("import", {"FROM": "nowhere"}, "There is nothing to import:"),
        ("import", {"TABLE": "x"}, "Say what the table's rows become"),
        ("user-export", {"KEY": "ada"}, "Name the file to write to, for example OUT=ada.json."),
        ("import", {"FROM": "x", "OWNER": "ada"}, "OWNER and IGNORE are for TABLE"),
        ("import", {"TABLE": "x", "OWNER": "me", "RESOURCE": "todos"}, "OWNER is 'me'; it must be"),
        ("user-erase", {}, "KEY is ''; it must be the person's subject"),
        ("user-erase", {"KEY": "\udcff"}, "KEY is '\\udcff'; it must be the person's subject"),
        ("user-erase", {"KEY": "me"}, "KEY is 'me', which names the caller of a request."),
        ("user-erase", {"KEY": "ada", "YES": "yup"}, "Invalid value for '--yes' (env var: 'YES')"),
    ],
)
def test_options_that_are_missing_or_wrong(
    data: Data, command: str, variables: dict[str, Any], message: str
) -> None:
    """A sentence says what to give."""
    output = data.run(command, status=1, **variables)

    assert output.startswith(message)


def test_erasure_of_a_person_who_still_writes(data: Data, tmp_path: Path) -> None:
    """It looks again, and does not say that nothing remains while there is more."""
    write_lines(
        tmp_path / "todos.jsonl",
        [{"id": f"t{n}", "task": "Dust", "owner": "ada"} for n in range(30)],
    )
    data.run("import", FROM=str(tmp_path))
    stop = Event()

    def write() -> None:
        number = 0
        while not stop.wait(0.02):
            number += 1
            row = {
                "id": {"S": f"ada#w{number}"},
                "task": {"S": "Dust"},
                "etag": {"S": '"e"'},
                "createdAt": {"S": "2026-11-20T09:30:00.000Z"},
                "collection": {"S": "ada#todos"},
            }
            data.client.put_item(TableName="storefront-local-todos", Item=row)

    writer = Thread(target=write)
    writer.start()
    try:
        output = data.run("user-erase", KEY="ada", YES="1", status=1)
    finally:
        stop.set()
        writer.join()

    assert "There is more already: todos" in output
    assert "any more" not in output
    output = data.run("user-erase", KEY="ada", YES="1")
    assert "The person has no user, no items and no idempotency records any more." in output


def test_unknown_person(data: Data, shop: Path, tmp_path: Path) -> None:
    """A misspelt key is not reported as an erased person."""
    for command, done in (("user-erase", "erased"), ("user-export", "written")):
        output = data.run(command, KEY="U1", YES="1", OUT=str(tmp_path / "person.json"))
        assert output.startswith(f"Nothing was found of 'U1' in local, and nothing was {done}.")
    assert not (tmp_path / "person.json").exists()
    assert "users 1" in data.run("user-erase", KEY="u1", DRY_RUN="1")


@pytest.mark.parametrize("subject", ["anyone", "me", f"sub-{'0' * 40}", "auth0|x"])
def test_subject_that_looks_like_a_key_is_erased(data: Data, tmp_path: Path, subject: str) -> None:
    """A reserved word, or a text like a digest, is found as the subject that it is."""
    key = subject_key(subject)
    write_lines(tmp_path / "todos.jsonl", [{"id": "t", "task": "Dust", "owner": key}])
    data.run("import", FROM=str(tmp_path))

    if subject == "me":
        # Named by its digest: `me` is the caller in the API.
        subject = key
    output = data.run("user-erase", KEY=subject, YES="1")

    assert output.startswith("Erased: todos 1, idempotency records 0.")
    assert data.rows("todos") == []


def test_key_that_names_two_persons(data: Data, tmp_path: Path) -> None:
    """One person's subject is the digest of the subject of another one: neither is erased."""
    digest = subject_key("auth0|x")
    owners = [digest, subject_key(digest)]
    todos = [{"id": "t", "task": "Dust", "owner": owner} for owner in owners]
    write_lines(tmp_path / "todos.jsonl", todos)
    data.run("import", FROM=str(tmp_path))

    output = data.run("user-erase", KEY=digest, YES="1", status=1)
    assert output.startswith(f"KEY={digest} names two persons")
    for name in ("auth0|x", owners[1]):
        assert "Erased: todos 1," in data.run("user-erase", KEY=name, YES="1")
