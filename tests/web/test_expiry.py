"""Access tokens that expire: renewed without a word, or signed in again without losing a form."""

from typing import Any

import pytest
from playwright.sync_api import expect

from infra.local.issuer import KEY_FILE, PATH, PEOPLE, Issuer
from tests.processes import eventually
from tests.samples import unique
from tests.web.api_responses import CORS, ErrorResponse
from tests.web.conftest import Shop

# The API accepts a token for another minute after its expiry.
LEEWAY = 60


class Grants:
    """What the issuer grants to the page, with tokens of another lifetime."""

    def __init__(self, shop: Shop) -> None:
        self.issuer = Issuer(f"{shop.api_url}{PATH}", shop.local.folder / KEY_FILE)
        self.api = shop.api
        # Of the next access tokens; None leaves them as they are.
        self.seconds: int | None = None
        self.has_refresh_token = True
        self.types: list[str] = []
        self.token = ""
        shop.page.route(f"**{PATH}/token", self._grant)

    def _grant(self, route: Any) -> None:
        self.types.append("refresh" if "refresh_token=" in route.request.post_data else "code")
        response = route.fetch()
        granted = response.json()
        if self.seconds is not None:
            _, roles = PEOPLE["sue"]
            token = self.issuer.access_token("sue", "web", roles, self.seconds)
            granted["access_token"] = token
        if not self.has_refresh_token:
            del granted["refresh_token"]
        self.token = granted["access_token"]
        route.fulfill(response=response, json=granted)

    def wait_for_expiry(self) -> None:
        """Wait until the API refuses the last token."""
        caller = self.api.signed_in(f"Bearer {self.token}")
        eventually(lambda: caller.get("/todos").status == 401)


@pytest.fixture
def grants(shop: Shop) -> Grants:
    """The grants of the shop's issuer."""
    return Grants(shop)


def test_concurrent_401s_share_one_renewal(shop: Shop, grants: Grants) -> None:
    """Nobody sees that the token has expired, and a refresh token is used once."""
    grants.seconds = -LEEWAY + 6
    page = shop.open_as("sue", "/account")
    grants.wait_for_expiry()
    grants.seconds = None
    refused: list[str] = []
    page.on("response", lambda answer: refused.extend([answer.url] * (answer.status == 401)))

    # The account, the todos and the reviews, at once.
    with page.expect_download():
        shop.button("Download my data").click()

    assert len(refused) == 3
    assert grants.types == ["code", "refresh"]
    expect(shop.button("Sign out")).to_be_visible()


def test_write_is_renewed(shop: Shop, grants: Grants) -> None:
    """A token expires while a form is open: saved at the first click."""
    grants.seconds = -LEEWAY + 6
    shop.open_as("sue", "/new-product")
    name = f"Cup {unique()}"
    shop.field("Name").fill(name)
    shop.field("Price").fill("5")
    grants.wait_for_expiry()
    grants.seconds = None

    shop.button("Save").click()

    shop.says(f"{name} is in the shop.")
    assert grants.types == ["code", "refresh"]


def test_expiry_with_a_half_filled_form(shop: Shop, grants: Grants) -> None:
    """No renewal is possible: the person signs in again, and the form is as it was."""
    grants.seconds, grants.has_refresh_token = -LEEWAY + 6, False
    page = shop.open_as("sue", "/new-product")
    creates = ErrorResponse(times=0)
    shop.on_api("POST", "/products$", creates)
    name = f"Cup {unique()}"
    shop.field("Name").fill(name)
    shop.field("Price").fill("12,50")
    shop.field("Description").fill("Half of a sentence")
    grants.wait_for_expiry()
    grants.seconds = None

    shop.button("Save").click()
    page.get_by_role("button", name="Sue").click()

    shop.is_at("/new-product")
    expect(shop.field("Name")).to_have_value(name)
    expect(shop.field("Price")).to_have_value("12,50")
    expect(shop.field("Description")).to_have_value("Half of a sentence")
    shop.button("Save").click()
    shop.says(f"{name} is in the shop.")
    assert len(set(creates.header("idempotency-key"))) == 1


def test_expiry_while_browsing(shop: Shop, grants: Grants) -> None:
    """The page goes on without a token, and says that the session has ended."""
    grants.seconds, grants.has_refresh_token = -LEEWAY + 6, False
    page = shop.open_as("sue", "/products/teapot")
    grants.wait_for_expiry()

    page.get_by_role("link", name="Products").click()

    expect(page.get_by_role("main").get_by_role("listitem").first).to_be_visible()
    shop.says("Your session has ended.")
    expect(shop.button("Sign in")).to_be_visible()
    expect(shop.button("Add product")).to_have_count(0)


def test_text_that_is_typed_after_the_session_has_ended(shop: Shop, grants: Grants) -> None:
    """It is kept, for the same person."""
    task = f"Dust {unique()}"
    shop.api.create("/todos", {"task": task})
    grants.seconds, grants.has_refresh_token = -LEEWAY + 6, False
    page = shop.open_as("sue", "/todos")
    grants.wait_for_expiry()
    grants.seconds = None
    card = page.get_by_role("listitem").filter(has_text=task)
    card.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    shop.says("Your session has ended.")

    card.get_by_role("button", name="Edit").click()
    # The form of a new task was there before.
    expect(shop.field("Task")).to_have_value(task)
    shop.field("Task").fill("Typed after it")
    shop.button("Save").click()
    page.get_by_role("button", name="Sue").click()

    expect(shop.button("Sign out")).to_be_visible()
    card.get_by_role("button", name="Edit").click()
    expect(shop.field("Task")).to_have_value("Typed after it")


def test_renewal_that_has_no_answer(shop: Shop, grants: Grants) -> None:
    """The issuer is not there for a moment: the session is not over, and the form is saved."""
    grants.seconds = -LEEWAY + 6
    page = shop.open_as("sue", "/new-product")
    name = f"Cup {unique()}"
    shop.field("Name").fill(name)
    shop.field("Price").fill("5")
    grants.wait_for_expiry()
    grants.seconds = None
    page.route(f"**{PATH}/token", lambda route: route.abort(), times=1)

    shop.button("Save").click()
    shop.says("The shop does not answer.")
    shop.button("Try now").click()

    shop.says(f"{name} is in the shop.")
    expect(shop.button("Sign out")).to_be_visible()


def test_renewal_that_the_issuer_refuses(shop: Shop, grants: Grants) -> None:
    """The session is over: the page goes on without a token."""
    grants.seconds = -LEEWAY + 6
    page = shop.open_as("sue", "/products/teapot")
    grants.wait_for_expiry()
    refusal = {"status": 400, "json": {"error": "invalid_grant"}, "headers": CORS}
    page.route(f"**{PATH}/token", lambda route: route.fulfill(**refusal))

    page.get_by_role("link", name="Products").click()

    expect(page.get_by_role("main").get_by_role("listitem").first).to_be_visible()
    shop.says("Your session has ended.")


def test_token_that_the_api_keeps_refusing(shop: Shop) -> None:
    """Such as after a change of the API's issuer: browsing goes on, and nothing is sent forever."""
    page = shop.open_as("sue", "/account")
    tokens: list[str] = []

    def refuse(route: Any) -> None:
        token = route.request.headers.get("authorization")
        if token is None:
            route.continue_()
            return
        tokens.append(token)
        ErrorResponse(401)(route)

    shop.on_api("GET", "/products", refuse)
    page.get_by_role("link", name="Products").click()

    expect(page.get_by_role("main").get_by_role("listitem").first).to_be_visible()
    shop.says("Your session has ended.")
    assert len(tokens) == 2
