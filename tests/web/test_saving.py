"""What happens to a form, and around it, while a save waits for its answer."""

import re
from typing import Any

from playwright.sync_api import BrowserContext, expect

from tests.samples import unique
from tests.web.answers import Trouble
from tests.web.conftest import Shop


class Held:
    """A handler that keeps requests until they are released."""

    def __init__(self) -> None:
        self.routes: list[Any] = []

    def __call__(self, route: Any) -> None:
        """Keep a request."""
        self.routes.append(route)

    def release(self, status: int | None = None) -> None:
        """Send the requests on, or answer them with an error."""
        for route in self.routes:
            if status is None:
                route.continue_()
            else:
                Trouble(status)(route)


def save_product(shop: Shop, name: str) -> Held:
    """Press Save for a new product, and hold the request."""
    held = Held()
    shop.on_api("POST", "/products$", held)
    page = shop.open_as("sue", "/new-product")
    shop.field("Name").fill(name)
    shop.field("Price").fill("5")
    with page.expect_request(lambda request: request.method == "POST"):
        shop.button("Save").click()
    return held


def test_text_is_not_typed_into_a_form_that_is_sent(shop: Shop) -> None:
    """It would not be saved. The fields are read-only, and the focus stays where it is."""
    name = f"Cup {unique()}"
    held = save_product(shop, name)
    expect(shop.field("Description")).not_to_be_editable()
    expect(shop.button("Save")).to_be_focused()
    shop.field("Description").press_sequentially("too late")
    expect(shop.field("Description")).to_have_value("")

    held.release(500)

    expect(shop.field("Description")).to_be_editable()
    expect(shop.field("Name")).to_have_value(name)


def test_rating_is_not_chosen_during_a_save(shop: Shop) -> None:
    """HTML has no read-only select."""
    held = Held()
    shop.on_api("POST", "/reviews$", held)
    page = shop.open_as("ada", f"/products/{shop.product()['id']}")
    shop.field("Review").fill("Good")
    with page.expect_request(lambda request: request.method == "POST"):
        shop.button("Save").click()

    rating = page.locator("select")
    assert rating.evaluate("select => { select.focus(); return select.inert }")
    expect(rating).not_to_be_focused()
    held.release()
    shop.says("Thank you")
    expect(page.locator("select[inert]")).to_have_count(0)


def test_saved_after_the_person_has_left(shop: Shop) -> None:
    """It is said, and the person stays where they are."""
    name = f"Cup {unique()}"
    held = save_product(shop, name)
    shop.page.get_by_role("link", name="Todos").click()
    expect(shop.page.get_by_role("heading", name="Pending")).to_be_visible()

    held.release()

    shop.says(f"{name} is in the shop.")
    shop.is_at("/todos")


def test_not_saved_after_the_person_has_left(shop: Shop) -> None:
    """It is said, and the draft is kept."""
    name = f"Cup {unique()}"
    held = save_product(shop, name)
    shop.page.get_by_role("link", name="Todos").click()
    expect(shop.page.get_by_role("heading", name="Pending")).to_be_visible()

    held.release(500)

    shop.says("Not saved:")
    shop.page.get_by_role("link", name="Products").click()
    shop.button("Add product").click()
    expect(shop.field("Name")).to_have_value(name)


def test_same_sentence_twice(shop: Shop) -> None:
    """A live region is read again only if its content is another element."""
    page = shop.open_as("ada", "/todos")
    said = page.get_by_role("status").locator("span", has_text="“Dust” is on the board.")
    for _ in range(2):
        before = said.element_handle() if said.count() else None
        shop.field("Task").fill("Dust")
        shop.button("Save").click()
        expect(shop.field("Task")).to_have_value("")
        expect(said).to_be_visible()
        if before:
            before.wait_for_element_state("hidden")


def test_task_that_is_not_added(shop: Shop) -> None:
    """Cancel forgets what was typed, also after a reload."""
    page = shop.open_as("ada", "/todos")
    shop.field("Task").fill("Dust")

    shop.button("Cancel").click()

    expect(shop.field("Task")).to_have_value("")
    expect(shop.field("Task")).to_be_focused()
    expect(shop.button("Cancel")).to_have_count(0)
    page.reload()
    expect(shop.field("Task")).to_have_value("")


def test_page_from_the_back_forward_cache(shop: Shop) -> None:
    """It is loaded again: it may show what a person saw who has signed out since."""
    page = shop.open_as("bob", "/account")
    expect(shop.field("Name")).to_have_value("Bob Okonjo")
    page.context.clear_cookies()

    with page.expect_navigation():
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")

    expect(page.get_by_role("heading", name="Who is there?")).to_be_visible()


def test_reviews_that_were_not_loaded(shop: Shop, context: BrowserContext) -> None:
    """The file of the reviews comes after the product: offline it is waited for."""
    name = shop.product()["name"]
    page = shop.open("/products")
    expect(page.get_by_role("link", name=name)).to_be_visible()
    files = {link.get_attribute("href") for link in page.locator("[rel=modulepreload]").all()}

    def lose(route: Any) -> None:
        if route.request.url.rpartition("/")[2] in files:
            route.continue_()
        else:
            context.set_offline(True)
            route.abort()

    page.route(re.compile(r"/chunk-[\w-]+\.js"), lose, times=1)
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    context.set_offline(False)

    expect(page.get_by_text("Nobody has written about it yet.")).to_be_visible()
