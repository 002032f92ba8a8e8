"""The simulation of a partition: docs/scaling.md relies on it."""

import pytest

from infra.partition import BURST_SECONDS, HOUR, WRITE_UNITS, refused


@pytest.mark.parametrize("shards", [1, 4])
def test_what_partitions_take_is_not_refused(shards: int) -> None:
    """Up to 1,000 units a second each, and bursts come out of what was not used."""
    assert refused(0.9 * WRITE_UNITS * shards, shards=shards) == 0


@pytest.mark.parametrize("shards", [1, 4])
def test_what_is_beyond_is_refused_once_the_burst_is_spent(shards: int) -> None:
    """Twice as much: half of it, but for the five minutes that were unused."""
    expected = 1 - (HOUR + BURST_SECONDS) / (2 * HOUR)

    share = refused(2 * WRITE_UNITS * shards, shards=shards)

    assert share == pytest.approx(expected, abs=0.005)


def test_a_short_burst_is_taken_whole() -> None:
    """Three times as much for two minutes fits in what five minutes left."""
    assert refused(3 * WRITE_UNITS, seconds=120) == 0
    assert refused(3 * WRITE_UNITS, seconds=200) > 0
