"""What the pages say of the stages' settings."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import fields

from infra import stages
from infra.errors import CommandError
from infra.stages import Infra
from tests.conftest import PROJECT


def test_every_setting_is_in_the_docs_with_its_default() -> None:
    """docs/operating.md has a row for each, in the order of the declaration."""
    page = (PROJECT / "docs" / "operating.md").read_text()
    section = re.search(r"^## Settings$.*?(?=^## )", page, re.MULTILINE | re.DOTALL)
    assert section
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", section[0], re.MULTILINE)

    assert [name for name, _ in rows] == [field.name for field in fields(Infra)]
    for (_, cell), field in zip(rows, fields(Infra), strict=True):
        default = msgspec.json.encode(field.default).decode().replace(".0", "")
        said = cell.replace("`", "").replace(" ", "")
        assert said.startswith("none" if default == "null" else default)


def test_site_with_a_usage_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser would have to send an API key, which everybody could read."""
    declared = json.loads(stages.FILE.read_text())
    declared["stages"]["dev"]["infra"] = {"site": {}, "usage_plan": {}}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(declared))
    monkeypatch.setattr(stages, "FILE", file)

    with pytest.raises(CommandError, match="it has a usage_plan and a site"):
        stages.load("dev")
