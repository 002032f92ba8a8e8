"""The API against a plain Python model of its contract: random programs, no difference."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.client import Client, Response
from tests.conftest import Launch

STEPS = 1000
PROGRAMS = 15
LENGTH = 50

# Few of each, so that programs meet what they did before.
KEYS = st.sampled_from(["k1", "k2", "k3"])
EMAILS = st.sampled_from(["ada@shop.example", "ADA@shop.example", "ben@shop.example"])
USERNAMES = st.sampled_from(["ada", "Ada", "ben"])
PRICES = st.sampled_from([0, 1, 2])
ONCE = st.sampled_from(["once-1", "once-2", "once-3"])

BODIES = {
    "users": st.fixed_dictionaries(
        {"name": st.sampled_from(["Ada", "Ben"])}, optional={"username": USERNAMES, "email": EMAILS}
    ),
    "products": st.fixed_dictionaries({"name": st.just("Cup"), "price": PRICES}),
    "todos": st.fixed_dictionaries(
        {"task": st.just("Dust")},
        optional={"status": st.sampled_from(["pending", "in_progress", "done"])},
    ),
    "reviews": st.fixed_dictionaries(
        {"review": st.just("Good.")}, optional={"productId": KEYS, "rating": st.integers(1, 5)}
    ),
}
PATCHES = {
    "users": st.fixed_dictionaries(
        {}, optional={"username": USERNAMES | st.none(), "email": EMAILS | st.none()}
    ),
    "products": st.fixed_dictionaries({}, optional={"price": PRICES}),
    "todos": st.fixed_dictionaries({}, optional={"status": st.sampled_from(["done", None])}),
    "reviews": st.fixed_dictionaries({}, optional={"productId": KEYS | st.none()}),
}
DEFAULTS = {"products": {"description": ""}, "todos": {"status": "pending"}}
PATHS = st.sampled_from(sorted(BODIES))
CREATES = PATHS.flatmap(lambda path: st.tuples(st.just(path), BODIES[path]))
CHANGES = PATHS.flatmap(lambda path: st.tuples(st.just(path), PATCHES[path]))


class Shop(RuleBasedStateMachine):
    """A model of the contract, a dict for each resource, compared with the API."""

    api: Client
    steps = 0
    programs = 0

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, dict[str, Any]] = {path: {} for path in BODIES}
        self.etags: set[str] = set()
        self.answered: dict[str, tuple[Any, Response]] = {}
        # Keys of an Idempotency-Key last longer than a program.
        Shop.programs += 1
        self.once = f"program {Shop.programs} "

    def teardown(self) -> None:
        """Leave an empty shop to the next program."""
        for path, items in self.items.items():
            for key in items:
                assert self.api.delete(f"/{path}/{key}").status == 204

    @rule(create=CREATES, key=KEYS)
    def create(self, create: tuple[str, Any], key: str) -> None:
        """A create with a chosen key: 201, 400 or 409."""
        path, body = create
        self.check_create(path, body | {self.key_of(path): key}, {})

    @rule(create=CREATES, key=KEYS, once=ONCE)
    def create_once(self, create: tuple[str, Any], key: str, once: str) -> None:
        """A create with an Idempotency-Key: as without, or a replay, or 422."""
        path, body = create
        body = body | {self.key_of(path): key, "name": "Ada"}
        if path == "todos":
            del body["name"]
        once = self.once + once
        if once not in self.answered:
            response = self.check_create(path, body, {"Idempotency-Key": once})
            if response.status == 201:
                self.answered[once] = ((path, body), response)
            return
        Shop.steps += 1
        request, first = self.answered[once]
        response = self.api.post(f"/{path}", body, Idempotency_Key=once)
        if request == (path, body):
            assert (response.status, response.body) == (201, first.body)
            assert response.headers["etag"] == first.headers["etag"]
            assert response.headers["location"] == first.headers["location"]
            assert response.headers["idempotency-replayed"] == "true"
        else:
            assert response.status == 422

    @rule(once=ONCE)
    def replay(self, once: str) -> None:
        """The same request again, after any other steps."""
        if self.once + once in self.answered:
            (path, body), first = self.answered[self.once + once]
            Shop.steps += 1
            response = self.api.post(f"/{path}", body, Idempotency_Key=self.once + once)
            assert (response.status, response.body) == (201, first.body)

    def check_create(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> Response:
        """Create in the API and in the model."""
        Shop.steps += 1
        key = body[self.key_of(path)]
        response = self.api.post(f"/{path}", body, **headers)
        taken = self.taken(path, body, by=None)
        if key in self.items[path]:
            taken.add(self.key_of(path))
        if self.dangling(path, {}, body):
            assert (response.status, list(response.problems)) == (400, ["productId"])
        elif taken:
            assert (response.status, set(response.problems)) == (409, taken)
        else:
            assert response.status == 201
            item = response.json
            drawn = {"name": item["name"]} if path == "reviews" else {}
            self.keep(path, item, drawn | DEFAULTS.get(path, {}) | body)
            assert item["updatedAt"] == item["createdAt"]
        return response

    @rule(create=CREATES, key=KEYS, fresh=st.booleans())
    def replace(self, create: tuple[str, Any], key: str, fresh: bool) -> None:
        """A PUT with the item's etag or a stale one."""
        path, body = create
        self.check_change("PUT", path, key, body, fresh=fresh)

    @rule(change=CHANGES, key=KEYS, fresh=st.booleans())
    def patch(self, change: tuple[str, Any], key: str, fresh: bool) -> None:
        """A PATCH with the item's etag or a stale one."""
        path, body = change
        self.check_change("PATCH", path, key, body, fresh=fresh)

    def check_change(
        self, method: str, path: str, key: str, body: dict[str, Any], *, fresh: bool
    ) -> None:
        """Change in the API and in the model."""
        Shop.steps += 1
        before = self.items[path].get(key)
        etag = before["etag"] if before and fresh else '"stale"'
        response = self.api.request(method, f"/{path}/{key}", body, If_Match=etag)
        if before is None:
            assert response.status == 404
            return
        if not fresh:
            assert response.status == 412
            return
        start = before if method == "PATCH" else {}
        after = DEFAULTS.get(path, {}) | start | body
        after = {
            name: DEFAULTS.get(path, {}).get(name) if value is None else value
            for name, value in after.items()
            if value is not None or name in DEFAULTS.get(path, {})
        }
        if self.dangling(path, before, after):
            assert (response.status, list(response.problems)) == (400, ["productId"])
        elif taken := self.taken(path, after, by=key):
            assert (response.status, set(response.problems)) == (409, taken)
        else:
            assert response.status == 200
            mine = {self.key_of(path): key, "createdAt": before["createdAt"]}
            changed = {n: response.json[n] for n in ("updatedAt", "etag")}
            self.keep(path, response.json, after | mine | changed)

    @rule(path=PATHS, key=KEYS, fresh=st.booleans())
    def delete(self, path: str, key: str, fresh: bool) -> None:
        """A DELETE with the item's etag or a stale one."""
        Shop.steps += 1
        before = self.items[path].get(key)
        etag = before["etag"] if before and fresh else '"stale"'
        response = self.api.delete(f"/{path}/{key}", If_Match=etag)
        if before is None:
            assert response.status == 404
        elif not fresh:
            assert response.status == 412
        else:
            assert response.status == 204
            del self.items[path][key]

    @rule(path=PATHS, key=KEYS)
    def read(self, path: str, key: str) -> None:
        """A GET of an item that is there, or is not."""
        Shop.steps += 1
        response = self.api.get(f"/{path}/{key}")
        item = self.items[path].get(key)
        assert (response.status, response.json if item else None) == (200 if item else 404, item)

    @rule(path=PATHS, limit=st.integers(1, 3), up=st.booleans())
    def walk(self, path: str, limit: int, up: bool) -> None:
        """All pages of a list."""
        Shop.steps += 1
        sort = "createdAt" if up else "-createdAt"
        listed = list(self.api.walk(f"/{path}", {"limit": limit, "sort": sort}))
        times = [item["createdAt"] for item in listed]
        assert times == sorted(times, reverse=not up)
        self.same(path, listed, self.items[path].values())

    @rule(email=EMAILS)
    def walk_by_email(self, email: str) -> None:
        """The user with an email, without case."""
        Shop.steps += 1
        users = self.items["users"].values()
        wanted = [user for user in users if user.get("email", "").lower() == email.lower()]
        self.same("users", self.api.walk("/users", {"email": email}), wanted)

    @rule(product=KEYS)
    def walk_by_product(self, product: str) -> None:
        """The reviews of a product, also of one that is gone."""
        Shop.steps += 1
        reviews = self.items["reviews"].values()
        wanted = [review for review in reviews if review.get("productId") == product]
        listed = self.api.walk("/reviews", {"productId": product, "limit": 1})
        self.same("reviews", listed, wanted)

    @precondition(lambda self: self.items["products"])
    @rule(least=PRICES, most=PRICES)
    def walk_by_price(self, least: int, most: int) -> None:
        """The products between two prices, cheapest first."""
        Shop.steps += 1
        products = self.items["products"].values()
        wanted = [product for product in products if least <= product["price"] <= most]
        query = {"minPrice": least, "maxPrice": most, "limit": 1}
        listed = list(self.api.walk("/products", query))
        assert [p["price"] for p in listed] == sorted(p["price"] for p in listed)
        self.same("products", listed, wanted)

    def keep(self, path: str, item: Any, expected: dict[str, Any]) -> None:
        """Take an item that the API has written into the model, if it is as expected."""
        own = {name: item[name] for name in ("createdAt", "updatedAt", "etag")}
        assert item == expected | own
        assert item["etag"] not in self.etags
        self.etags.add(item["etag"])
        self.items[path][item[self.key_of(path)]] = item

    def taken(self, path: str, body: dict[str, Any], by: str | None) -> set[str]:
        """The unique fields whose value another user has."""
        if path != "users":
            return set()
        others = [user for key, user in self.items[path].items() if key != by]
        return {
            name
            for name in ("username", "email")
            if name in body
            and body[name].lower() in [user[name].lower() for user in others if name in user]
        }

    def dangling(self, path: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
        """Whether a review's product changes to one that is not there."""
        product = after.get("productId")
        changes = path == "reviews" and product != before.get("productId")
        return changes and product is not None and product not in self.items["products"]

    def same(self, path: str, listed: Iterator[Any] | list[Any], wanted: Any) -> None:
        """A list has these items, each once; equal sort values may be in any order."""
        key = self.key_of(path)
        assert sorted(listed, key=lambda i: i[key]) == sorted(wanted, key=lambda i: i[key])

    @staticmethod
    def key_of(path: str) -> str:
        """The name of a resource's key."""
        return "userId" if path == "users" else "id"


@pytest.mark.timeout(150)
def test_random_programs_match_the_model(
    launch: Launch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """At least 1,000 steps of creates, replays, updates, deletes and lists."""
    local = launch(tmp_path_factory.mktemp("model"))
    local.read_until("ready")
    local.forget()
    Shop.api, Shop.steps = local.api, 0
    for path in BODIES:
        for item in list(local.api.walk(f"/{path}", {"limit": 100})):
            local.api.delete(f"/{path}/{item[Shop.key_of(path)]}")

    # Programs differ in length; and where it sees CI, Hypothesis would draw the same ones again.
    while Shop.steps < STEPS:
        run_state_machine_as_test(
            Shop,
            settings=settings(
                max_examples=PROGRAMS,
                stateful_step_count=LENGTH,
                derandomize=False,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
