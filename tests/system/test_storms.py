"""Exactly once, under storms: keys, unique values and references with many clients at once."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic
from typing import TypeVar

import pytest

from infra.data.claims_check import check
from tests.client import Client, Response
from tests.conftest import Local, client_of
from tests.samples import Sample, unique

T = TypeVar("T")

CLIENTS = 50
STORM_THREADS = 30
STORM_SECONDS = 2.0


@pytest.fixture
def api(local: Local) -> Iterator[Client]:
    """The API; after each test, items and claims agree."""
    yield local.api
    assert list(check(client_of((local.folder / "url").read_text()))) == []


def at_once(send: Callable[[int], T], count: int = CLIENTS) -> list[T]:
    """What many clients get that send at the same time."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(send, range(count)))


def test_one_key_creates_one_item(api: Client, sample: Sample) -> None:
    """50 concurrent creates with one Idempotency-Key: one item, 50 equal answers, 49 replays."""
    key, body = unique(), sample.full()
    before = {item[sample.key] for item in api.walk(sample.path, {"limit": 100})}

    responses = at_once(lambda _: api.post(sample.path, body, Idempotency_Key=key))

    assert {(each.status, each.body, each.headers["location"]) for each in responses} == {
        (201, responses[0].body, responses[0].headers["location"])
    }
    replays = [each for each in responses if each.headers.get("idempotency-replayed") == "true"]
    assert len(replays) == CLIENTS - 1
    after = {item[sample.key] for item in api.walk(sample.path, {"limit": 100})}
    assert after - before == {responses[0].json[sample.key]}


def test_one_email_goes_to_one_user(api: Client) -> None:
    """Of 50 creates with one email in different case, one succeeds; after its delete, one again."""
    email = f"ada.{unique()}@shop.example"

    def create(number: int) -> Response:
        spelling = "".join(random.choice((c.upper(), c)) for c in email)
        return api.post("/users", {"name": f"User {number}", "email": spelling})

    for _ in range(2):
        responses = at_once(create)

        assert Counter(each.status for each in responses) == {201: 1, 409: CLIENTS - 1}
        assert all("email" in each.problems for each in responses if each.status == 409)
        (winner,) = (each for each in responses if each.status == 201)
        assert api.get("/users", {"email": email}).json["items"] == [winner.json]
        assert api.delete(winner.headers["location"]).status == 204


def test_no_review_joins_a_product_that_is_gone(api: Client) -> None:
    """No review is created after the delete of its product."""
    for _ in range(10):
        product = api.create("/products", {"name": "Cup", "price": 1})["id"]
        gone = Event()

        def review(number: int, product: str = product, gone: Event = gone) -> tuple[bool, int]:
            if number == CLIENTS // 2:
                status = api.delete(f"/products/{product}").status
                gone.set()
                return False, status
            late = gone.is_set()
            body = {"review": "Good.", "productId": product}
            return late, api.post("/reviews", body).status

        outcomes = Counter(at_once(review))

        assert outcomes[False, 204] == 1
        assert outcomes[True, 201] == 0
        assert set(outcomes) <= {(False, 204), (False, 201), (False, 400), (True, 400)}
        after = api.post("/reviews", {"review": "Good.", "productId": product})
        assert after.status == 400


def test_concurrent_writes_over_few_emails_keep_claims_consistent(api: Client) -> None:
    """30 threads for 2 s create, rename, patch and delete users over ten emails at random."""
    emails = [f"e{n}.{unique()}@shop.example" for n in range(10)]
    users = [unique() for _ in range(15)]
    end = monotonic() + STORM_SECONDS

    def act(what: str, user: str, email: str | None) -> Response:
        place = f"/users/{user}"
        given = {} if email is None else {"email": email}
        match what:
            case "create":
                return api.post("/users", {"userId": user, "name": "A", **given})
            case "replace":
                return api.put(place, {"name": "B", **given})
            case "patch":
                return api.patch(place, {"email": email})
            case "rename":
                return api.patch(place, {"name": "C"})
            case _:
                return api.delete(place)

    def live_through(seed: int) -> Counter[int]:
        chance = random.Random(seed)
        statuses: Counter[int] = Counter()
        while monotonic() < end:
            what = chance.choice(("create", "replace", "patch", "rename", "delete"))
            response = act(what, chance.choice(users), chance.choice((*emails, None)))
            statuses[response.status] += 1
        return statuses

    with ThreadPoolExecutor(STORM_THREADS) as pool:
        statuses = sum(pool.map(live_through, range(STORM_THREADS)), Counter())

    assert statuses.keys() == {200, 201, 204, 404, 409}
    holders = [item for item in api.walk("/users", {"limit": 100}) if item.get("email") in emails]
    assert len({item["email"] for item in holders}) == len(holders)
    for item in holders:
        assert api.get("/users", {"email": item["email"]}).json["items"] == [item]
        taken = api.post("/users", {"name": "Eve", "email": item["email"].upper()})
        assert taken.status == 409
    for email in set(emails) - {item["email"] for item in holders}:
        assert api.post("/users", {"name": "Eve", "email": email}).status == 201
