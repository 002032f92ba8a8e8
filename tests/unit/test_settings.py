"""The environment variables."""

import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT

CODE = "from chalicelib import settings as s; print(s.STAGE, s.TABLE_PREFIX, *s.CORS_ALLOW_ORIGINS)"


def load(code: str = CODE, **variables: str) -> subprocess.CompletedProcess[str]:
    """Import the settings in a process with these variables, and print them."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={n: v for n, v in os.environ.items() if n != "AWS_CA_BUNDLE"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_defaults() -> None:
    """Without a variable, the stage is local and every origin is allowed."""
    assert load().stdout == "local storefront-local- *\n"


def test_table_prefix() -> None:
    """The prefix of tables follows STAGE, unless it is set."""
    assert load(STAGE="dev").stdout == "dev storefront-dev- *\n"
    assert load(STAGE="dev", TABLE_PREFIX="x.").stdout == "dev x. *\n"


@pytest.mark.parametrize("separator", [" ", ",", ", "])
def test_allowed_origins(separator: str) -> None:
    """CORS_ALLOW_ORIGIN is one origin or a list."""
    origins = ["https://shop.example:8443", "http://127.0.0.1:4200"]

    assert load(CORS_ALLOW_ORIGIN=origins[0]).stdout.split()[2:] == origins[:1]
    assert load(CORS_ALLOW_ORIGIN=separator.join(origins)).stdout.split()[2:] == origins


def test_certificate_authorities() -> None:
    """Amazon's own are trusted, unless AWS_CA_BUNDLE, the SDKs' variable, names a file."""
    code = "from chalicelib import settings as s; print(s.CA_BUNDLE)"

    assert load(code).stdout == f"{PROJECT}/chalicelib/storage/amazon_roots.pem\n"
    assert load(code, AWS_CA_BUNDLE=__file__).stdout == f"{__file__}\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STAGE", ""),
        ("STAGE", "a b"),
        ("TABLE_PREFIX", "shop/"),
        ("CORS_ALLOW_ORIGIN", "shop.example"),
        ("CORS_ALLOW_ORIGIN", "https://shop.example/"),
        ("CORS_ALLOW_ORIGIN", "https://Shop.example"),
        ("CORS_ALLOW_ORIGIN", "HTTPS://shop.example"),
        ("CORS_ALLOW_ORIGIN", "https://shop.example:443"),
        ("CORS_ALLOW_ORIGIN", "http://localhost:80 https://shop.example"),
        ("CORS_ALLOW_ORIGIN", "https://shop.example:0443"),
        ("CORS_ALLOW_ORIGIN", "https://a.example *"),
        ("CORS_ALLOW_ORIGIN", "*\n"),
        ("AWS_CA_BUNDLE", "/no/such/file.pem"),
    ],
)
def test_invalid_setting(name: str, value: str) -> None:
    """The message has the variable, its value, and what is right."""
    result = load(**{name: value})

    assert result.returncode == 1
    assert f"SettingError: {name} is {value!r}; it must be " in result.stderr
