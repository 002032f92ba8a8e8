"""The bench itself, and the page that is made of what it found."""

import pytest

from bench import candidates, page, results, soak


@pytest.mark.timeout(300)
def test_bench_runs() -> None:
    """All candidates have equal responses, every lever finds its place, and the page is written."""
    found = results.run(rounds=2, requests=5)

    text = page.text(found, soak.read())
    assert all(title in text for title in candidates.TITLES.values())
    assert found.figures.keys() == results.read().figures.keys()
    assert found.zips[candidates.APP] <= page.ZIP_MB


def test_committed_performance_page() -> None:
    """Nobody has edited docs/performance.md, or the results alone."""
    assert page.FILE.read_text() == page.text(results.read(), soak.read())
