"""Reviews: customers write, change and delete their own."""

from typing import Any

from playwright.sync_api import Locator, Route, expect

from tests.samples import unique
from tests.web.api_responses import ErrorResponse
from tests.web.conftest import Shop


def review_of(shop: Shop, text: str) -> Locator:
    """A review on the page."""
    return shop.page.get_by_role("article").filter(has_text=text)


def as_person(shop: Shop, person: str) -> Any:
    """The API, for one of the sample people."""
    return shop.api.signed_in(shop.local.header(person))


def test_write_change_and_delete_an_own_review(shop: Shop) -> None:
    """The focus follows the review; the API has what the page shows."""
    product = shop.product()
    text = f"Lovely {unique()}"
    page = shop.open_as("ada", f"/products/{product['id']}")
    expect(page.get_by_text("No reviews yet.")).to_be_visible()
    shop.field("Review").fill(text)
    shop.field("Rating").select_option("4")
    expect(shop.field("Name")).to_have_value("Ada")
    shop.button("Save").click()

    review = review_of(shop, text)
    expect(review).to_be_focused()
    expect(review.get_by_role("img", name="4 of 5 stars")).to_be_visible()
    shop.says("Thank you: your review is here.")
    # The form is empty again, for another one.
    expect(shop.field("Review")).to_have_value("")
    review.get_by_role("button", name="Edit").click()
    expect(shop.field("Review")).to_have_value(text)
    shop.field("Review").fill(f"{text} indeed")
    shop.field("Rating").select_option("No rating")
    shop.button("Save").click()
    expect(review_of(shop, f"{text} indeed")).to_be_focused()
    path = f"/products/{product['id']}/reviews"
    (stored,) = shop.api.get(path).json["items"]
    assert (stored["review"], stored["name"]) == (f"{text} indeed", "Ada")
    assert "rating" not in stored
    review_of(shop, text).get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Reviews")).to_be_focused()
    shop.says("The review is deleted.")
    assert shop.api.get(path).json["items"] == []
    assert shop.messages == []


def test_reviews_of_others_have_no_buttons(shop: Shop) -> None:
    """Also after a reload: the API says which reviews are the caller's."""
    product = shop.product()
    ids = {"productId": product["id"]}
    as_person(shop, "bob").create("/reviews", {"review": "By Bob", **ids})
    as_person(shop, "ada").create("/reviews", {"review": "By Ada", **ids})
    shop.open_as("ada", f"/products/{product['id']}")

    expect(review_of(shop, "By Ada").get_by_role("button")).to_have_count(2)
    expect(review_of(shop, "By Bob").get_by_role("button")).to_have_count(0)


def test_staff_can_delete_every_review(shop: Shop) -> None:
    """The rule is the API's."""
    product = shop.product()
    body = {"review": "By Bob", "productId": product["id"]}
    as_person(shop, "bob").create("/reviews", body)
    page = shop.open_as("sue", f"/products/{product['id']}")

    review_of(shop, "By Bob").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    shop.says("The review is deleted.")


def test_own_reviews_are_found_beyond_a_page(shop: Shop) -> None:
    """Reviews are read newest first; an old one is still the caller's."""
    product = shop.product()
    ada = as_person(shop, "ada")
    body = {"productId": product["id"]}
    for number in range(26):
        ada.create("/reviews", {"review": f"Number {number:02}", **body})
    page = shop.open_as("ada", f"/products/{product['id']}")

    shop.button("More").click()

    oldest = review_of(shop, "Number 00")
    expect(oldest).to_be_focused()
    expect(oldest.get_by_role("button", name="Delete")).to_be_visible()
    expect(page.get_by_role("article").filter(has_text="Number")).to_have_count(26)


def test_problems_at_the_fields(shop: Shop) -> None:
    """The API's messages; a blank name is none."""
    product = shop.product()
    shop.open_as("ada", f"/products/{product['id']}")
    shop.field("Review").fill("x" * 5001)
    shop.field("Name").fill("y" * 101)
    shop.button("Save").click()

    expect(shop.field("Review")).to_be_focused()
    expect(shop.field("Review")).to_have_attribute("aria-invalid", "true")
    expect(shop.field("Name")).to_have_attribute("aria-invalid", "true")
    shop.field("Review").fill("Short")
    shop.field("Name").fill("")
    shop.button("Save").click()
    shop.says("Thank you")
    (stored,) = shop.api.get(f"/products/{product['id']}/reviews").json["items"]
    assert stored["name"]


def test_product_that_was_deleted_meanwhile(shop: Shop) -> None:
    """The reference is not a field of the form: the problem stands at its end."""
    product = shop.product()
    shop.open_as("ada", f"/products/{product['id']}")
    shop.field("Review").fill("Too late")
    shop.api.delete(f"/products/{product['id']}")

    shop.button("Save").click()

    shop.says("productId")
    expect(shop.field("Review")).to_have_value("Too late")


def test_draft_of_a_review_outlives_a_reload(shop: Shop) -> None:
    """Each product has its own."""
    product, other = shop.product(), shop.product()
    page = shop.open_as("ada", f"/products/{product['id']}")
    shop.field("Review").fill("Half of a")
    page.reload()

    expect(shop.field("Review")).to_have_value("Half of a")
    page.goto(f"{shop.url}/products/{other['id']}")
    expect(shop.field("Review")).to_have_value("")


def test_draft_is_the_persons_own(shop: Shop) -> None:
    """Somebody else who signs in in the same tab does not see it; its author does."""
    path = f"/products/{shop.product()['id']}"
    shop.open_as("ada", path)
    shop.field("Review").fill("Half of a")

    shop.open_as("bob", path)
    expect(shop.field("Name")).to_have_value("Bob")
    expect(shop.field("Review")).to_have_value("")
    shop.open_as("ada", path)
    expect(shop.field("Review")).to_have_value("Half of a")


def test_lost_answer_makes_one_review(shop: Shop) -> None:
    """The idempotency key of the submit."""
    product = shop.product()
    shop.open_as("ada", f"/products/{product['id']}")
    shop.on_api("POST", "/reviews$", ErrorResponse(503, lost=True, Retry_After="0"))
    shop.field("Review").fill("Once")
    shop.button("Save").click()

    shop.says("Thank you")
    assert len(shop.api.get(f"/products/{product['id']}/reviews").json["items"]) == 1
    expect(review_of(shop, "Once")).to_have_count(1)


def test_review_without_a_name(shop: Shop) -> None:
    """Of an author whose user has none: its heading is not empty."""

    def remove_names(route: Route) -> None:
        response = route.fetch()
        reviews = response.json()
        for review in reviews["items"]:
            del review["name"]
        route.fulfill(response=response, json=reviews)

    product = shop.product()
    text = f"Fine {unique()}"
    shop.api.create("/reviews", {"productId": product["id"], "review": text})
    shop.on_api("GET", f"/products/{product['id']}/reviews", remove_names)

    shop.open(f"/products/{product['id']}")

    expect(review_of(shop, text).get_by_role("heading", name="Somebody")).to_be_visible()
