"""What is derived from a declaration, and which declarations are refused."""

import re
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

from chalicelib.access import ANYONE, AUTHOR, SELF, SIGNED_IN, STAFF, Access
from chalicelib.errors import DeclarationError, Invalid
from chalicelib.models import PRODUCTS, RESOURCES, REVIEWERS, REVIEWS, TODOS, USERS, Price
from chalicelib.schema import EMPTY_OR_VISIBLE, VISIBLE, Resource
from chalicelib.validation import parse
from infra import stages
from infra.data import tables

KeyText = Annotated[str, Meta(min_length=1, max_length=100)]


class Thing(Struct, forbid_unknown_fields=True):
    """A resource with a field of each kind."""

    name: KeyText
    count: int
    price: Price
    grams: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    stock: int = 0
    tags: list[str] | UnsetType = UNSET
    owner: KeyText | UnsetType = UNSET
    note: Annotated[str, Meta(max_length=100)] = ""


OWNED = {"owned": True, "access": Access(default=SIGNED_IN)}
BY_AUTHOR = {"access": Access(list=STAFF, create=SIGNED_IN, default=AUTHOR | STAFF)}


def declared(**options: Any) -> Resource:
    """A declaration of Thing."""
    return Resource(**{"name": "things", "noun": "thing", "fields": Thing, **options})


def structure(**types: Any) -> type[Struct]:
    """A Struct named Thing, with a required field of each of `types`."""
    return type("Thing", (Struct,), {"__annotations__": types})


def test_attributes_of_an_item() -> None:
    """The order in JSON is the key, the declared fields and the server's fields."""
    assert USERS.attributes == (
        *("userId", "name", "username", "email"),
        *("createdAt", "updatedAt", "etag"),
    )
    assert REVIEWS.optional_fields == {"name", "productId", "rating"}
    assert TODOS.optional_fields == set()
    assert TODOS.defaults == {"status": "pending"}


def test_indexes() -> None:
    """One index for newest first, one for each filter and one for each range."""
    names = {resource.name: [index.name for index in resource.indexes] for resource in RESOURCES}

    shop = {
        "users": [
            "collection-createdAt",
            "emailLowercase-createdAt",
            "usernameLowercase-createdAt",
        ],
        "products": ["collection-createdAt", "collection-price"],
        "todos": ["collection-createdAt", "statusOfOwner-createdAt"],
        "reviews": ["collection-createdAt", "productId-createdAt", "createdBy-createdAt"],
    }
    assert names.items() >= shop.items()


def test_table_definition() -> None:
    """One on-demand table for each resource, with keys of the fields' types."""
    definitions = {each["TableName"]: each for each in tables.definitions(stages.load("local"))}

    table = definitions["storefront-local-products"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]} == {
        "id": "S",
        "collection": "S",
        "createdAt": "S",
        "price": "N",
    }


def test_types_of_index_keys() -> None:
    """Numbers are N, text is S, whether the field is optional or not."""
    thing = declared(filters=("grams", "owner", "price"), ranges=("count", "stock"))

    types = {name: thing.attribute_type(name) for name in ("grams", "owner", "price", "count")}
    assert types == {"grams": "N", "owner": "S", "price": "N", "count": "N"}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"filters": ("colour",)}, "filters names colour, which is not a field"),
        (
            {"filters": ("tags",)},
            "tags cannot be in filters: its type is neither text nor a number",
        ),
        ({"ranges": ("name",)}, "name cannot be in ranges: its type is not a number"),
        ({"ranges": ("grams",)}, "grams cannot be in ranges: it is optional, and a list sorted by"),
        ({"unique": ("count",)}, "count cannot be in unique: its type is not text"),
        ({"references": {"count": PRODUCTS}}, "count cannot be in references: its type is not"),
        ({"filters": ("note",)}, "note cannot be in filters: its text must have 1 to at most 400"),
        ({"unique": ("note",)}, "note cannot be in unique: its text must have 1 to at most 400"),
        ({"filters": ("name", "name")}, "filters names name twice"),
        ({"ignore_case": frozenset({"name"})}, "name cannot be in ignore_case: it is not text in"),
        ({"create_defaults": {"name": str}}, "name cannot be in create_defaults: it is not opt"),
        ({"shards": 0}, "shards must be from 1 to 64"),
        ({"shards": 65}, "shards must be from 1 to 64"),
        (
            {"sharded_filters": ("name",)},
            "name cannot be in sharded_filters: it must be in filters",
        ),
        (
            {"filters": ("owner",), "sharded_filters": ("owner",)},
            "owner cannot be in sharded_filters: it must be in filters and not in unique, and a",
        ),
        (
            {"personal_in_events": frozenset({"name"})},
            "name cannot be in personal_in_events: it is not in personal",
        ),
        ({"personal": frozenset({"colour"})}, "personal names colour, which is not a field"),
        (
            {"personal": frozenset({"name"}), "access": Access(change=AUTHOR)},
            "name cannot be in personal: it is not optional, and leaves an item whose author is",
        ),
        ({"key": "name"}, "name is a name of the server's own"),
        ({"key": "etag"}, "the key 'etag' is not letters and digits, or it is a name of the"),
        ({"key": "createdBy"}, "the key 'createdBy' is not letters and digits"),
        ({"key": "x#y"}, "the key 'x#y' is not letters and digits"),
        (
            {"access": Access(list=SELF)},
            "in access, list cannot be SELF: a list has no key; use STAFF, SIGNED_IN or ANYONE",
        ),
        ({"access": Access(default=SELF | STAFF)}, "in access, list cannot be SELF"),
        ({"access": Access(list=AUTHOR)}, "in access, list cannot be AUTHOR"),
        ({"access": Access(create=AUTHOR)}, "in access, create cannot be AUTHOR"),
        (
            {"access": Access(list=ANYONE, read=SIGNED_IN)},
            "in access, list is open to more callers than read: it would show what read hides",
        ),
        ({"access": Access(list=SIGNED_IN)}, "in access, list is open to more callers than read"),
        (
            {"references": {"name": TODOS}},
            "name cannot be in references: todos are owned, and a reference would show which keys",
        ),
        ({"name": "claims"}, "the name 'claims' is not 1 to 50 of a-z 0-9 _ - beginning with a"),
        ({"name": "Idempotency-Key#"}, "the name 'Idempotency-Key#' is not 1 to 50 of a-z 0-9"),
    ],
)
def test_declaration_that_cannot_work(options: dict[str, Any], reason: str) -> None:
    """It is refused when models.py is imported, with a sentence that says why."""
    with pytest.raises(DeclarationError, match=re.escape(f"Thing in models.py: {reason}")):
        declared(**options)


@pytest.mark.parametrize("rule", [[STAFF], "ANYONE", True])
def test_rule_that_is_none(rule: Any) -> None:
    """The sentence has the rules that there are."""
    with pytest.raises(DeclarationError, match=r"must be STAFF, SELF, AUTHOR, SIGNED_IN or ANYONE"):
        Access(read=rule)


@pytest.mark.parametrize(
    ("types", "options", "reason"),
    [
        ({"weight": float}, {}, "weight cannot be stored: use text, int, a Number, bool, list or"),
        ({"etag": str}, {}, "etag is a name of the server's own"),
        ({"owner": str}, OWNED, "owner is a name of the server's own"),
        ({"a": str}, OWNED | {"key": "owner"}, "the key 'owner' is not letters and digits"),
        ({"author": str}, BY_AUTHOR, "author is a name of the server's own"),
        (
            {"a": str},
            {"owned": True, "access": Access(read=ANYONE, default=SIGNED_IN)},
            "in access, read of an owned resource must be SIGNED_IN or STAFF",
        ),
        (
            {"a": KeyText, "aOfOwner": str},
            OWNED | {"filters": ("a",)},
            "aOfOwner is a name of the server's own",
        ),
        ({"limit": int}, {}, "limit is a name of the server's own"),
        (
            {"price": Price, "minPrice": Price},
            {"ranges": ("price",)},
            "minPrice is a name of the server's own",
        ),
        (
            {"email": KeyText, "emailLowercase": KeyText},
            {"filters": ("email",), "ignore_case": frozenset({"email"})},
            "emailLowercase is a name of the server's own",
        ),
        (
            {"text": Annotated[str, Meta(min_length=1, max_length=5000, pattern=VISIBLE)]},
            {"filters": ("text",)},
            "text cannot be in filters: its text must have 1 to at most 400 characters",
        ),
        (
            {"text": Annotated[str, Meta(max_length=100, pattern=EMPTY_OR_VISIBLE)]},
            {"filters": ("text",)},
            "text cannot be in filters: its text must have 1 to at most 400 characters",
        ),
        (
            {f"f{n}": KeyText for n in range(20)},
            {"filters": tuple(f"f{n}" for n in range(20))},
            "it needs 21 indexes, and a table has at most 20",
        ),
    ],
)
def test_field_that_cannot_work(
    types: dict[str, Any], options: dict[str, Any], reason: str
) -> None:
    """A type without an attribute value, a name that is taken, more indexes than a table has."""
    with pytest.raises(DeclarationError, match=re.escape(f"Thing in models.py: {reason}")):
        Resource(name="things", noun="thing", fields=structure(**types), **options)


@pytest.mark.parametrize(
    ("kind", "default"), [(Annotated[int, Meta(ge=0)], -1), (Price, Decimal(-1)), (KeyText, "")]
)
def test_default_that_breaks_the_rule_of_its_field(kind: Any, default: Any) -> None:
    """An item could not be sent back as it was read."""
    fields = defstruct("Thing", [("note", kind, default)])

    with pytest.raises(DeclarationError, match="the default of note is not a valid value"):
        Resource(name="things", noun="thing", fields=fields)


@pytest.mark.parametrize(
    ("value", "message"), [("abc", "has a wrong format"), ("  ", "must not be blank")]
)
def test_text_that_does_not_match_its_pattern(value: str, message: str) -> None:
    """A pattern without a description: the message names no rule."""
    kind = structure(code=Annotated[str, Meta(min_length=1, max_length=3, pattern="^[A-Z]{3}$")])

    with pytest.raises(Invalid) as refused:
        parse(kind, {"code": value}, noun="thing")

    assert str(refused.value) == f"code {message}"


def test_reviewers() -> None:
    """A review without a name gets one of fifteen made-up names."""
    assert len(set(REVIEWERS)) == 15


@given(st.integers(0, 99_999_999_999))
def test_every_price_in_cents_is_valid(cents: int) -> None:
    """0 to 999999999.99, in steps of a cent, with any number of zeros."""
    amount = Decimal(cents) / 100

    assert Price.parse(amount) == amount
    assert Price.parse(amount * Decimal("1.000")) == amount


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_other_numbers_are_not_prices(number: Decimal) -> None:
    """A number below, above or between cents is a ValueError that says what is right."""
    exact = re.fullmatch(r"\d+(\.\d{1,2}0*)?", f"{abs(number):f}")
    if 0 <= number <= Decimal("999999999.99") and exact:
        assert Price.parse(number) == number
    else:
        with pytest.raises(ValueError, match=r"^must (be at least 0|be at most 9|have at most 2)"):
            Price.parse(number)


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (r"^[0-9]+$", False),
        (r"^([a-z][0-9])+$", False),
        (r"^[0-9]{1,400}$", True),
        (r"^[0-9]{1,401}$", False),
        (r"[0-9]{1,10}", False),
        (r"^[0-9]{1,10}", False),
        (r"^a{1,3}|b{1,3}$", False),
        (r"^(a{1,3}|b{1,3})$", True),
        (r"^[0-9]*$", False),
        (r"^(?!x)[a-z]{1,20}(?!\n)$", True),
    ],
)
def test_pattern_that_does_not_bound_a_key(pattern: str, allowed: bool) -> None:
    """A filter on 3,000 digits would be a 500: DynamoDB's keys have at most 2,048 bytes."""
    text: Any = Annotated[str, Meta(pattern=pattern)]
    fields = defstruct("Item", [("code", text)], forbid_unknown_fields=True)
    if allowed:
        Resource(name="items", noun="item", fields=fields, filters=("code",))
    else:
        with pytest.raises(DeclarationError, match="code cannot be in filters: its text must have"):
            Resource(name="items", noun="item", fields=fields, filters=("code",))
