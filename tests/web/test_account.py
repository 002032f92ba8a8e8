"""The caller's own account, and staff's list of users."""

import json
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import expect

from infra.local.issuer import KEY_FILE, PATH, Issuer
from tests.client import Client
from tests.samples import unique
from tests.web.api_responses import ErrorResponse
from tests.web.conftest import Shop


class Newcomer(NamedTuple):
    """A person whom the shop does not know: the subject, and the API for them."""

    subject: str
    api: Client


@pytest.fixture
def newcomer(shop: Shop) -> Newcomer:
    """A newcomer, who is signed in in place of Bob."""
    return newcomer_with(shop, [])


def newcomer_with(shop: Shop, roles: list[str]) -> Newcomer:
    """A newcomer with roles, who is signed in in place of Bob."""
    subject = f"new-{unique()}"
    issuer = Issuer(f"{shop.api_url}{PATH}", shop.local.folder / KEY_FILE)
    token = issuer.access_token(subject, "web", roles)

    def grant(route: Any) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=response.json() | {"access_token": token})

    shop.page.route(f"**{PATH}/token", grant)
    return Newcomer(subject, shop.api.signed_in(f"Bearer {token}"))


def test_new_account_changed_downloaded_and_deleted(shop: Shop, newcomer: Newcomer) -> None:
    """From the first visit to the last."""
    name = unique()
    page = shop.open_as("bob", "/account")
    expect(page.get_by_text("Welcome!")).to_be_visible()
    shop.field("Name").fill("Noor")
    shop.field("Username").fill("ada")
    shop.field("Email").fill(f"{name}@shop.example")
    shop.button("Save").click()
    # A unique field: the API names it.
    expect(shop.field("Username")).to_be_focused()
    expect(shop.field("Username")).to_have_attribute("aria-invalid", "true")
    shop.field("Username").fill(name)
    shop.button("Save").click()
    shop.says("Your account is saved.")
    expect(shop.button("Save")).to_be_focused()
    path = f"/users/{newcomer.subject}"
    stored = newcomer.api.get(path).json
    assert (stored["name"], stored["username"]) == ("Noor", name)

    page.reload()
    expect(shop.field("Name")).to_have_value("Noor")
    shop.field("Email").fill("")
    shop.button("Save").click()
    shop.says("Your account is saved.")
    assert "email" not in newcomer.api.get(path).json

    todo = newcomer.api.create("/todos", {"task": "Pack"})
    review = newcomer.api.create("/reviews", {"review": "Good", "productId": "teapot"})
    with page.expect_download() as download:
        shop.button("Download my data").click()
    data = json.loads(download.value.path().read_text())
    assert data == {"user": newcomer.api.get(path).json, "todos": [todo], "reviews": [review]}

    # Another tab has changed both since: all of it goes, because the person wants it.
    newcomer.api.patch(path, {"name": "Noor B."})
    newcomer.api.patch(f"/todos/{todo['id']}", {"status": "done"})
    shop.button("Delete my account").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your reviews stay")
    dialog.get_by_role("button", name="Delete my account").click()
    expect(shop.button("Sign in")).to_be_visible()
    assert newcomer.api.get(path).status == 404
    assert newcomer.api.get("/todos").json["items"] == []
    assert newcomer.api.get(f"/reviews/{review['id']}").status == 200


def test_new_account_of_staff(shop: Shop) -> None:
    """Staff could give a user any key: their own user has their subject."""
    newcomer = newcomer_with(shop, ["staff"])
    page = shop.open_as("bob", "/account")
    shop.field("Name").fill("Noor")
    shop.button("Save").click()
    shop.says("Your account is saved.")

    assert newcomer.api.get(f"/users/{newcomer.subject}").json["name"] == "Noor"
    page.reload()
    expect(shop.field("Name")).to_have_value("Noor")


def test_account_that_is_not_deleted(shop: Shop) -> None:
    """Cancel keeps everything."""
    page = shop.open_as("bob", "/account")
    shop.button("Delete my account").click()

    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()

    expect(shop.button("Delete my account")).to_be_focused()
    assert shop.api.get("/users/bob").status == 200


def test_account_that_is_not_changed(shop: Shop) -> None:
    """Cancel shows the stored values again, also after a save that failed."""
    shop.open_as("bob", "/account")
    expect(shop.button("Cancel")).to_have_count(0)
    shop.field("Name").fill("")
    shop.button("Save").click()
    expect(shop.field("Name")).to_have_attribute("aria-invalid", "true")

    shop.button("Cancel").click()

    expect(shop.field("Name")).to_have_value("Bob Okonjo")
    expect(shop.field("Name")).to_be_focused()
    expect(shop.field("Name")).not_to_have_attribute("aria-invalid", "true")


def test_account_changed_elsewhere_is_merged(shop: Shop, newcomer: Newcomer) -> None:
    """The same three-way merge as everywhere; saved twice without a reload."""
    newcomer.api.create("/users", {"name": "Noor"})
    shop.open_as("bob", "/account")
    shop.field("Name").fill("Noor B.")
    username = unique()
    newcomer.api.patch(f"/users/{newcomer.subject}", {"username": username})
    shop.button("Save").click()
    shop.says("Your account is saved.")
    expect(shop.field("Username")).to_have_value(username)

    shop.field("Name").fill("Noor C.")
    with shop.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        shop.button("Save").click()

    expect(shop.field("Name")).to_have_value("Noor C.")
    user = newcomer.api.get(f"/users/{newcomer.subject}").json
    assert (user["name"], user["username"]) == ("Noor C.", username)


def test_download_without_an_answer(shop: Shop) -> None:
    """A file without the account would look as if the shop knew nothing."""
    page = shop.open_as("bob", "/account")
    expect(shop.field("Name")).to_have_value("Bob Okonjo")
    shop.on_api("GET", "/users/", ErrorResponse(500))

    shop.button("Download my data").click()

    expect(page.get_by_role("alert").filter(has_text="request-1")).to_be_visible()


def test_users_by_email_and_username(shop: Shop) -> None:
    """The search is in the address; without case, as the API compares."""
    name = unique()
    user = {"name": f"Noor {name}", "username": name, "email": f"{name}@shop.example"}
    shop.api.create("/users", user)
    page = shop.open_as("sue", "/users")
    rows = page.get_by_role("main").get_by_role("listitem")
    expect(rows.filter(has_text=name).first).to_be_visible()

    shop.field("Email").fill(f"{name.upper()}@SHOP.example")
    shop.field("Email").press("Enter")
    expect(page.get_by_role("status").filter(has_text="1 user")).to_be_visible()
    assert "email=" in shop.path
    shop.field("Username").fill(name)
    shop.field("Username").press("Enter")
    shop.is_at(f"/users?username={name}")
    expect(shop.field("Email")).to_have_value("")
    expect(rows).to_contain_text([f"Noor {name}"])
    shop.field("Username").fill(f"{name}x")
    shop.field("Username").press("Enter")
    expect(page.get_by_text("No user has exactly this")).to_be_visible()
    shop.field("Username").fill("")
    shop.field("Username").press("Enter")
    shop.is_at("/users")
    assert shop.messages == []


def test_wrong_search(shop: Shop) -> None:
    """The API's message stands at the field."""
    page = shop.open_as("sue", "/users?email=x")

    expect(page.get_by_role("searchbox", name="Email")).to_have_attribute("aria-invalid", "true")
