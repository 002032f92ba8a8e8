"""Cursors that are forged: their digest is not a secret."""

import pytest

from chalicelib.models import PRODUCTS
from chalicelib.schema import given_fields
from chalicelib.storage import cursors
from chalicelib.storage.queries import ListQuery
from chalicelib.validation import parse_query
from tests.client import Client


def forged(query: dict[str, str], sort: str) -> str:
    """A cursor with a valid digest, made by a client that has read the source."""
    parameters = given_fields(parse_query(PRODUCTS.list_parameters, query, noun="product"))
    list_query = ListQuery.from_parameters(PRODUCTS, parameters)
    return cursors.encode_cursor(list_query._scope(), cursors.Position(sort, "teapot"))  # noqa: SLF001


BOUNDS = {"minPrice": "10", "maxPrice": "20"}


@pytest.mark.parametrize(
    ("query", "sort"),
    [
        (BOUNDS, "9.99"),
        (BOUNDS, "20.01"),
        (BOUNDS, "-1"),
        ({"minPrice": "10"}, "9"),
        ({"maxPrice": "20"}, "21"),
        ({"sort": "price"}, "9" * 39),
        ({"sort": "price"}, "0." + "1" * 50),
        ({"sort": "price"}, "1e5"),
        ({"sort": "price"}, "NaN"),
        ({"sort": "price"}, "x"),
    ],
)
def test_forged_cursor(in_process: Client, query: dict[str, str], sort: str) -> None:
    """A position that the list cannot have is a 400, before DynamoDB sees it."""
    response = in_process.get("/products", {**query, "cursor": forged(query, sort)})

    assert response.status == 400
    assert list(response.problems) == ["cursor"]


@pytest.mark.parametrize("sort", ["10", "15.5", "20"])
def test_cursor_within_the_bounds(in_process: Client, sort: str) -> None:
    """A position within the bounds is accepted, its item deleted or not."""
    response = in_process.get("/products", {**BOUNDS, "cursor": forged(BOUNDS, sort)})

    assert response.status == 200
