"""`make verify`: the contract against any deployment, with and without an access token."""

import subprocess
import sys

import pytest

from tests.conftest import PROJECT, SHELL, Local


def verify(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "infra", "verify", *arguments],
        cwd=PROJECT,
        env=SHELL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_token(local: Local) -> None:
    """What anonymous callers see is tested, and the output says so."""
    result = verify("--url", f"http://127.0.0.1:{local.port}/")

    assert result.returncode == 0, result.stdout
    assert result.stdout.startswith("TOKEN is not set: only what anonymous callers see is tested.")
    assert " passed, " in result.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Name the API, for example make verify URL=http://127.0.0.1:8000"),
        (("--url", "127.0.0.1:8000"), "Name the API, for example"),
        (("--url", "http://127.0.0.1:9"), "GET http://127.0.0.1:9/ is not answered as by this"),
    ],
)
def test_urls_that_are_wrong(arguments: tuple[str, ...], sentence: str) -> None:
    """One sentence."""
    result = verify(*arguments)

    assert (result.returncode, result.stderr.startswith(sentence)) == (1, True), result.stderr


def test_token_that_is_not_valid(local: Local) -> None:
    """The sentence has the API's reason."""
    result = verify("--url", f"http://127.0.0.1:{local.port}", "--token", "x")

    assert (result.returncode, result.stderr) == (
        1,
        "The API does not accept the token: The access token is invalid.\n",
    )


def test_token_of_a_customer(local: Local) -> None:
    """The tests create items of all resources, which a customer may not."""
    token = local.header("ada").removeprefix("Bearer ")
    result = verify("--url", f"http://127.0.0.1:{local.port}", "--token", token)

    assert result.returncode == 1
    assert result.stderr.startswith("The token is one of 'ada', who is not staff")
