"""The packed app and the plain handler, run as Lambda runs them."""

from collections.abc import Iterator

import pytest

from bench import handlers, measure
from bench.measure import Machine, Variant

REQUESTS = 50


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """Where functions run."""
    with measure.machine() as running:
        yield running


@pytest.fixture(scope="session")
def measured(machine: Machine) -> list[Variant]:
    """The app, and the plain handler."""
    chosen = [handlers.app(), handlers.peer("plain")]
    return measure.unpacked(machine, chosen, REQUESTS)
