"""What staff do with products: add, change, delete; exactly once, and with what others do."""

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.samples import unique
from tests.web.api_responses import ErrorResponse
from tests.web.conftest import Shop


def fill(shop: Shop, name: str, price: str, description: str = "") -> None:
    """Fill the form of a product."""
    shop.field("Name").fill(name)
    shop.field("Price").fill(price)
    shop.field("Description").fill(description)


def stored(shop: Shop, name: str) -> list[Any]:
    """The newest products with a name."""
    items: list[Any] = shop.api.get("/products?limit=100").json["items"]
    return [each for each in items if each["name"] == name]


def numbers(shop: Shop, name: str) -> list[str]:
    """The prices of the products with a name, as they stand in the API's JSON."""
    text = shop.api.get("/products?limit=100").body.decode()
    items = json.loads(text, parse_float=str, parse_int=str)["items"]
    return [each["price"] for each in items if each["name"] == name]


def test_add_and_see_the_list_refresh(shop: Shop) -> None:
    """The product is in the list, has the focus, and a live region says it."""
    name = f"Teapot {unique()}"
    shop.open_as("sue", "/products")
    shop.button("Add product").click()
    fill(shop, name, "34.50", "Stoneware.\nFor four cups.")

    shop.button("Save").click()

    shop.is_at("/products")
    expect(shop.page.get_by_role("link", name=name)).to_be_focused()
    shop.says(f"{name} is in the shop.")
    (product,) = stored(shop, name)
    assert product["description"] == "Stoneware.\nFor four cups."
    assert shop.messages == []


def test_prices_are_exact(shop: Shop) -> None:
    """What is typed is what is stored and shown."""
    shop.open_as("sue", "/products")
    for typed, number, shown in (
        ("12,50", "12.5", "€12.50"),
        ("0.30", "0.3", "€0.30"),
        ("007", "7", "€7.00"),
        (" 0.1 ", "0.1", "€0.10"),
        ("999999999.99", "999999999.99", "€999,999,999.99"),
    ):
        name = f"Cup {unique()}"
        shop.button("Add product").click()
        fill(shop, name, typed)
        shop.button("Save").click()
        card = shop.page.get_by_role("listitem").filter(has_text=name)
        expect(card).to_contain_text(shown)
        assert numbers(shop, name) == [number]

    card.get_by_role("link").click()
    shop.button("Edit").click()
    expect(shop.field("Price")).to_have_value(shown.replace("€", "").replace(",", ""))
    # Nothing was changed: nothing is sent.
    (before,) = stored(shop, name)
    shop.button("Save").click()
    shop.says(f"{name} is saved.")
    assert stored(shop, name) == [before]


def test_three_problems_at_three_fields(shop: Shop) -> None:
    """The API's messages, the focus on the first field; corrected, it is saved."""
    name = f"Cup {unique()}"
    shop.open_as("sue", "/new-product")
    fill(shop, " ", "-1", "\t")

    shop.button("Save").click()

    expect(shop.field("Name")).to_have_accessible_description("Name must not be blank.")
    expect(shop.field("Price")).to_have_accessible_description(
        "Such as 12.50 Price must be at least 0."
    )
    expect(shop.field("Description")).to_have_accessible_description(
        "Description must not be blank."
    )
    expect(shop.field("Name")).to_be_focused()
    for label in ("Name", "Price", "Description"):
        expect(shop.field(label)).to_have_attribute("aria-invalid", "true")
    fill(shop, name, "1.234,50", "x")
    shop.button("Save").click()
    expect(shop.field("Price")).to_be_focused()
    expect(shop.field("Price")).to_have_accessible_description(
        "Such as 12.50 Price must be a number."
    )
    shop.field("Price").fill("1234,50")
    shop.button("Save").click()
    shop.says(f"{name} is in the shop.")
    assert numbers(shop, name) == ["1234.5"]


def test_price_that_is_missing(shop: Shop) -> None:
    """Each rule is the API's own."""
    shop.open_as("sue", "/new-product")
    fill(shop, "Cup", "")
    shop.button("Save").click()

    expect(shop.field("Price")).to_have_accessible_description("Such as 12.50 Price is required.")


def test_double_click_makes_one_product(shop: Shop) -> None:
    """The second click sends nothing."""
    name = f"Cup {unique()}"
    creates = ErrorResponse(times=0)
    shop.on_api("POST", "/products$", creates)
    shop.open_as("sue", "/new-product")
    fill(shop, name, "5")

    shop.button("Save").dblclick()

    shop.says(f"{name} is in the shop.")
    assert len(creates.requests) == 1
    assert len(stored(shop, name)) == 1


@pytest.mark.parametrize("status", [0, 503])
def test_lost_201_makes_one_product(shop: Shop, status: int) -> None:
    """The answer gets lost after the API has created it: the same key gets it again."""
    name = f"Cup {unique()}"
    creates = ErrorResponse(status, lost=True, Retry_After="0")
    shop.on_api("POST", "/products$", creates)
    shop.open_as("sue", "/new-product")
    fill(shop, name, "5")

    shop.button("Save").click()

    shop.says(f"{name} is in the shop.")
    first, second = creates.header("idempotency-key")
    assert first == second
    assert len(stored(shop, name)) == 1


def test_reload_after_a_lost_201_makes_one_product(shop: Shop) -> None:
    """The draft and its key are there after the reload; other text has another key."""
    name = f"Cup {unique()}"
    creates = ErrorResponse(lost=True, times=2)
    shop.on_api("POST", "/products$", creates)
    page = shop.open_as("sue", "/new-product")
    fill(shop, name, "5", "Blue")
    with page.expect_event("requestfailed"):
        shop.button("Save").click()

    page.reload()
    expect(shop.field("Description")).to_have_value("Blue")
    creates.left = 0
    shop.button("Save").click()

    shop.says(f"{name} is in the shop.")
    assert len(set(creates.header("idempotency-key"))) == 1
    assert len(stored(shop, name)) == 1
    # The draft has ended with the product.
    shop.button("Add product").click()
    fill(shop, name, "6")
    shop.button("Save").click()
    shop.says(f"{name} is in the shop.")
    assert len(set(creates.header("idempotency-key"))) == 2


def test_cancel_forgets_the_draft(shop: Shop) -> None:
    """A cancelled form is empty the next time."""
    page = shop.open_as("sue", "/new-product")
    fill(shop, "Never mind", "1")
    shop.button("Cancel").click()
    shop.is_at("/products")
    page.goto(f"{shop.url}/new-product")

    expect(shop.field("Name")).to_have_value("")


def open_edit(shop: Shop, product: Any) -> None:
    """Open the form of a product."""
    shop.open_as("sue", f"/products/{product['id']}")
    shop.button("Edit").click()
    expect(shop.field("Name")).to_have_value(product["name"])


def change(shop: Shop, product: Any, **fields: Any) -> None:
    """Change a product as somebody else."""
    assert shop.api.patch(f"/products/{product['id']}", fields).status == 200


def test_edit_sends_what_was_changed_under_the_etag(shop: Shop) -> None:
    """A merge patch with If-Match."""
    product = shop.product(description="Blue")
    patches = ErrorResponse(times=0)
    shop.on_api("", f"/products/{product['id']}$", patches)
    open_edit(shop, product)
    shop.field("Description").fill("Green")

    shop.button("Save").click()

    shop.says(f"{product['name']} is saved.")
    shop.is_at(f"/products/{product['id']}")
    (patch,) = [request for request in patches.requests if request.method == "PATCH"]
    assert json.loads(patch.post_data) == {"description": "Green"}
    assert patch.headers["if-match"] == product["etag"]


def test_412_without_overlap_is_merged(shop: Shop) -> None:
    """Both changes are kept, without a question."""
    product = shop.product(description="Blue")
    open_edit(shop, product)
    shop.field("Description").fill("Green")
    change(shop, product, price=7)

    shop.button("Save").click()

    shop.says(f"{product['name']} is saved.")
    now = shop.api.get(f"/products/{product['id']}").json
    assert (now["description"], now["price"]) == ("Green", 7)


@pytest.mark.parametrize(("choice", "kept"), [("Yours", "Green"), ("Theirs", "Red")])
def test_412_with_an_overlap_asks(shop: Shop, choice: str, kept: str) -> None:
    """The dialog has both values of the field that overlaps; the rest is saved as well."""
    product = shop.product(description="Blue")
    open_edit(shop, product)
    shop.field("Description").fill("Green")
    shop.field("Price").fill("8")
    change(shop, product, description="Red")

    shop.button("Save").click()
    dialog = shop.page.get_by_role("dialog")
    expect(dialog.get_by_role("group", name="Description")).to_be_visible()
    expect(dialog.get_by_role("group")).to_have_count(1)
    dialog.get_by_label(choice).check()
    dialog.get_by_role("button", name="Save").click()

    shop.says(f"{product['name']} is saved.")
    now = shop.api.get(f"/products/{product['id']}").json
    assert (now["description"], now["price"]) == (kept, 8)


def test_412_twice(shop: Shop) -> None:
    """Somebody changes the product again, while the dialog is open."""
    product = shop.product(description="Blue")
    open_edit(shop, product)
    shop.field("Description").fill("Green")
    change(shop, product, description="Red")
    shop.button("Save").click()
    dialog = shop.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Red")
    change(shop, product, description="Pink", price=9)

    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("Pink")
    dialog.get_by_role("button", name="Save").click()

    shop.says(f"{product['name']} is saved.")
    now = shop.api.get(f"/products/{product['id']}").json
    assert (now["description"], now["price"]) == ("Green", 9)


def test_cancelled_dialog_keeps_the_form(shop: Shop) -> None:
    """Nothing is written, and nothing that was typed is lost."""
    product = shop.product(description="Blue")
    open_edit(shop, product)
    shop.field("Description").fill("Green")
    change(shop, product, description="Red")
    shop.button("Save").click()

    shop.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()

    expect(shop.page.get_by_role("dialog")).to_have_count(0)
    expect(shop.button("Save")).to_be_focused()
    expect(shop.field("Description")).to_have_value("Green")
    assert shop.api.get(f"/products/{product['id']}").json["description"] == "Red"


def test_our_own_lost_patch_is_no_conflict(shop: Shop) -> None:
    """The answer gets lost; the second try is a 412 about our own change."""
    product = shop.product(description="Blue")
    patches = ErrorResponse(lost=True)
    open_edit(shop, product)
    shop.on_api("", f"/products/{product['id']}$", patches)
    shop.field("Description").fill("Green")

    shop.button("Save").click()

    shop.says(f"{product['name']} is saved.")
    methods = [request.method for request in patches.requests]
    assert methods[:3] == ["PATCH", "PATCH", "GET"]
    assert shop.api.get(f"/products/{product['id']}").json["description"] == "Green"


def test_edit_of_a_product_that_was_deleted(shop: Shop) -> None:
    """The API's sentence; what was typed stays."""
    product = shop.product()
    open_edit(shop, product)
    shop.field("Description").fill("Green")
    shop.api.delete(f"/products/{product['id']}")

    shop.button("Save").click()

    shop.says(f"Product '{product['id']}' not found")
    expect(shop.field("Description")).to_have_value("Green")


def test_delete_asks_first(shop: Shop) -> None:
    """Cancel has the focus, and keeps it; Delete deletes."""
    product = shop.product()
    shop.open_as("sue", f"/products/{product['id']}")
    shop.button("Delete").click()
    dialog = shop.page.get_by_role("dialog")

    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    shop.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(shop.button("Delete")).to_be_focused()
    assert shop.api.get(f"/products/{product['id']}").status == 200
    shop.button("Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    shop.is_at("/products")
    shop.says(f"{product['name']} is deleted.")
    assert shop.api.get(f"/products/{product['id']}").status == 404


def test_delete_after_the_session_has_ended(shop: Shop) -> None:
    """The page says that the product was not deleted, although staff's buttons have gone."""
    page = shop.open_as("sue", f"/products/{shop.product()['id']}")
    shop.on_api("DELETE", "/products/", ErrorResponse(401, times=9))
    shop.button("Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    shop.says("Your session has ended.")
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("request-1")


def test_delete_of_a_changed_product_asks_again(shop: Shop) -> None:
    """The person has not seen what would be deleted."""
    product = shop.product()
    shop.open_as("sue", f"/products/{product['id']}")
    expect(shop.button("Delete")).to_be_visible()
    change(shop, product, description="Now in blue")
    shop.button("Delete").click()
    dialog = shop.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Delete").click()

    expect(dialog).to_contain_text("Somebody else has changed it")
    dialog.get_by_role("button", name="Delete").click()
    shop.says(f"{product['name']} is deleted.")


def test_delete_whose_answer_is_lost(shop: Shop) -> None:
    """The second try finds nothing, as it should."""
    product = shop.product()
    shop.open_as("sue", f"/products/{product['id']}")
    expect(shop.button("Delete")).to_be_visible()
    shop.on_api("DELETE", f"/products/{product['id']}$", ErrorResponse(lost=True))
    shop.button("Delete").click()

    shop.page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    shop.says(f"{product['name']} is deleted.")
