"""References: a review's productId names a product that exists when it is set."""

import pytest

from tests.client import Client, Response
from tests.samples import unique

MESSAGE = {"productId": "must be the key of a product that exists"}


@pytest.fixture
def product(api: Client) -> str:
    """The key of a product."""
    key: str = api.create("/products", {"name": "Cup", "price": 1})["id"]
    return key


def refused(answer: Response) -> bool:
    """Whether an answer is a 400 that names productId alone."""
    return answer.status == 400 and answer.problems == MESSAGE


def test_review_of_a_missing_product_is_a_400(api: Client, product: str) -> None:
    """On create, replace and patch; what does not exist is a 400 that names the field."""
    nothing = unique()
    review = api.create("/reviews", {"review": "Good.", "productId": product})
    place = f"/reviews/{review['id']}"

    assert refused(api.post("/reviews", {"review": "Good.", "productId": nothing}))
    assert refused(api.put(place, {"review": "Good.", "productId": nothing}))
    assert refused(api.patch(place, {"productId": nothing}))
    assert api.get(place).json == review
    assert api.get("/reviews", {"productId": nothing}).json["items"] == []
    other = api.create("/products", {"name": "Mug", "price": 1})["id"]
    assert api.patch(place, {"productId": other}).json["productId"] == other
    assert "productId" not in api.patch(place, {"productId": None}).json


def test_reviews_of_a_deleted_product_stay(api: Client, product: str) -> None:
    """It can be read, listed, changed and sent back; no other can join it."""
    review = api.create("/reviews", {"review": "Good.", "productId": product})
    place = f"/reviews/{review['id']}"
    assert api.delete(f"/products/{product}").status == 204

    assert api.get(place).json == review
    assert api.get("/reviews", {"productId": product}).json["items"] == [review]
    assert api.patch(place, {"rating": 5}).json["rating"] == 5
    assert api.put(place, review).json["productId"] == product
    assert api.patch(place, {"productId": product}).status == 200
    assert refused(api.post("/reviews", {"review": "Good.", "productId": product}))


def test_precondition_of_a_review_with_a_product(api: Client, product: str) -> None:
    """A stale etag is a 412 and a missing review a 404, with any product."""
    review = api.create("/reviews", {"review": "Good."})
    place = f"/reviews/{review['id']}"

    for key in (product, unique()):
        assert api.patch(place, {"productId": key}, If_Match='"x"').status == 412
        assert api.patch(f"/reviews/{unique()}", {"productId": key}).status == 404
    assert api.patch(place, {"productId": product}, If_Match=review["etag"]).status == 200
