"""The list of mutations, which `python -m tests.mutations` tries one by one."""

import pytest

from tests.conftest import PROJECT
from tests.mutations import MUTATIONS, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: f"{each.file}: {each.old[:40]}")
def test_place_of_a_mutation_exists(mutation: Mutation) -> None:
    """A mutation whose text has changed would test nothing."""
    assert mutation.old in (PROJECT / mutation.file).read_text()
