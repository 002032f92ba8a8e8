"""The exported requirements files."""

import pytest

from infra import requirements
from tests.conftest import PROJECT


@pytest.mark.parametrize("name", requirements.FILES)
def test_file_is_an_export_of_the_lock(name: str) -> None:
    """`make lock` has been run since pyproject.toml or uv.lock changed."""
    assert (PROJECT / name).read_text() == requirements.export(requirements.FILES[name])
