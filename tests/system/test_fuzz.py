"""Requests made up from the API's own description: no failure, nothing that it does not say.

FUZZ_EXAMPLES=700 makes up 20,000 of them, and others each time: so many of each kind of operation.
"""

import os
import re
import subprocess

import pytest

from tests.conftest import PROJECT, SHELL, Launch

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
MINUTES = 30


@pytest.mark.timeout(MINUTES * 60 if EXAMPLES else 120)
def test_fuzzing(launch: Launch) -> None:
    """All checks, of single requests and of sequences; 1,000 of them, or 20,000."""
    local = launch()
    local.read_until("ready")
    local.forget()
    chosen = (
        [f"--max-examples={EXAMPLES}"]
        if EXAMPLES
        # What holds for one user holds for one product, todo and review, too.
        else [
            *("--max-examples=2", "--seed=1", "--exclude-method=HEAD"),
            "--exclude-path-regex=^/(todos|products/|reviews/)",
        ]
    )

    result = subprocess.run(
        [
            PROJECT / ".venv" / "bin" / "schemathesis",
            *("run", f"http://127.0.0.1:{local.port}/openapi.json", "--checks=all", "--no-color"),
            f"--header=Authorization: {local.header()}",
            *chosen,
        ],
        cwd=PROJECT,
        env=SHELL
        | {
            "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
            "PYTHONPATH": str(PROJECT),
            "AUTHORIZATION": local.header(),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout[-20_000:] + result.stderr
    (generated, passed) = re.findall(r"(\d+) generated, (\d+) passed", result.stdout)[0]
    assert generated == passed
    assert int(passed) >= (20_000 if EXAMPLES else 1_000)
    print(f"{passed} requests")
