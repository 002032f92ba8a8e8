"""What holds when many clients write at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.client import Client
from tests.samples import unique

THREADS = 10
UPDATES = 10


def test_no_update_is_lost(live: Client) -> None:
    """10 threads that read, add one and write with If-Match, 10 times each, end at 100."""
    product = live.create("/products", {"name": "Counter", "price": 0})
    place = f"/products/{product['id']}"

    def count() -> None:
        for _ in range(UPDATES):
            response = None
            while response is None or response.status == 412:
                item = live.get(place).json
                changed = {"price": item["price"] + 1}
                response = live.patch(place, changed, If_Match=item["etag"])
            assert response.status == 200

    with ThreadPoolExecutor(THREADS) as pool:
        for thread in [pool.submit(count) for _ in range(THREADS)]:
            thread.result()

    assert live.get(place).json["price"] == THREADS * UPDATES


def test_concurrent_creates_with_one_key(live: Client) -> None:
    """50 creates with one key: one 201, 49 times 409."""
    key = unique()

    with ThreadPoolExecutor(THREADS) as pool:
        responses = list(
            pool.map(lambda n: live.post("/todos", {"id": key, "task": f"{n}"}), range(50))
        )

    assert Counter(response.status for response in responses) == {201: 1, 409: 49}
    (winner,) = (response for response in responses if response.status == 201)
    assert live.get(f"/todos/{key}").body == winner.body
