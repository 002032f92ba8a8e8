"""`make verify` of an open API: here, because it runs the whole contract."""

from tests.conftest import Launch
from tests.system.test_verify import verify


def test_open_api(launch: Launch) -> None:
    """Everybody is staff: there is no access control to test."""
    local = launch(OIDC_ISSUER="none")
    local.read_until("ready")
    local.forget()

    result = verify("--url", f"http://127.0.0.1:{local.port}")

    assert result.returncode == 0, result.stdout
    assert result.stdout.startswith("The API is open: access control is not tested.")
