"""What happens to a form, and around it, while a save waits for its answer."""

import re
from typing import Any

from playwright.sync_api import BrowserContext, expect

from tests.samples import unique
from tests.web.api_responses import ErrorResponse
from tests.web.conftest import Shop

SAY_WHAT_MAIN_SHOWS = """() => {
  const main = document.querySelector('main');
  const say = () => console.info(main.innerText);
  new MutationObserver(say).observe(main, { childList: true, subtree: true });
}"""


class HeldRequests:
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
                ErrorResponse(status)(route)


def save_product(shop: Shop, name: str) -> HeldRequests:
    """Press Save for a new product, and hold the request."""
    held = HeldRequests()
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
    held = HeldRequests()
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
    output = page.get_by_role("status").locator("span", has_text="“Dust” is on the board.")
    for _ in range(2):
        before = output.element_handle() if output.count() else None
        shop.field("Task").fill("Dust")
        shop.button("Save").click()
        expect(shop.field("Task")).to_have_value("")
        expect(output).to_be_visible()
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

    expect(page.get_by_role("heading", name="Sign in to see this page")).to_be_visible()


def test_reviews_that_were_not_loaded(shop: Shop, context: BrowserContext) -> None:
    """The file of the reviews comes after the product: offline it is waited for."""
    name = shop.product()["name"]
    page = shop.open("/products")
    expect(page.get_by_role("link", name=name)).to_be_visible()

    lost: list[str] = []

    def lose(route: Any) -> None:
        response = route.fetch()
        if "reviews-heading" in response.text() and not lost:
            lost.append(route.request.url)
            context.set_offline(True)
            route.abort()
        else:
            route.fulfill(response=response)

    page.route(re.compile(r"/chunk-[\w-]+\.js"), lose)
    with page.expect_event("requestfailed"):
        page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    context.set_offline(False)

    expect(page.get_by_text("No reviews yet.")).to_be_visible()


def test_todo_is_shown_although_its_form_has_gone(shop: Shop) -> None:
    """The person edits another task while a new one is sent."""
    held = HeldRequests()
    shop.on_api("POST", "/todos$", held)
    other, task = f"Dust {unique()}", f"Sweep {unique()}"
    shop.api.signed_in(shop.local.header("ada")).create("/todos", {"task": other})
    page = shop.open_as("ada", "/todos")
    cards = page.get_by_role("listitem")
    shop.field("Task").fill(task)
    with page.expect_request(lambda request: request.method == "POST"):
        shop.button("Save").click()
    expect(shop.button("Cancel")).to_have_count(0)
    cards.filter(has_text=other).get_by_role("button", name="Edit").click()
    expect(shop.field("Task")).to_have_value(other)
    shop.field("Task").fill("Something else")

    held.release()

    shop.says(f"“{task}” is on the board.")
    expect(cards.filter(has_text=task)).to_be_visible()
    expect(shop.field("Task")).to_have_value("Something else")


def test_review_is_shown_although_its_form_has_gone(shop: Shop) -> None:
    """The person edits an older review while a new one is sent."""
    held = HeldRequests()
    shop.on_api("POST", "/reviews$", held)
    product = shop.product()
    ada = shop.api.signed_in(shop.local.header("ada"))
    ada.create("/reviews", {"review": "Older", "productId": product["id"]})
    page = shop.open_as("ada", f"/products/{product['id']}")
    articles = page.get_by_role("article")
    shop.field("Review").fill("Newer")
    with page.expect_request(lambda request: request.method == "POST"):
        shop.button("Save").click()
    articles.filter(has_text="Older").get_by_role("button", name="Edit").click()
    expect(shop.field("Review")).to_have_value("Older")

    held.release()

    shop.says("Thank you: your review is here.")
    newer = articles.filter(has_text="Newer")
    expect(newer.get_by_role("button", name="Delete")).to_be_visible()
    expect(shop.field("Review")).to_have_value("Older")


def test_delete_that_is_answered_after_the_person_has_left(shop: Shop) -> None:
    """Done or not, the person stays where they are, and reads about it."""
    for status, sentence in ((None, "is deleted."), (500, "Not done:")):
        held = HeldRequests()
        shop.page.unroute_all()
        shop.on_api("DELETE", "/products/", held)
        product = shop.product()
        page = shop.open_as("sue", f"/products/{product['id']}")
        shop.button("Delete").click()
        with page.expect_request(lambda request: request.method == "DELETE"):
            page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        page.get_by_role("link", name="Todos").click()
        expect(page.get_by_role("heading", name="Pending")).to_be_visible()

        held.release(status)

        shop.says(sentence)
        shop.is_at("/todos")


def test_dialog_ends_with_its_page(shop: Shop) -> None:
    """Back answers as Cancel does; a double click opens one dialog."""
    product = shop.product()
    page = shop.open_as("sue", "/products")
    page.get_by_role("link", name=product["name"]).click()
    shop.button("Delete").dblclick()
    expect(page.get_by_role("dialog")).to_have_count(1)

    page.go_back()

    shop.is_at("/products")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert shop.api.get(f"/products/{product['id']}").status == 200


def test_more_of_a_list_that_has_begun_again(shop: Shop) -> None:
    """A page of the list before is neither shown nor waited for."""
    for _ in range(26):
        shop.product()
    held = HeldRequests()
    shop.on_api("GET", r"/products\?.*cursor=", held)
    page = shop.open("/products")
    with page.expect_request(lambda request: "cursor=" in request.url):
        shop.button("More").click()
    expect(shop.button("More")).to_have_attribute("aria-busy", "true")

    page.get_by_label("Sort by").select_option("Cheapest first")

    shop.is_at("/products?sort=price")
    expect(shop.button("More")).not_to_have_attribute("aria-busy", "true")
    held.release(500)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("alert").filter(has_text=re.compile("."))).to_have_count(0)


def test_sign_out_in_another_tab(shop: Shop, context: BrowserContext) -> None:
    """Both tabs are signed out, and no page of the person stays."""
    # Before somebody signs in: a later tab would be the person's.
    guest = context.new_page()
    guest.goto(f"{shop.url}/products?sort=price")
    guest.evaluate("window.isSame = true")
    other = Shop(context.new_page(), shop.url, shop.local)
    other.open_as("bob", "/account")
    shop.open_as("bob", "/account")
    # The issuer's logout takes its time. Locators would wait for it: the page says what it shows.
    held = HeldRequests()
    shop.page.route("**/dev-issuer/logout*", held)
    shop.page.evaluate(SAY_WHAT_MAIN_SHOWS)
    with shop.page.expect_console_message(lambda message: message.text == "Signing out …"):
        shop.button("Sign out").dispatch_event("click")

    expect(other.button("Sign in")).to_be_visible()
    # Nobody was signed in there: the page is not loaded again.
    assert guest.evaluate("window.isSame")
    held.release()
    expect(shop.button("Sign in")).to_be_visible()
