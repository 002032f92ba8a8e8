"""The bench itself, and the page that is made of what it found."""

import runpy
import sys
from types import SimpleNamespace
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench import __main__ as main
from bench import candidates, page, results, soak


@pytest.mark.timeout(300)
def test_the_bench_runs() -> None:
    """All candidates answer alike, every lever finds its place, and a page comes of it."""
    found = main.run(rounds=2, requests=5)

    text = page.text(found, soak.read())
    assert all(title in text for title in candidates.TITLES.values())
    assert found.figures.keys() == results.read().figures.keys()
    assert found.zips[candidates.APP] <= page.ZIP_MB


def test_the_page_is_made_of_what_the_bench_found() -> None:
    """Nobody has edited docs/performance.md, or the results alone."""
    assert page.FILE.read_text() == page.text(results.read(), soak.read())


def test_the_floor_signs_as_botocore_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The canned DynamoDB takes any signature; AWS would not."""
    moment = "20261120T093000Z"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "https://dynamodb.eu-west-1.amazonaws.com")
    monkeypatch.setenv("TABLE", "products")
    monkeypatch.chdir(candidates.ROOTS.parent)
    monkeypatch.setattr("ssl.create_default_context", lambda **_: None)
    floor = runpy.run_path(str(candidates.PEERS / "floor" / "app.py"))
    request: Any = AWSRequest(
        "POST",
        "https://dynamodb.eu-west-1.amazonaws.com/",
        {"Content-Type": floor["TYPE"], "X-Amz-Target": "DynamoDB_20120810.GetItem"},
        b"{}",
    )
    signer = botocore.auth.SigV4Auth(
        Credentials("testing", "testing", "token"), "dynamodb", "eu-west-1"
    )
    frozen = SimpleNamespace(strftime=lambda _: moment)
    monkeypatch.setattr(sys.modules["botocore.auth"], "get_current_datetime", lambda: frozen)

    signer.add_auth(request)

    assert (
        floor["authorization"]("DynamoDB_20120810.GetItem", b"{}", moment)
        == (request.headers["Authorization"])
    )
