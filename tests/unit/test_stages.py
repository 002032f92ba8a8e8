"""What the pages say of the stages' settings."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import fields

from infra import stages
from infra.aws import webhooks
from infra.errors import CommandError
from infra.stages import Infra, Stage
from tests.conftest import PROJECT


def test_every_setting_is_in_the_docs_with_its_default() -> None:
    """docs/operating.md has a row for each, in the order of the declaration."""
    page = (PROJECT / "docs" / "operating.md").read_text()
    section = re.search(r"^## Settings$.*?(?=^## )", page, re.MULTILINE | re.DOTALL)
    assert section
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", section[0], re.MULTILINE)

    assert [name for name, _ in rows] == [field.name for field in fields(Infra)]
    for (_, cell), field in zip(rows, fields(Infra), strict=True):
        default = msgspec.json.encode(getattr(Infra(), field.name)).decode().replace(".0", "")
        said = cell.replace("`", "").replace(" ", "")
        assert said.startswith("none" if default == "null" else default)


MAIL = {"url": "https://mail.example.com/hooks", "secret": "storefront/dev/mail"}


@pytest.mark.parametrize(
    ("infra", "words"),
    [
        # A browser would have to send an API key, which everybody could read.
        ({"site": {}, "usage_plan": {}}, "it has a usage_plan and a site"),
        ({"webhooks": {"mail": MAIL}}, "it has webhooks and no events"),
        *(
            ({"events": True, "webhooks": {name: MAIL | changed}}, "is wrong")
            for name, changed in (
                ("Mail", {}),
                ("mail-eu", {}),
                ("", {}),
                ("mail", {"url": "http://mail.example.com/hooks"}),
                ("mail", {"url": "https://user:word@mail.example.com/hooks"}),
                ("mail", {"url": "https://mail.example.com/hooks#there"}),
                ("mail", {"url": "https://mail.example.com/h k"}),
                ("mail", {"url": "https://mail.example.com:123456/"}),
                ("mail", {"url": "https://mail.example.com@169.254.169.254/"}),
                ("mail", {"events": []}),
                ("mail", {"events": ["product.sold"]}),
                ("mail", {"events": ["product"]}),
                ("mail", {"events": ["**"]}),
                ("mail", {"secret": "arn:aws:secretsmanager:::secret"}),
                ("mail", {"secret": "mail*"}),
                ("mail", {"concurrency": 1}),
                ("mail", {"retries": 3}),
            )
        ),
    ],
)
def test_wrong_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, infra: dict[str, Any], words: str
) -> None:
    """It is refused with a sentence."""
    with pytest.raises(CommandError, match=words):
        declare(tmp_path, monkeypatch, infra)


def test_stage_with_webhooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All events are sent to a webhook that names none."""
    urls = ("https://a.example", "https://a.example:8443/hooks/1?shop=1&key=%20$x")

    for url in urls:
        stage = declare(
            tmp_path, monkeypatch, {"events": True, "webhooks": {"mail": MAIL | {"url": url}}}
        )
        assert stage.infra.webhooks["mail"].url == url
        assert stage.infra.webhooks["mail"].events == ("*",)


@pytest.mark.parametrize("pattern", ["prodct.updated", "prod.*", "Product.*"])
def test_webhook_of_an_event_that_does_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    """Make package says which ones do."""
    stage = declare(
        tmp_path,
        monkeypatch,
        {"events": True, "webhooks": {"mail": MAIL | {"events": ["product.*", pattern]}}},
    )

    with pytest.raises(CommandError, match=r"asks for .*, and the events are .*product\.deleted"):
        webhooks.check(stage)


def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, infra: dict[str, Any]) -> Stage:
    """The stage dev with these settings."""
    declared = json.loads(stages.FILE.read_text())
    declared["stages"]["dev"]["infra"] = infra
    file = tmp_path / "config.json"
    file.write_text(json.dumps(declared))
    monkeypatch.setattr(stages, "FILE", file)
    return stages.load("dev")
