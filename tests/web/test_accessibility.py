"""Every page for everybody: axe, light and dark, narrow and wide, without a message."""

from collections.abc import Callable
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.conftest import Local
from tests.web.conftest import Shop

# https://github.com/dequelabs/axe-core/blob/develop/doc/API.md#axe-core-tags
RULES = {
    "runOnly": {
        "type": "tag",
        "values": [
            *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"),
        ],
    }
}
WIDTHS = (320, 1280)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def heading(page: Page, name: str) -> None:
    """Wait for a page's heading, and until nothing loads."""
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(page.locator("[aria-busy=true], .skeleton")).to_have_count(0)


def wrong_form(shop: Shop) -> None:
    """A form with problems."""
    heading(shop.page, "New product")
    shop.field("Name").fill(" ")
    shop.button("Save").click()
    expect(shop.page.locator(".field-error")).to_have_count(2)


def confirm(shop: Shop) -> None:
    """A dialog."""
    heading(shop.page, "Teapot")
    shop.button("Delete").first.click()
    expect(shop.page.get_by_role("dialog")).to_be_visible()


# By path: the person who opens the page, and its heading or the steps before the check.
PAGES: dict[str, tuple[str | None, str | Callable[[Shop], None]]] = {
    "/products": (None, "Products"),
    "/products?minPrice=0.01&maxPrice=0.02": (None, "Products"),
    "/products/kettle": (None, "Kettle"),
    "/nowhere": (None, "There is no such page"),
    "/users": (None, "Sign in to see this page"),
    "/products/teapot": ("ada", "Teapot"),
    "/todos": ("sue", "Todos"),
    "/account": ("ada", "Account"),
    "/users?username=ada": ("sue", "Users"),
    "/new-product": ("sue", wrong_form),
    "/products/teapot/edit": ("sue", "Edit product"),
    "/products/teapot?": ("sue", confirm),
}


@pytest.mark.parametrize(
    ("path", "held"),
    [
        ("/products", "/products"),
        ("/products/teapot", r"/products/teapot\b"),
        ("/products/teapot", ".*/reviews"),
        ("/products/teapot/edit", "/products/teapot$"),
        ("/todos", "/todos"),
        ("/account", "/users/"),
        ("/users", "/users"),
    ],
)
def test_pages_that_load(shop: Shop, path: str, held: str) -> None:
    """Axe finds nothing while a page waits for the API."""
    waiting: list[Route] = []
    shop.on_api("GET", held, waiting.append)
    shop.open_as("sue", path)
    expect(shop.page.locator(".skeleton").first).to_be_visible()
    assert Axe().run(shop.page, options=RULES).response["violations"] == []
    assert waiting


@pytest.mark.parametrize("path", PAGES)
def test_pages(browser: Browser, shop_url: str, local: Local, path: str) -> None:
    """Axe finds nothing, nothing is wider than the window, and the console is empty."""
    context = browser.new_context(reduced_motion="reduce")
    shop = Shop(context.new_page(), shop_url, local)
    person, expected = PAGES[path]
    page = shop.open_as(person, path.rstrip("?")) if person else shop.open(path)
    if callable(expected):
        expected(shop)
    else:
        heading(page, expected)

    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            violations = Axe().run(page, options=RULES).response["violations"]
            found += [
                (width, scheme, each["id"], each["nodes"][0]["target"], each["nodes"][0]["html"])
                for each in violations
            ]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert found == []
    # A refused request is a message of the browser's own.
    assert [each for each in shop.messages if "the server responded with" not in each] == []
    context.close()
