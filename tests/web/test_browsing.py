"""Browsing the catalogue, without signing in."""

import re

from playwright.sync_api import expect

from tests.samples import unique
from tests.web.api_responses import SENTENCE, ErrorResponse
from tests.web.conftest import Shop

# The list of one product.
TEAPOT = "/products?minPrice=34.50&maxPrice=34.50"


def names(shop: Shop) -> list[str]:
    """The products on the page."""
    items = shop.page.get_by_role("main").get_by_role("listitem")
    return items.get_by_role("link").all_inner_texts()


def prices() -> float:
    """A price that no other test uses."""
    return int(unique()[:6], 36) % 900_000_000 + 1000


def test_list_and_product_need_no_sign_in(shop: Shop) -> None:
    """Products with name and price, then one of them with its reviews; nothing of staff's."""
    newest = shop.product(price=1234.5)
    page = shop.open("/")

    shop.is_at("/products")
    expect(page).to_have_title("Products · Storefront")
    card = page.get_by_role("listitem").filter(has_text=newest["name"])
    expect(card).to_contain_text("€1,234.50")
    card.get_by_role("link").click()
    shop.is_at(f"/products/{newest['id']}")
    page.goto(f"{shop.url}{TEAPOT}")
    page.get_by_role("link", name="Teapot", exact=True).click()
    shop.is_at("/products/teapot")
    expect(page.get_by_role("heading", name="Teapot")).to_be_visible()
    expect(page).to_have_title("\u2068Teapot\u2069 · Storefront")
    review = page.get_by_role("article").filter(has_text="The lid is a little loose".lower())
    expect(review.get_by_role("img", name="4 of 5 stars")).to_be_visible()
    for name in ("Add product", "Edit", "Delete", "Save", "Sign out"):
        expect(shop.button(name)).to_have_count(0)
    for link in ("Todos", "Users", "Account"):
        expect(page.get_by_role("link", name=link)).to_have_count(0)
    assert shop.messages == []


def test_order_and_price_bounds_are_in_the_address(shop: Shop) -> None:
    """Each change has its own address. A reload and the back button restore the list."""
    low = prices()
    items = [shop.product(price=low + step) for step in (2, 1, 3)]
    page = shop.open(f"/products?minPrice={low}")

    page.get_by_label("Highest price", exact=True).fill(f"{low + 2},00")
    page.get_by_label("Highest price", exact=True).press("Enter")
    shop.is_at(f"/products?minPrice={low}&sort=price&maxPrice={low + 2}.00")
    expect(page.get_by_role("status").filter(has_text="2 products")).to_be_visible()
    assert names(shop) == [items[1]["name"], items[0]["name"]]
    page.get_by_label("Sort by").select_option("Most expensive first")
    expect(page.get_by_role("main").get_by_role("link").first).to_have_text(items[0]["name"])
    assert "sort=-price" in shop.path
    page.reload()
    expect(page.get_by_role("main").get_by_role("link").first).to_have_text(items[0]["name"])
    page.go_back()
    expect(page.get_by_role("main").get_by_role("link").first).to_have_text(items[1]["name"])
    # Newest first has no bounds.
    page.get_by_label("Sort by").select_option("Newest first")
    shop.is_at("/products")


def test_newest_first(shop: Shop) -> None:
    """The newest product is the first one."""
    newest = shop.product()
    page = shop.open()

    expect(page.get_by_role("main").get_by_role("link").first).to_be_visible()
    assert newest["name"] in names(shop)


def test_wrong_price_bound(shop: Shop) -> None:
    """The API's message stands at the field; corrected, the list is there."""
    page = shop.open("/products?minPrice=x")

    field = page.get_by_label("Lowest price", exact=True)
    expect(field).to_have_accessible_description(re.compile("price must be a number"))
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("34,5")
    field.press("Enter")
    expect(page.get_by_role("main").get_by_role("listitem").first).to_be_visible()


def test_wrong_order(shop: Shop) -> None:
    """A problem that is not about a field of the page is shown all the same."""
    shop.open("/products?sort=bogus")

    shop.says("sort must be")


def test_more_loads_the_next_page(shop: Shop) -> None:
    """Every product once, the focus on the first new one, and no button at the end."""
    low = prices()
    items = [shop.product(price=low + step) for step in range(30)]
    page = shop.open(f"/products?sort=price&minPrice={low}&maxPrice={low + 29}")

    expect(page.get_by_role("status").filter(has_text="The first 25 products")).to_be_visible()
    shop.button("More").click()
    expect(page.get_by_role("status").filter(has_text="30 products")).to_be_visible()
    assert names(shop) == [each["name"] for each in items]
    expect(page.get_by_role("link", name=items[25]["name"])).to_be_focused()
    expect(shop.button("More")).to_have_count(0)


def test_more_that_fails_can_be_repeated(shop: Shop) -> None:
    """What is there stays there."""
    low = prices()
    for step in range(26):
        shop.product(price=low + step)
    shop.on_api("GET", r"/products\?.*cursor=", ErrorResponse(500))
    shop.open(f"/products?minPrice={low}&maxPrice={low + 25}")

    shop.button("More").click()
    expect(shop.page.get_by_role("alert").filter(has_text=SENTENCE)).to_be_visible()
    assert len(names(shop)) == 25
    shop.button("More").click()
    expect(shop.page.get_by_role("status").filter(has_text="26 products")).to_be_visible()


def test_empty_list_says_what_to_do(shop: Shop) -> None:
    """A way back to all products."""
    low = prices()
    page = shop.open(f"/products?minPrice={low}.01&maxPrice={low}.02")

    page.get_by_role("link", name="Show products of every price").click()

    shop.is_at("/products")


def test_not_found(shop: Shop) -> None:
    """Says what is missing, and leads to the products."""
    for path in ("/products/unicorn", "/nowhere", "/products/a/b"):
        page = shop.open(path)
        page.get_by_role("main").get_by_role("link", name="all products").click()
        shop.is_at("/products")


def test_reviews_of_a_deleted_product_stay(shop: Shop) -> None:
    """The product is not found, its reviews are."""
    product = shop.product()
    shop.api.create("/reviews", {"review": "I miss it.", "productId": product["id"]})
    shop.api.delete(f"/products/{product['id']}")
    page = shop.open(f"/products/{product['id']}")

    expect(page.get_by_text(f"Product '{product['id']}' not found")).to_be_visible()
    expect(page.get_by_text("I miss it.")).to_be_visible()


def test_keys_with_dots_and_new(shop: Shop) -> None:
    """A key may look like a file or like a page."""
    for key in (f"{unique()}.js", "new"):
        product = shop.product(id=key)
        page = shop.open(f"/products/{key}")
        expect(page.get_by_role("heading", name=product["name"])).to_be_visible()
        shop.api.delete(f"/products/{key}")


def test_texts_are_texts(shop: Shop) -> None:
    """Markup in a name is shown as it is."""
    name = f"<img src=x onerror=alert(1)> {unique()}"
    product = shop.product(name=name, description="<script>alert(1)</script>\n& more")
    page = shop.open(f"/products/{product['id']}")

    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_text("<script>alert(1)</script>")).to_be_visible()
    assert shop.messages == []


def test_keyboard_alone(shop: Shop) -> None:
    """The first Tab skips the navigation; a navigation moves the focus to the new page."""
    page = shop.open(TEAPOT)
    expect(page.get_by_role("link", name="Teapot", exact=True)).to_be_visible()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    assert shop.path == TEAPOT
    for _ in range(3):  # Order, From, To.
        page.keyboard.press("Tab")
    expect(page.get_by_label("Highest price", exact=True)).to_be_focused()
    page.get_by_role("link", name="Teapot", exact=True).focus()
    page.keyboard.press("Enter")
    shop.is_at("/products/teapot")
    expect(page.get_by_role("main")).to_be_focused()


def test_address_that_the_api_refuses(shop: Shop) -> None:
    """The page offers itself without the parameters: the same request would fail again."""
    page = shop.open("/products?sort=nope")
    expect(page.get_by_role("alert").filter(has_text="sort")).to_be_visible()
    expect(shop.button("Try now")).to_have_count(0)

    page.get_by_role("link", name="Show this page without the parameters").click()

    shop.is_at("/products")
    expect(page.get_by_role("main").get_by_role("listitem").first).to_be_visible()


def test_name_from_right_to_left(shop: Shop) -> None:
    """It begins at the right."""
    product = shop.product(name="כוס תה")
    page = shop.open(f"/products/{product['id']}")

    expect(page.get_by_role("heading", name=product["name"])).to_be_visible()
    gap = page.evaluate("""() => {
      const heading = document.querySelector('h1');
      const text = document.createRange();
      text.selectNodeContents(heading);
      return heading.getBoundingClientRect().right - text.getBoundingClientRect().right;
    }""")
    assert abs(gap) < 1


def test_name_that_turns_the_direction(shop: Shop) -> None:
    """The rest of the title is behind an isolate (Unicode UAX 9), and stays as it is."""
    product = shop.product(name="\u202eevil")

    page = shop.open(f"/products/{product['id']}")

    expect(page).to_have_title("\u2068\u202eevil\u2069 · Storefront")
