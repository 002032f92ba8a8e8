"""Hooks of SnapStart that fail: Lambda would end the environment."""

import json
from typing import Any

import pytest
import snapshot_restore_py as registry

from chalicelib import snap_start


def test_failing_hook_is_logged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its name and the error's type, without its text; the other hooks run."""
    before: list[Any] = []
    after: list[Any] = []
    monkeypatch.setattr(registry, "_before_snapshot_registry", before)
    monkeypatch.setattr(registry, "_after_restore_registry", after)
    closed: list[bool] = []

    def fail() -> None:
        raise RuntimeError("a secret")

    snap_start.register(lambda: closed.append(True), fail)
    for hook, values, _ in (*before, *after):
        hook(*values)

    assert closed == [True]
    (line,) = capsys.readouterr().out.splitlines()
    output = json.loads(line)
    assert (output["level"], output["hook"], output["error"]) == (
        "ERROR",
        "connect",
        "RuntimeError",
    )
    assert "secret" not in line
