"""What is read off a declaration."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.models import RESOURCES, REVIEWERS, REVIEWS, TODOS, USERS, Price
from infra import stages, tables


def test_the_key_the_fields_and_the_read_only_ones_make_an_item() -> None:
    """The order in JSON is the order of the declaration."""
    assert USERS.attributes == (
        "userId",
        "name",
        "username",
        "email",
        "createdAt",
        "updatedAt",
        "etag",
    )
    assert REVIEWS.removable == {"name", "productId", "rating"}
    assert TODOS.removable == set()


def test_an_index_exists_for_each_documented_list() -> None:
    """Newest first for all, one per filter, one per range, and no other."""
    names = {resource.path: [index.name for index in resource.indexes] for resource in RESOURCES}

    shop = {
        "users": ["collection-createdAt", "emailFolded-createdAt", "username-createdAt"],
        "products": ["collection-createdAt", "collection-price"],
        "todos": ["collection-createdAt", "status-createdAt"],
        "reviews": ["collection-createdAt", "productId-createdAt"],
    }
    assert names.items() >= shop.items()


def test_a_table_is_made_of_its_declaration() -> None:
    """One on-demand table per resource, its keys typed as its fields are."""
    definitions = {each["TableName"]: each for each in tables.definitions(stages.load("local"))}

    table = definitions["storefront-local-products"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]} == {
        "id": "S",
        "collection": "S",
        "createdAt": "S",
        "price": "N",
    }


def test_fifteen_reviewers_have_made_up_names() -> None:
    """The list that a review's name is picked from."""
    assert len(set(REVIEWERS)) == 15


@given(st.integers(0, 99_999_999_999))
def test_every_price_in_cents_is_a_price(cents: int) -> None:
    """0 to 999999999.99, in steps of a cent, whatever the spelling."""
    amount = Decimal(cents) / 100

    assert Price.parse(amount) == amount
    assert Price.parse(amount * Decimal("1.000")) == amount


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_other_number_is_a_price(number: Decimal) -> None:
    """Below, above or between cents: ValueError with what would be right."""
    exact = re.fullmatch(r"\d+(\.\d{1,2}0*)?", f"{abs(number):f}")
    if 0 <= number <= Decimal("999999999.99") and exact:
        assert Price.parse(number) == number
    else:
        with pytest.raises(ValueError, match=r"^must (be at least 0|be at most 9|have at most 2)"):
            Price.parse(number)
