"""The embedded database of `make run` serves programs of this machine, and no page in a browser."""

from collections.abc import Iterator

import httpx
import pytest

from infra.local import database, run
from tests.conftest import client_of

LIST_TABLES = {"X-Amz-Target": "DynamoDB_20120810.ListTables"}


@pytest.fixture(scope="module")
def data() -> Iterator[database.Database]:
    """A new database."""
    running = database.start(None)
    yield running
    run.stop(running.process)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/_ministack/reset", {}),
        ("POST", "/_ministack/reset", LIST_TABLES),
        ("GET", "/", LIST_TABLES),
        ("GET", "/_ministack/health", {}),
        ("OPTIONS", "/", {"Origin": "http://evil.example"}),
        ("POST", "/", {}),
        ("POST", "/", {"X-Amz-Target": "AWSCognitoIdentityProviderService.ListUserPools"}),
        ("POST", "/", LIST_TABLES | {"Origin": "http://evil.example"}),
        ("POST", "/", LIST_TABLES | {"Origin": "null"}),
        ("POST", "/", LIST_TABLES | {"Sec-Fetch-Site": "same-origin"}),
        ("POST", "/", LIST_TABLES | {"Host": "evil.example:8000"}),
        ("POST", "/", LIST_TABLES | {"Host": "localhost.evil.example"}),
        ("POST", "//", LIST_TABLES),
    ],
)
def test_requests_of_pages_are_refused(
    data: database.Database, method: str, path: str, headers: dict[str, str]
) -> None:
    """Other paths, browsers' headers and foreign hosts are a 403 that does not open CORS."""
    response = httpx.request(method, f"{data.url}{path}", headers=headers, content=b"{}")

    assert (response.status_code, response.json()["__type"]) == (403, "AccessDeniedException")
    assert "access-control-allow-origin" not in response.headers


def test_requests_of_programs_are_fulfilled(data: database.Database) -> None:
    """boto3's calls, and those to localhost."""
    assert client_of(data.url).list_tables()["TableNames"] == []
    url = f"http://localhost:{data.port}/"
    assert client_of(url).list_tables()["TableNames"] == []


def test_websockets_are_refused(data: database.Database) -> None:
    """Ministack's other services have some, which pages of any origin may open."""
    headers = {
        "Host": "a.iot.us-east-1.localhost",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "mqtt",
    }

    assert httpx.get(f"{data.url}/mqtt", headers=headers).status_code == 403
