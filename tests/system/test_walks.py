"""Lists that are walked while others write."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Event

import pytest

from tests.client import Client


@pytest.mark.parametrize("sort", ["createdAt", "-createdAt", "price", "-price"])
def test_walk_under_concurrent_writes(live: Client, catalogue: set[str], sort: str) -> None:
    """Walking 200 products while others come and go misses none and repeats none."""
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
                item["id"] for item in live.walk("/products", {"sort": sort, "limit": 15})
            )
        finally:
            over.set()
        assert all(each.result() > 0 for each in churning)

    assert {key: walked[key] for key in catalogue} == dict.fromkeys(catalogue, 1)


@pytest.fixture(scope="module")
def catalogue(live: Client) -> set[str]:
    """200 products, many of one price."""
    return {
        live.create("/products", {"name": "Cup", "price": Decimal(n % 50) / 4})["id"]
        for n in range(200)
    }
