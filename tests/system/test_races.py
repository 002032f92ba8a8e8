"""What holds when many clients write at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Event

import pytest

from tests.client import Client
from tests.samples import unique

THREADS = 20
UPDATES = 25


def test_no_update_is_lost(live: Client) -> None:
    """20 threads that read, add one and write with If-Match, 25 times each, end at 500."""
    product = live.create("/products", {"name": "Counter", "price": 0})
    place = f"/products/{product['id']}"

    def count() -> None:
        for _ in range(UPDATES):
            answer = None
            while answer is None or answer.status == 412:
                item = live.get(place).json
                changed = {"price": item["price"] + 1}
                answer = live.patch(place, changed, If_Match=item["etag"])
            assert answer.status == 200

    with ThreadPoolExecutor(THREADS) as pool:
        for thread in [pool.submit(count) for _ in range(THREADS)]:
            thread.result()

    assert live.get(place).json["price"] == THREADS * UPDATES


def test_one_of_many_creates_with_one_key_wins(live: Client) -> None:
    """50 creates with one key: one 201, 49 times 409."""
    key = unique()

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(
            pool.map(lambda n: live.post("/todos", {"id": key, "task": f"{n}"}), range(50))
        )

    assert Counter(answer.status for answer in answers) == {201: 1, 409: 49}
    (winner,) = (answer for answer in answers if answer.status == 201)
    assert live.get(f"/todos/{key}").body == winner.body


@pytest.mark.parametrize("sort", ["createdAt", "-createdAt", "price", "-price"])
def test_a_walk_gives_what_was_there_throughout_exactly_once(
    live: Client, catalogue: set[str], sort: str
) -> None:
    """Walking 1,000 products while others come and go misses none and repeats none."""
    over = Event()

    def churn() -> int:
        rounds = 0
        while not over.is_set():
            made = [live.create("/products", {"name": "Flower", "price": p}) for p in (0, 5, 99)]
            for item in made:
                live.delete(f"/products/{item['id']}")
            rounds += 1
        return rounds

    with ThreadPoolExecutor(2) as pool:
        churning = [pool.submit(churn) for _ in range(2)]
        try:
            walked = Counter(
                item["id"] for item in live.walk("/products", {"sort": sort, "limit": 7})
            )
        finally:
            over.set()
        assert all(each.result() > 0 for each in churning)

    assert {key: walked[key] for key in catalogue} == dict.fromkeys(catalogue, 1)


@pytest.fixture(scope="module")
def catalogue(live: Client) -> set[str]:
    """1,000 products, many of one price."""
    return {
        live.create("/products", {"name": "Cup", "price": Decimal(n % 50) / 4})["id"]
        for n in range(1000)
    }
