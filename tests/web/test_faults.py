"""Outages: what waits is shown, and goes on; what fails says what to do."""

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.processes import eventually
from tests.samples import unique
from tests.web.api_responses import SENTENCE, ErrorResponse
from tests.web.conftest import Shop

PRODUCT = "/products/teapot"


def bar(page: Page) -> Any:
    """The bar that shows that a request waits."""
    return page.get_by_role("status").filter(has=page.get_by_role("button", name="Try now"))


def wait_for_a_try(page: Page, trouble: ErrorResponse) -> None:
    """Let time pass until the request is sent once more."""
    count = len(trouble.requests)

    def is_sent() -> bool:
        page.clock.run_for(500)
        return len(trouble.requests) > count

    eventually(is_sent)
    assert len(trouble.requests) == count + 1


def test_retry_after(shop: Shop) -> None:
    """The request is sent again after as many seconds as the API asks for, and not before."""
    shop.page.clock.install()
    trouble = ErrorResponse(503, Retry_After="20")
    shop.on_api("GET", f"{PRODUCT}$", trouble)
    page = shop.open(PRODUCT)

    expect(bar(page)).to_contain_text("The shop is busy.")
    page.clock.run_for(19_000)
    expect(bar(page)).to_contain_text("Trying again in 1 s.")
    assert len(trouble.requests) == 1
    page.clock.run_for(1_100)
    expect(page.get_by_role("heading", name="Teapot")).to_be_visible()
    expect(bar(page)).to_have_count(0)
    assert len(trouble.requests) == 2


def test_bar_leaves_the_menu_free(shop: Shop) -> None:
    """A person can go to another page while a request waits."""
    shop.on_api("GET", f"{PRODUCT}$", ErrorResponse(503, Retry_After="50"))
    page = shop.open(PRODUCT)
    expect(bar(page)).to_be_visible()
    header = page.get_by_role("banner").bounding_box()
    box = bar(page).bounding_box()

    assert header
    assert box
    assert box["y"] > header["y"] + header["height"]


def test_try_now(shop: Shop) -> None:
    """Nobody has to wait, also after a 429."""
    trouble = ErrorResponse(429, Retry_After="50")
    shop.on_api("GET", f"{PRODUCT}$", trouble)
    page = shop.open(PRODUCT)

    shop.button("Try now").click()

    expect(page.get_by_role("heading", name="Teapot")).to_be_visible()
    expect(bar(page)).to_have_count(0)
    # The button has gone.
    expect(page.get_by_role("main")).to_be_focused()


def test_api_that_does_not_answer(shop: Shop) -> None:
    """Backoff without Retry-After; after six tries a sentence, and a button."""
    shop.page.clock.install()
    trouble = ErrorResponse(times=99)
    shop.on_api("GET", f"{PRODUCT}$", trouble)
    page = shop.open(PRODUCT)

    for _ in range(5):
        expect(bar(page)).to_contain_text("The shop does not answer.")
        wait_for_a_try(page, trouble)
    shop.says("The shop did not answer. Check your connection, and try again.")
    expect(bar(page)).to_have_count(0)
    trouble.left = 0
    shop.button("Try now").click()
    expect(page.get_by_role("heading", name="Teapot")).to_be_visible()


def test_offline(shop: Shop, context: BrowserContext) -> None:
    """A write waits, and is sent once the browser is online."""
    name = f"Cup {unique()}"
    page = shop.open_as("sue", "/new-product")
    shop.field("Name").fill(name)
    shop.field("Price").fill("5")
    context.set_offline(True)

    shop.button("Save").click()
    expect(bar(page)).to_contain_text("You are offline.")
    expect(shop.field("Name")).to_have_value(name)
    context.set_offline(False)

    shop.says(f"{name} is in the shop.")
    expect(bar(page)).to_have_count(0)


def test_problem_has_the_request_id(shop: Shop) -> None:
    """It is not repeated by itself; the number is there to be reported."""
    trouble = ErrorResponse(500)
    shop.on_api("GET", f"{PRODUCT}$", trouble)
    page = shop.open(PRODUCT)

    problem = page.get_by_role("alert").filter(has_text=SENTENCE)
    expect(problem).to_contain_text("send the shop this request id: request-1")
    assert len(trouble.requests) == 1


def test_answer_that_is_no_problem_document(shop: Shop) -> None:
    """HTML of a gateway in between."""
    cors = {"Access-Control-Allow-Origin": "*"}
    shop.on_api(
        "GET",
        f"{PRODUCT}$",
        lambda route: route.fulfill(status=500, body="<html>Oops</html>", headers=cors),
    )
    shop.open(PRODUCT)

    shop.says("The shop answered with the status 500. Try again in a moment.")


def test_post_without_an_answer_shows_the_draft(shop: Shop) -> None:
    """After the last try, the form is as it was, with its key for the next click."""
    page = shop.open_as("sue", "/new-product")
    page.clock.install()
    creates = ErrorResponse(503, times=6)
    shop.on_api("POST", "/products$", creates)
    name = f"Cup {unique()}"
    shop.field("Name").fill(name)
    shop.field("Price").fill("5")
    shop.button("Save").click()
    for _ in range(5):
        expect(bar(page)).to_contain_text("The shop is busy.")
        wait_for_a_try(page, creates)
    expect(page.get_by_role("alert").filter(has_text=SENTENCE)).to_be_visible()

    shop.button("Save").click()

    shop.says(f"{name} is in the shop.")
    assert len(set(creates.header("idempotency-key"))) == 1


@pytest.mark.parametrize("times", [1, 99])
def test_lost_chunk(shop: Shop, times: int) -> None:
    """A tab from before a deployment asks for a file that is gone: reloaded once, and no more."""
    page = shop.open("/products")
    # The list loads the page of a product in advance.
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    loads: list[str] = []

    def lose(route: Any) -> None:
        asked.append(route.request.url)
        if route.request.url == asked[0] and asked.count(asked[0]) <= times:
            route.fulfill(status=404, body="Not found")
        else:
            route.continue_()

    # The page for those who are signed out is a file of its own.
    page.route(re.compile(r"/chunk-[\w-]+\.js"), lose)
    page.on("load", lambda opened: loads.append(opened.url))

    page.evaluate("history.pushState(null, '', '/todos')")
    page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")

    if times == 1:
        expect(page.get_by_role("heading", name="Sign in to see this page")).to_be_visible()
        shop.is_at("/todos")
    else:
        shop.says("This page cannot be loaded.")
    assert len(loads) == 1


def test_page_that_cannot_be_loaded_offline(shop: Shop, context: BrowserContext) -> None:
    """The page that is there stays, which a reload would lose; back online, the next click works.

    Chromium remembers that a module could not be loaded: then the page is loaded again.
    """
    page = shop.open("/products")
    expect(page.get_by_role("main").get_by_role("listitem").first).to_be_visible()
    page.evaluate("window.isSame = true")
    context.set_offline(True)
    go = """path => {
      history.pushState(null, '', path);
      dispatchEvent(new PopStateEvent('popstate'));
    }"""

    page.evaluate(go, "/todos")
    shop.says("This page cannot be loaded.")
    assert page.evaluate("window.isSame")
    context.set_offline(False)
    page.evaluate(go, "/users")

    expect(page.get_by_role("heading", name="Sign in to see this page")).to_be_visible()


def test_config_that_is_missing(shop: Shop) -> None:
    """A sentence in place of an empty page."""
    shop.page.route("**/config.json", lambda route: route.fulfill(status=404, body=""))
    page = shop.open()

    expect(page.get_by_text("The shop cannot be loaded.")).to_be_visible()
