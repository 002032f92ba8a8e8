"""A request to a deployed API."""

import socket
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from botocore.exceptions import WaiterError
from botocore.waiter import SingleWaiterConfig, Waiter

from infra.errors import CommandError
from infra.stages import Stage

RESPONSE_SECONDS = 10
# A new role takes effect, and a new API's name resolves, within a minute.
WAITER: Any = SingleWaiterConfig(
    {
        "operation": "GET",
        "delay": 5,
        "maxAttempts": 24,
        "acceptors": [
            {
                "state": "success",
                "matcher": "path",
                "argument": "status",
                "expected": HTTPStatus.OK.value,
            }
        ],
    }
)


def check(stage: Stage, url: str, api_key: str | None = None) -> None:
    """Wait until GET /health responds. Raises CommandError after 24 attempts without a 200.

    `url` is API Gateway's own, which is closed if the stage has a custom domain. `api_key` is a key
    of the stage's usage plan.
    """
    if domain := stage.custom_domain:
        url = f"https://{domain}/"
        try:
            socket.getaddrinfo(domain, 443)
        except OSError:
            print(
                f"{domain} has no address yet: make it an alias of the printed name in your DNS. "
                f"The API responds at {url} then."
            )
            return
    headers = {"x-api-key": api_key} if api_key else {}
    expected = {HTTPStatus.OK}
    if stage.config.api_gateway_policy_file:
        expected.add(HTTPStatus.FORBIDDEN)
    statuses: list[int] = []

    def health() -> dict[str, int]:
        statuses.append(_status(f"{url}health", headers))
        return {"status": HTTPStatus.OK if statuses[-1] in expected else statuses[-1]}

    try:
        Waiter("HealthCheck", WAITER, health).wait()
    except WaiterError:
        raise CommandError(
            f"GET {url}health got {statuses[-1] or 'no response'}, not 200: "
            "the function's log has the reason."
        ) from None
    if statuses[-1] == HTTPStatus.FORBIDDEN:
        print(f"The API's resource policy does not let this machine in. The API is at {url}")
    else:
        print(f"The API responds at {url}")


def _status(url: str, headers: Mapping[str, str]) -> int:
    """The status of the response to a GET; 0 without a response."""
    try:
        with urlopen(Request(url, headers=dict(headers)), timeout=RESPONSE_SECONDS) as response:
            status: int = response.status
            return status
    except HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0
