"""The screenshots in docs/: a running API's docs page, and a running shop, in Chromium."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page, Playwright, expect, sync_playwright

from infra.errors import CommandError
from infra.stages import PROJECT

DOCS = PROJECT / "docs"
WIDTH, HEIGHT = 1200, 900
# Without a window, which takes a third of the time, if it is installed; then Debian's, Ubuntu's and
# Google's browsers.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# No request to any host but loopback.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def take(port: int, web_port: int) -> None:
    """Write the screenshots of the API and of the shop, on ports of this machine."""
    with sync_playwright() as playwright, open_browser(playwright) as browser:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/docs")
        expect(page.get_by_text("Create a product", exact=True)).to_be_visible()
        _save(page, "docs-page")
        _take_shop(page, f"http://127.0.0.1:{web_port}")


def _take_shop(page: Page, url: str) -> None:
    page.goto(f"{url}/todos")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sue (staff)").click()
    expect(page.get_by_text("Order 40 tea tins")).to_be_visible()
    _save(page, "shop-todos")
    page.get_by_role("link", name="Products").click()
    expect(page.get_by_role("link", name="Kettle")).to_be_visible()
    _save(page, "shop-products")
    page.emulate_media(color_scheme="dark")
    page.get_by_role("link", name="Teapot").click()
    expect(page.get_by_text("Lovely glaze")).to_be_visible()
    expect(page.get_by_label("Rating")).to_be_visible()
    _save(page, "shop-product")


def _save(page: Page, name: str) -> None:
    file = DOCS / f"{name}.png"
    page.screenshot(path=file)
    print(file.relative_to(PROJECT))


def launch_options() -> Any:
    """Playwright's options for a Chromium. Raises CommandError if none is installed."""
    chromium = next(filter(None, map(which, PROGRAMS)), None)
    if chromium is None:
        raise CommandError("There is no chromium: apt-get install chromium installs it.")
    return {"executable_path": chromium, "args": list(FLAGS)}


@contextmanager
def open_browser(playwright: Playwright) -> Iterator[Any]:
    """A headless Chromium with an empty profile. Raises CommandError if none is installed."""
    with TemporaryDirectory() as profile:
        browser = playwright.chromium.launch_persistent_context(
            Path(profile),
            **launch_options(),
            viewport={"width": WIDTH, "height": HEIGHT},
        )
        try:
            yield browser
        finally:
            browser.close()
