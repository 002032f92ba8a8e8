"""The shop in Chromium: a build on one origin, the API of a live `make run` on another."""

import re
from collections.abc import Callable, Iterator
from time import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    expect,
    sync_playwright,
)

from infra.docs.screenshot import launch_options
from infra.local.issuer import COOKIE, PATH
from infra.web.build import DIST
from infra.web.config import Config
from tests.client import Client
from tests.conftest import Local
from tests.samples import unique
from tests.web.hosting import hosted

PEOPLE = {"sue": "Sue (staff)", "ada": "Ada (customer)", "bob": "Bob (customer)"}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(**launch_options())
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def shop_url(local: Local) -> Iterator[str]:
    """The URL of the shop, for the API of a `make run`, with its sign-in."""
    if not (DIST / "index.html").exists():
        pytest.fail("web/dist is missing: make web-build builds the shop.")
    api = f"http://127.0.0.1:{local.port}"
    with hosted(Config(api, f"{api}/dev-issuer"), [api]) as url:
        yield url


class Shop:
    """The shop in one tab, and the API behind it."""

    def __init__(self, page: Page, url: str, local: Local) -> None:
        self.page = page
        self.url = url
        self.local = local
        self.api_url = f"http://127.0.0.1:{local.port}"
        # As sue, who is staff.
        self.api: Client = local.api
        # What the browser reports: errors, warnings and violations of the policy.
        self.messages: list[str] = []
        page.on("console", self._keep)
        page.on("pageerror", lambda error: self.messages.append(str(error)))

    def open(self, path: str = "/products") -> Page:
        """Open a page of the shop."""
        self.page.goto(f"{self.url}{path}")
        return self.page

    @property
    def path(self) -> str:
        """The path and the query of the address."""
        parts = urlsplit(self.page.url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def is_at(self, path: str) -> None:
        """Wait until the address has this path and query."""
        expect(self.page).to_have_url(f"{self.url}{path}")

    def sign_in(self, person: str) -> None:
        """Sign in as one of the development issuer's people, on the page that is open."""
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("button", name=PEOPLE[person]).click()
        expect(self.button("Sign out")).to_be_visible()

    def open_as(self, person: str, path: str) -> Page:
        """Open a page of the shop in a browser where a person has signed in before.

        The issuer remembers the person, so that no page of its is shown.
        """
        self.page.context.add_cookies(
            [
                {
                    "name": COOKIE,
                    "value": f"{person}.{int(time())}",
                    "domain": "127.0.0.1",
                    "path": PATH,
                }
            ]
        )
        self.open("/robots.txt")
        self.page.evaluate("localStorage.setItem('signed-in', 'yes')")
        self.open(path)
        expect(self.button("Sign out")).to_be_visible()
        self.is_at(path)
        return self.page

    def button(self, name: str) -> Locator:
        """A button by its name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def field(self, label: str) -> Locator:
        """A control by its label."""
        return self.page.get_by_label(label, exact=True)

    def says(self, text: str) -> None:
        """Wait until a live region says something."""
        region = self.page.get_by_role("status").or_(self.page.get_by_role("alert"))
        expect(region.filter(has_text=text).first).to_be_visible()

    def product(self, **fields: Any) -> Any:
        """Create a product, with the API."""
        return self.api.create("/products", {"name": f"Cup {unique()}", "price": 5} | fields)

    def on_api(self, method: str, pattern: str, handler: Callable[..., Any]) -> None:
        """Intercept requests of the page to paths of the API that match a regular expression.

        The method may be empty, for all of them except preflight requests.
        """

        def handle(route: Any) -> None:
            asked = route.request.method
            if asked == method or (not method and asked != "OPTIONS"):
                handler(route)
            else:
                route.fallback()

        self.page.route(re.compile(re.escape(self.api_url) + pattern), handle)

    def _keep(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.messages.append(message.text)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of this test's own."""
    # Animations cost more than all the rest of a test.
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


@pytest.fixture
def shop(context: BrowserContext, shop_url: str, local: Local) -> Shop:
    """The shop in a new tab, signed out."""
    return Shop(context.new_page(), shop_url, local)
