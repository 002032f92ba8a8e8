"""The requests of the load test: reads, lists, creates with idempotency keys, conditional updates.

Locust runs this file: it imports nothing of the project. Every user changes products of its own, so
that it knows what each must be like. A request without an answer, or with 429 or 503, may have been
fulfilled or not; a create is then sent again with its key, and an update leaves two possible
values.
https://docs.locust.io/en/stable/writing-a-locustfile.html
"""

import json
import os
import random
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import gevent
from gevent.pool import Pool
from locust import FastHttpUser, between, events, task

RUN = f"load-{uuid4().hex[:8]}"
AUTHORIZATION = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
# Some minutes earlier, because the clock of this machine may be ahead of the API's.
STARTED = (datetime.now(UTC) - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%S.000Z")

NO_ANSWER = 0
# The API may respond with these while its database is away, or callers are too many.
EXPECTED = {429, 503}
# How long the check waits for an API that does not respond.
CHECK_SECONDS = 120
CHECKERS = 20


@dataclass
class Product:
    """A product that a user has created, and the prices that it may have."""

    key: str
    etag: str
    prices: set[float]


@dataclass
class Written:
    """What all users have written."""

    # By name, which is unique. None: the create has no answer, so the product exists or not.
    products: dict[str, Product | None] = field(default_factory=dict)
    creates: int = 0
    updates: int = 0
    unexpected: list[str] = field(default_factory=list)


written = Written()


class Shop(FastHttpUser):
    """A member of staff, who reads, lists, creates and reprices products."""

    wait_time = between(0.1, 0.5)
    connection_timeout = 5.0
    network_timeout = 30.0

    def on_start(self) -> None:
        """Begin without products."""
        self.own: list[Product] = []

    @task(5)
    def read(self) -> None:
        """Read a product."""
        if self.own:
            self.send("GET", f"/products/{random.choice(self.own).key}", "/products/{key}")

    @task(3)
    def list(self) -> None:
        """List products: newest first, or the cheapest."""
        query = random.choice(("limit=25", "limit=25&maxPrice=100"))
        self.send("GET", f"/products?{query}", f"/products?{query}")

    @task(2)
    def create(self) -> None:
        """Create a product, with one key until there is an answer."""
        name = f"{RUN}-{uuid4().hex}"
        body = {"name": name, "price": round(random.uniform(1, 200), 2)}
        written.products[name] = None
        headers = {"Idempotency-Key": name}
        while True:
            status, response = self.send("POST", "/products", "/products", body, headers)
            if status == 201:
                product = Product(response["id"], response["etag"], {response["price"]})
                written.products[name] = product
                written.creates += 1
                self.own.append(product)
                return
            if status not in {NO_ANSWER, *EXPECTED}:
                return
            gevent.sleep(random.uniform(0.2, 1))

    @task(2)
    def update(self) -> None:
        """Change a price, if the product is as it was read."""
        if not self.own:
            return
        product = random.choice(self.own)
        price = round(random.uniform(1, 200), 2)
        # Noted before, because the run may end while this user waits for the answer.
        product.prices.add(price)
        status, response = self.send(
            "PATCH",
            f"/products/{product.key}",
            "/products/{key}",
            {"price": price},
            {"If-Match": product.etag},
        )
        if status == 200:
            product.etag, product.prices = response["etag"], {price}
            written.updates += 1
            return
        # After a 412, too: an update without an answer has been made.
        status, response = self.send("GET", f"/products/{product.key}", "/products/{key}")
        if status == 200:
            if response["price"] not in product.prices:
                written.unexpected.append(f"{product.key} costs {response['price']}")
            product.etag = response["etag"]

    def send(
        self,
        method: str,
        path: str,
        name: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Send a request. Returns the status, 0 without an answer, and the JSON."""
        with self.client.request(
            method,
            path,
            name=name,
            json=body,
            headers=AUTHORIZATION | (headers or {}),
            catch_response=True,
        ) as response:
            status: int = response.status_code
            if status == 412:
                response.success()
            elif status in EXPECTED or status == NO_ANSWER:
                response.failure(f"status {status or 'none: no answer'}")
            elif status >= 400:
                written.unexpected.append(f"{method} {name}: {status} {response.text}")
            content = response.text if status in (200, 201) else None
        return status, json.loads(content) if content else None


def fetch(method: str, url: str) -> tuple[int, Any]:
    """The status and the JSON of a response; None for the JSON of an error.

    Waits CHECK_SECONDS for an API that does not respond, or responds with 429 or 503. Raises
    OSError if it does not respond.
    """
    end = monotonic() + CHECK_SECONDS
    while True:
        try:
            with urlopen(
                Request(url, method=method, headers=AUTHORIZATION), timeout=30
            ) as response:
                text = response.read()
                return response.status, json.loads(text) if text else None
        except HTTPError as error:
            with error:
                if error.code not in EXPECTED or monotonic() > end:
                    return error.code, None
        except OSError:
            if monotonic() > end:
                raise
        gevent.sleep(0.5)


def stored(url: str) -> dict[str, Any]:
    """The products of this run, by key: the list is newest first."""
    found: dict[str, Any] = {}
    page: Any = {"next": None}
    while True:
        cursor = f"&cursor={page['next']}" if page["next"] else ""
        status, page = fetch("GET", f"{url}/products?limit=100{cursor}")
        if status != 200:
            raise ConnectionError(f"the list of products got {status}")
        own = [each for each in page["items"] if each["createdAt"] >= STARTED]
        found |= {each["id"]: each for each in own if each["name"].startswith(RUN)}
        if page["next"] is None or len(own) < len(page["items"]):
            return found


def check(url: str) -> list[str]:
    """What is lost, there twice, or not as it was written; as sentences."""
    found = stored(url)
    problems = list(written.unexpected)
    keys: dict[str, str] = {}
    for key, item in found.items():
        if item["name"] in keys:
            problems.append(f"{item['name']} is there twice: {keys[item['name']]} and {key}")
        keys[item["name"]] = key
    for product in filter(None, written.products.values()):
        item = found.get(product.key)
        if item is None:
            # Lists are eventually consistent, reads are not.
            status, item = fetch("GET", f"{url}/products/{product.key}")
            if status != 200:
                problems.append(f"{product.key} was created, and is lost: {status}")
                continue
            found[product.key] = item
        if item["price"] not in product.prices:
            problems.append(f"{product.key} costs {item['price']}, not {product.prices}")
    print(
        f"Checked {written.creates:,} acknowledged creates and {written.updates:,} acknowledged "
        f"updates: {len(found):,} products are there, {len(problems)} problems.",
        flush=True,
    )
    workers = Pool(CHECKERS)
    statuses = workers.map(lambda key: fetch("DELETE", f"{url}/products/{key}")[0], found)
    print(f"Deleted {statuses.count(204):,} of them again.", flush=True)
    return problems


@events.test_stop.add_listener
def _check(environment: Any, **_: Any) -> None:
    """Check what was written, once all users have stopped."""
    try:
        problems = check(environment.host)
    except OSError as error:
        problems = [f"What was written cannot be checked: {error}"]
    for problem in problems[:20]:
        print(problem, file=sys.stderr, flush=True)
    environment.process_exit_code = 1 if problems else 0
