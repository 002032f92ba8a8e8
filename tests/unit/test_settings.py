"""The environment variables."""

import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT


def load(**variables: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process with these variables, and print them."""
    code = (
        "from chalicelib import settings as s; print(s.STAGE, s.TABLE_PREFIX, s.CORS_ALLOW_ORIGIN)"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_defaults_are_those_of_a_laptop() -> None:
    """Without a variable, the stage is local and any origin may read."""
    assert load().stdout == "local storefront-local- *\n"


def test_only_amazons_certificate_authorities_are_trusted_unless_others_are_named() -> None:
    """AWS_CA_BUNDLE is the SDKs' own variable."""
    code = "from chalicelib import settings as s; print(s.CA_BUNDLE)"
    own = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}
    told = [
        subprocess.check_output([sys.executable, "-c", code], cwd=PROJECT, env=env, text=True)
        for env in (own, own | {"AWS_CA_BUNDLE": __file__})
    ]

    assert told == [f"{PROJECT}/chalicelib/amazon_roots.pem\n", f"{__file__}\n"]


def test_the_tables_follow_the_stage() -> None:
    """The prefix follows STAGE, unless it is given."""
    assert load(STAGE="dev").stdout == "dev storefront-dev- *\n"
    assert load(STAGE="dev", TABLE_PREFIX="x.").stdout == "dev x. *\n"
    origin = "https://shop.example:8443"
    assert load(CORS_ALLOW_ORIGIN=origin).stdout == f"local storefront-local- {origin}\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STAGE", ""),
        ("STAGE", "a b"),
        ("TABLE_PREFIX", "shop/"),
        ("CORS_ALLOW_ORIGIN", "shop.example"),
        ("CORS_ALLOW_ORIGIN", "https://shop.example/"),
        ("CORS_ALLOW_ORIGIN", "https://a.example,https://b.example"),
        ("CORS_ALLOW_ORIGIN", "*\n"),
        ("AWS_CA_BUNDLE", "/no/such/file.pem"),
    ],
)
def test_a_wrong_value_stops_the_start(name: str, value: str) -> None:
    """The sentence says which variable, its value, and what would be right."""
    result = load(**{name: value})

    assert result.returncode == 1
    assert f"SettingError: {name} is {value!r}; it must be " in result.stderr
