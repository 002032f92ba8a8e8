"""What the pages say of the stages' settings."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from chalice.config import Config
from msgspec.structs import fields

from infra import stages
from infra.errors import CommandError
from infra.settings import StageSettings
from infra.stages import Stage
from tests.conftest import PROJECT


def test_every_setting_is_in_the_docs_with_its_default() -> None:
    """docs/settings.md has a row for each, in the order of the declaration."""
    page = (PROJECT / "docs" / "settings.md").read_text()
    section = re.search(r"^## Settings$.*?(?=^## )", page, re.MULTILINE | re.DOTALL)
    assert section
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", section[0], re.MULTILINE)

    assert [name for name, _ in rows] == [field.name for field in fields(StageSettings)]
    for (_, cell), field in zip(rows, fields(StageSettings), strict=True):
        default = (
            msgspec.json.encode(getattr(StageSettings(), field.name)).decode().replace(".0", "")
        )
        output = cell.replace("`", "").replace(" ", "")
        assert output.startswith("none" if default == "null" else default)


MAIL = {"url": "https://mail.example.com/hooks", "secret": "storefront/dev/mail"}


@pytest.mark.parametrize(
    ("infra", "words"),
    [
        # A browser would have to send an API key, which everybody could read.
        ({"site": {}, "usage_plan": {}}, "it has a usage_plan and a site"),
        ({"webhooks": {"mail": MAIL}}, "it has webhooks and no events"),
        ({"snap_start": True, "provisioned_concurrency": 1}, "it has snap_start and provisioned"),
        ({"snap_start": True}, "it has snap_start, which needs Python 3.12 or later"),
        ({"cache": {"resources": ["orders"]}}, "it caches orders, and there are users, "),
        ({"cache": {"resources": ["todos"]}}, "it caches todos, which is not the same list for"),
        ({"cache": {"resources": ["reviews"]}}, "it caches reviews, which is not the same list"),
        ({"events": True, "webhooks": {"mail": MAIL | {"events": []}}}, "length >= 1"),
        ({"events": True, "webhooks": {"mail": MAIL | {"concurrency": 1}}}, ">= 2"),
        ({"events": True, "webhooks": {"mail": MAIL | {"retries": 3}}}, "unknown field `retries`"),
    ],
)
def test_wrong_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, infra: dict[str, Any], words: str
) -> None:
    """It is refused with a sentence."""
    monkeypatch.setattr(Config, "lambda_python_version", "python3.11")
    with pytest.raises(CommandError, match=words):
        declare(tmp_path, monkeypatch, infra)


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        *((name, {}, "its name must be") for name in ("Mail", "mail-eu", "", "1mail", "mail\n")),
        *(
            ("mail", {"url": url}, "its url must be")
            for url in (
                "http://mail.example.com/hooks",
                "https://user:word@mail.example.com/hooks",
                "https://mail.example.com@169.254.169.254/",
                "https://mail.example.com/hooks#there",
                "https://mail.example.com/h k",
                "https://mail.example.com/hooks\n",
                "https://mail.example.com:99999/",
                "https://mail.example.com:0/",
                "https://mail.example.com:/",
                "https://127.0.0.1/",
                "https://[::1]/",
                "https://[::1/",
                "https://2130706433/",
                "https://localhost/",
                "https://a..example/",
                "https://-.example/",
                f"https://{'a' * 64}.example/",
                f"https://mail.example/{'a' * 1000}",
                "https://k\u00e4se.example/",
                "mail.example.com",
            )
        ),
        *(
            ("mail", {"events": ["product.*", event]}, r"The events are .*product\.deleted")
            for event in ("product.sold", "product", "**", "prod*", "Product.*", "products.updated")
        ),
        ("mail", {"secret": "arn:aws:secretsmanager:::secret"}, "and no ARN"),
        ("mail", {"secret": "mail*"}, "must be the name"),
        ("mail", {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "it is the secret itself"),
    ],
)
def test_wrong_webhook(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    changed: dict[str, Any],
    words: str,
) -> None:
    """It is refused with a sentence, which does not quote a secret."""
    infra = {"events": True, "webhooks": {name: MAIL | changed}}

    with pytest.raises(CommandError, match=words) as refused:
        declare(tmp_path, monkeypatch, infra)
    assert "MfKQ" not in str(refused.value)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"url": "https://a.example"},
        {"url": "https://a.example?x=1"},
        {"url": "https://A.example:8443/hooks/1?shop=1&key=%20$x"},
        {"url": "https://xn--kse-qla.example/"},
        {"events": ["product.updated", "todo.*", "*.deleted"], "concurrency": 1000},
    ],
)
def test_webhook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]) -> None:
    """It is accepted, with any port, path and query."""
    infra = {"events": True, "webhooks": {"mail": MAIL | changed}}
    stage = declare(tmp_path, monkeypatch, infra)

    assert stage.settings.webhooks["mail"].events == tuple(changed.get("events", ["*"]))


def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, infra: dict[str, Any]) -> Stage:
    """The stage dev with these settings."""
    declared = json.loads(stages.FILE.read_text())
    declared["stages"]["dev"]["infra"] = infra
    file = tmp_path / "config.json"
    file.write_text(json.dumps(declared))
    monkeypatch.setattr(stages, "FILE", file)
    return stages.load("dev")
