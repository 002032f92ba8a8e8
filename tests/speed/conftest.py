"""The packed app and the plain handler, run as Lambda runs them."""

from collections.abc import Iterator

import pytest

from bench import candidates, measure
from bench.measure import Machine, Variant

REQUESTS = 50


@pytest.fixture(scope="session")
def bench() -> Iterator[tuple[Machine, bytes]]:
    """Where functions run, and the certificate of whom they may trust."""
    with measure.machine() as running:
        yield running


@pytest.fixture(scope="session")
def machine(bench: tuple[Machine, bytes]) -> Machine:
    """Where functions run."""
    return bench[0]


@pytest.fixture(scope="session")
def measured(bench: tuple[Machine, bytes]) -> list[Variant]:
    """The app, and the plain handler."""
    chosen = [candidates.app(), candidates.peer("plain")]
    return measure.unpacked(chosen, bench[1], REQUESTS, (True,))
