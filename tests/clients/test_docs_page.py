"""The docs page in a browser: it works, loads nothing from elsewhere, and can be used by all."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect, sync_playwright

from infra.docs.screenshot import open_browser
from tests.client import Client
from tests.samples import unique


@pytest.fixture(scope="module")
def page(live: Client) -> Iterator[Page]:
    """A page of a headless browser."""
    with sync_playwright() as playwright, open_browser(playwright) as browser:
        yield browser.new_page()


def visited(page: Page, live: Client) -> dict[str, list[str]]:
    """Open the page and wait until it shows the API. Returns what went on meanwhile."""
    output: dict[str, list[str]] = {"errors": [], "hosts": []}
    page.on("console", lambda said: output["errors"].extend([said.text] * (said.type == "error")))
    page.on("pageerror", lambda error: output["errors"].append(str(error)))
    page.on("request", lambda request: output["hosts"].append(request.url))
    deployment: Any = live.deployment
    page.goto(f"http://{deployment.netloc}/docs")
    expect(page.get_by_text("Create a product", exact=True)).to_be_visible()
    return output


def test_page_has_no_console_errors_or_foreign_requests(page: Page, live: Client) -> None:
    """No error in the console, and every request goes to the API's own host."""
    output = visited(page, live)

    assert output["errors"] == []
    deployment: Any = live.deployment
    own = (f"http://{deployment.netloc}/", "data:", "blob:")
    assert [url for url in output["hosts"] if not url.startswith(own)] == []


def open_dialog(page: Page) -> Locator:
    """Open the dialog "Authorize". Returns its part for the authorization code with PKCE."""
    page.locator(".auth-wrapper > .authorize").click()
    return page.locator(".auth-container", has_text="authorization_code").first


def sign_in(page: Page, person: str) -> None:
    """Sign in as one of the development issuer's people, in the window that it opens."""
    dialog = open_dialog(page)
    with page.expect_popup() as popup:
        dialog.get_by_role("button", name="Apply").click()
    popup.value.get_by_role("button", name=person).click()
    expect(dialog.get_by_role("button", name="Remove authorization")).to_be_visible()
    page.get_by_role("button", name="Close").first.click()


def sign_out(page: Page) -> None:
    """Forget the token."""
    open_dialog(page).get_by_role("button", name="Remove authorization").click()
    page.get_by_role("button", name="Close").first.click()


def execute(page: Page, name: str, body: str) -> Locator:
    """Send a request with «Try it out». Returns the element with its status."""
    operation = page.locator(f"#operations-{name}")
    if not operation.locator(".opblock-body").is_visible():
        operation.locator("button.opblock-summary-control").click()
        operation.get_by_role("button", name="Try it out").click()
    operation.locator("textarea.body-param__text").fill(body)
    operation.get_by_role("button", name="Execute").click()
    return operation.locator(".live-responses-table tr.response .response-col_status")


def test_sign_in_create_be_refused_and_sign_out(page: Page, live: Client) -> None:
    """Staff create a product; a customer, and nobody, may not."""
    output = visited(page, live)
    name = "products-createProduct"
    body = f'{{"id": "{unique()}", "name": "Teapot", "price": 34.5}}'

    expect(execute(page, name, body)).to_contain_text("401")
    sign_in(page, "Sue (staff)")
    expect(execute(page, name, body)).to_contain_text("201")
    sign_out(page)
    expect(execute(page, name, body)).to_contain_text("401")
    sign_in(page, "Ada (customer)")
    expect(execute(page, name, body)).to_contain_text("403")
    # The browser itself reports the refused requests.
    assert [each for each in output["errors"] if "the server responded with" not in each] == []


def test_try_it_out_with_a_pasted_token(page: Page, live: Client) -> None:
    """«Try it out» creates the example's product, which a GET then finds."""
    visited(page, live)
    page.locator(".auth-wrapper > .authorize").click()
    dialog = page.locator(".auth-container", has_text="accessToken")
    dialog.locator("input").fill((live.authorization or "").removeprefix("Bearer "))
    dialog.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").first.click()
    operation = page.locator("#operations-products-createProduct")
    operation.locator("button.opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    body = operation.locator("textarea.body-param__text")
    body.fill('{"id": "from-the-page", "name": "Teapot", "price": 34.5}')

    operation.get_by_role("button", name="Execute").click()

    response = operation.locator(".live-responses-table tr.response .response-col_status")
    expect(response).to_contain_text("201")
    assert live.get("/products/from-the-page").json["name"] == "Teapot"


@pytest.mark.parametrize("opened", [False, True])
def test_page_has_no_accessibility_violation(page: Page, live: Client, opened: bool) -> None:
    """axe-core finds nothing serious or critical (https://dequeuniversity.com/rules/axe/)."""
    visited(page, live)
    if opened:
        operation = page.locator("#operations-products-createProduct")
        operation.locator("button.opblock-summary-control").click()
        expect(operation.get_by_role("button", name="Try it out")).to_be_visible()

    violations = Axe().run(page).response["violations"]

    assert [
        (each["id"], [node["target"] for node in each["nodes"]][:3])
        for each in violations
        if each["impact"] in {"serious", "critical"}
    ] == []
