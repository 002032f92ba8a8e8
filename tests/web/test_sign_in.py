"""Signing in and out: code with PKCE, tokens in memory alone."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import BrowserContext, Route, expect

from infra.web.config import Config
from tests.conftest import Local
from tests.web.conftest import PEOPLE, Shop
from tests.web.hosting import hosted

STORED = """async () => JSON.stringify([
  {...localStorage}, {...sessionStorage}, document.cookie,
  await indexedDB.databases(), await caches.keys(),
])"""


def test_back_to_the_same_page(shop: Shop) -> None:
    """The authorization code flow with PKCE (RFC 7636); the code is not left in the address."""
    requests: list[str] = []
    shop.page.on("request", lambda request: requests.append(request.url))
    page = shop.open("/products?sort=price")
    assert not [url for url in requests if "dev-issuer" in url]

    shop.sign_in("ada")

    shop.is_at("/products?sort=price")
    (asked,) = {url for url in requests if "/authorize?" in url and "subject=" not in url}
    sent = {name: value for name, (value, *_) in parse_qs(urlsplit(asked).query).items()}
    assert (sent["response_type"], sent["code_challenge_method"]) == ("code", "S256")
    assert sent["redirect_uri"] == f"{shop.url}/"
    for link in ("Products", "Todos", "Account"):
        expect(page.get_by_role("link", name=link)).to_be_visible()
    assert shop.messages == []


def test_no_token_in_any_storage(shop: Shop, context: BrowserContext) -> None:
    """Neither in storage, nor in a cookie of the shop, nor in the history."""
    tokens: list[str] = []

    def keep(response: Any) -> None:
        if response.url.endswith("/token") and response.request.method == "POST":
            granted = response.json()
            tokens.extend(granted[name] for name in granted if name.endswith("_token"))

    shop.page.on("response", keep)
    page = shop.open_as("sue", "/products/teapot")

    stored = page.evaluate(STORED) + json.dumps(context.storage_state(indexed_db=True))
    assert len(tokens) == 3
    for token in tokens:
        assert token not in stored
        assert token.rpartition(".")[2] not in stored
        assert token not in page.url


def test_reload_signs_in_again_without_a_question(shop: Shop) -> None:
    """The issuer remembers the person; the page is the same."""
    page = shop.open_as("bob", "/account")

    page.reload()

    shop.is_at("/account")
    expect(shop.button("Sign out")).to_be_visible()
    expect(shop.field("Name")).to_have_value("Bob Okonjo")


def test_way_back_after_a_reload(shop: Shop) -> None:
    """The page that has left for the issuer is not in the history."""
    page = shop.open("/products?sort=price")
    shop.open_as("bob", "/products/teapot")

    page.go_back()

    shop.is_at("/robots.txt")
    page.go_back()
    shop.is_at("/products?sort=price")


def test_reload_after_the_issuers_session_has_ended(shop: Shop, context: BrowserContext) -> None:
    """The person is signed out, without an alarm."""
    page = shop.open_as("bob", "/products/teapot")
    context.clear_cookies()

    page.reload()

    expect(shop.button("Sign in")).to_be_visible()
    shop.is_at("/products/teapot")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_new_tab_is_signed_in_without_a_question(shop: Shop) -> None:
    """A product that is opened in a new tab is shown to the person whom the issuer knows."""
    shop.open_as("sue", "/products")
    tab = Shop(shop.page.context.new_page(), shop.url, shop.local)

    tab.open("/products/teapot")

    expect(tab.button("Sign out")).to_be_visible()
    tab.is_at("/products/teapot")
    expect(tab.button("Edit").first).to_be_visible()


def test_browser_whose_issuer_knows_nobody_is_asked_once(
    shop: Shop, context: BrowserContext
) -> None:
    """The second page that is opened does not leave for the issuer."""
    shop.open_as("bob", "/products")
    context.clear_cookies()
    requests: list[str] = []
    tab = Shop(context.new_page(), shop.url, shop.local)
    tab.page.on("request", lambda request: requests.append(request.url))
    tab.open("/products/teapot")
    expect(tab.button("Sign in")).to_be_visible()
    assert [url for url in requests if "prompt=none" in url]
    requests.clear()

    tab.open("/products/teapot")

    expect(tab.page.get_by_role("heading", name="Teapot")).to_be_visible()
    assert not [url for url in requests if "dev-issuer" in url]


def test_reload_after_somebody_else_has_signed_in(shop: Shop) -> None:
    """The page says whose it is now."""
    page = shop.open_as("bob", "/products/teapot")
    expect(page.get_by_role("alert").filter(has_text="Somebody else")).to_have_count(0)
    Shop(page.context.new_page(), shop.url, shop.local).open_as("sue", "/products")

    page.reload()

    shop.says("Somebody else has signed in: you are Sue")
    expect(shop.button("Edit").first).to_be_visible()


def test_sign_out(shop: Shop) -> None:
    """Out here and at the issuer, without a draft: a reload does not sign in again."""
    page = shop.open_as("sue", "/new-product")
    shop.field("Name").fill("A secret product")
    assert "A secret product" in page.evaluate(STORED)

    shop.button("Sign out").click()
    expect(shop.button("Sign in")).to_be_visible()
    assert "A secret product" not in page.evaluate(STORED)
    page.reload()

    expect(shop.button("Sign in")).to_be_visible()
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0
    page = shop.open("/users")
    expect(page.get_by_role("heading", name="Sign in to see this page")).to_be_visible()


def test_sign_in_that_is_denied(shop: Shop) -> None:
    """The issuer's reason is shown, on the page where the person was."""

    def deny(route: Any) -> None:
        state = parse_qs(urlsplit(route.request.url).query)["state"][0]
        reason = "error=access_denied&error_description=The+door+is+closed"
        headers = {"Location": f"{shop.url}/?{reason}&state={state}"}
        route.fulfill(status=302, headers=headers)

    shop.page.route("**/dev-issuer/authorize?**", deny)
    page = shop.open("/products/teapot")

    shop.button("Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text(["You are not signed in: The door is closed"])
    shop.is_at("/products/teapot")


def test_code_that_nobody_asked_for(shop: Shop) -> None:
    """A link with somebody else's code signs nobody in."""
    shop.open("/?code=abc&state=forged")

    shop.says("You are not signed in: the sign-in did not end here. Sign in again.")
    expect(shop.button("Sign in")).to_be_visible()
    shop.is_at("/products")


def test_issuer_that_cannot_be_reached(shop: Shop) -> None:
    """A sentence; the shop goes on."""
    shop.page.route("**/dev-issuer/**", lambda route: route.abort())
    page = shop.open("/products/teapot")

    shop.button("Sign in").click()

    shop.says("The sign-in page does not respond")
    expect(page.get_by_role("heading", name="Teapot")).to_be_visible()


def test_issuer_that_cannot_be_reached_while_files_are_loaded(shop: Shop) -> None:
    """They are loaded to their end: the page needs them, and would be loaded again without them."""
    shop.page.route("**/dev-issuer/**", lambda route: route.abort())
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    shop.page.route("**/held.js", hold)
    page = shop.open("/products/teapot")
    expect(page.get_by_role("heading", name="Teapot")).to_be_visible()
    page.evaluate("void import('/held.js').catch(() => { window.hasFailed = true; })")

    shop.button("Sign in").click()

    shop.says("The sign-in page does not respond")
    assert len(held) == 1
    assert page.evaluate("window.hasFailed") is None
    held[0].fulfill(content_type="text/javascript", body="")


def test_pages_for_some(shop: Shop) -> None:
    """The page says what to do, and the sign-in leads to it."""
    for path in ("/todos", "/account", "/new-product", "/products/teapot/edit", "/users"):
        page = shop.open(path)
        expect(page.get_by_role("heading", name="Sign in to see this page")).to_be_visible()

    shop.sign_in("sue")

    shop.is_at("/users")
    expect(page.get_by_role("heading", name="Users")).to_be_visible()


def test_pages_for_staff_are_not_a_customers(shop: Shop) -> None:
    """A page that says so, in place of the controls."""
    for path in ("/users", "/new-product", "/products/teapot/edit"):
        page = shop.open_as("ada", path)
        expect(page.get_by_role("heading", name="This page is for staff")).to_be_visible()
        expect(shop.button("Save")).to_have_count(0)


def test_customer_who_forges_staffs_controls(shop: Shop) -> None:
    """The page believes a changed answer of the API; the API does not."""

    def promote(route: Any) -> None:
        response = route.fetch()
        root = response.json()
        root["caller"]["roles"] = ["staff"]
        route.fulfill(response=response, json=root)

    shop.on_api("GET", "/$", promote)
    page = shop.open_as("ada", "/new-product")
    shop.field("Name").fill("Free tea")
    shop.field("Price").fill("0")

    shop.button("Save").click()

    expect(page.get_by_role("alert").filter(has_text="Only staff may do this.")).to_be_visible()
    page.goto(f"{shop.url}/users")
    expect(page.get_by_role("alert").filter(has_text="Only staff may do this.")).to_be_visible()
    page.goto(f"{shop.url}/products/teapot")
    shop.button("Delete").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert").filter(has_text="Only staff may do this.")).to_be_visible()
    assert shop.api.get("/products/teapot").status == 200


def test_open_api_has_no_sign_in(context: BrowserContext, launch: Any, shop_url: str) -> None:
    """With the issuer `none`, everybody is staff."""
    running: Local = launch(OIDC_ISSUER="none")
    running.read_until("ready")
    running.forget()
    api = f"http://127.0.0.1:{running.port}"
    with hosted(Config(api, None, currency="USD"), [api]) as url:
        shop = Shop(context.new_page(), url, running)
        page = shop.open()

        expect(shop.button("Add product")).to_be_visible()
        expect(page.get_by_text("$34.50")).to_be_visible()
        expect(shop.button("Sign in")).to_have_count(0)
        assert shop.messages == []


def test_people_are_those_of_the_issuer(shop: Shop) -> None:
    """One click as each of the sample people."""
    page = shop.open()
    shop.button("Sign in").click()

    expect(page.get_by_role("button")).to_have_text(list(PEOPLE.values()))
