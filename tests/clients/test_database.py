"""Pages in a browser and the embedded database of `make run`."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from playwright.sync_api import sync_playwright

from infra.docs.screenshot import open_browser
from tests.conftest import Local

# What a page can send: simple requests, and one that asks first.
ATTACK = """async url => {
  const scan = {method: 'POST', body: '{"TableName": "storefront-local-users"}', headers: {
    'Content-Type': 'application/x-amz-json-1.0', 'X-Amz-Target': 'DynamoDB_20120810.Scan'}};
  const attempts = [
    [url, scan],
    [url + '/_ministack/reset', {method: 'POST'}],
    [url + '/_ministack/reset', {method: 'POST', mode: 'no-cors'}],
    [url, {method: 'POST', mode: 'no-cors', body: '{}'}],
  ];
  const outcomes = [];
  for (const [target, options] of attempts) {
    try {
      const response = await fetch(target, options);
      outcomes.push(await response.text());
    } catch {
      outcomes.push('');
    }
  }
  return outcomes;
}"""


class Page(BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self) -> None:
        """Send the page."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, as it is in http.server
        """Do not write a log."""


def test_page_of_another_origin_neither_reads_nor_deletes(local: Local) -> None:
    """In Chromium, the data are as they were, and the page has seen none of them."""
    item = local.api.create("/products", {"name": "Cup", "price": 5})
    database = (local.folder / "url").read_text()
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server, sync_playwright() as playwright:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with open_browser(playwright) as browser:
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
            outcomes = page.evaluate(ATTACK, database)
        server.shutdown()

    assert outcomes == [""] * 4
    assert local.api.get(f"/products/{item['id']}").json == item
