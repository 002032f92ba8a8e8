"""The comparison with other handlers."""

import pytest

from bench.__main__ import compare
from bench.handlers import TITLES


@pytest.mark.timeout(300)
def test_bench_runs() -> None:
    """All handlers respond alike, and the tables have each of them."""
    text = compare(rounds=2, requests=5)

    assert all(f"| {title} |" in text for title in TITLES.values())
