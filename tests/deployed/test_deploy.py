"""`make deploy` and `make delete`: from an empty account to an API, and back."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from infra import stages
from infra.aws import policy
from tests import sign_in
from tests.client import Client, Live
from tests.deployed.conftest import Account, contract, everything, reading, tables_of
from tests.deployed.templates import REGION

LOGS = {"/aws/lambda/storefront-dev", "/aws/apigateway/storefront-dev"}


def api_url(account: Account, said: str) -> str:
    """The emulator's URL of the API that `make deploy` has printed."""
    (api_id,) = re.findall(r"The API responds at https://(\w+)\.execute-api\.[\w.-]+/dev/", said)
    return f"http://{api_id}.execute-api.localhost:{account.port}/dev"


@pytest.mark.timeout(400)
def test_deployed_and_deleted_twice(
    account: Account, record_property: Callable[[str, Any], None]
) -> None:
    """Into an empty account, the contract holds there, and nothing is left but tables and logs."""
    account.make("account")
    before = everything(account)
    left = before | {"tables": tables_of("dev"), "logs": before["logs"] | LOGS}

    for time in ("first", "second"):
        url = api_url(account, account.make("deploy", "STAGE=dev"))
        said = contract(url, sign_in.staff())
        record_property(f"contract, deployed for the {time} time", said)
        if time == "first":
            redeploy_while_reading(account, url)
        account.make("delete", "STAGE=dev")
        assert everything(account) == left

    place = f"arn:aws:dynamodb:{REGION}:{account.client('sts').get_caller_identity()['Account']}:"
    allowed = {
        (action, resource.replace("arn:*:dynamodb:*:*:", place))
        for statement in policy.document(stages.load("dev"))["Statement"]
        for action in statement["Action"]
        if action.startswith("dynamodb:")
        for resource in statement["Resource"]
    }
    # The emulator takes no role for the function's log, and has no X-Ray.
    assert account.calls == allowed


def redeploy_while_reading(account: Account, url: str) -> None:
    """A new version under the same URL, and no read that fails in between."""
    api = Client(Live(url), sign_in.staff())
    old = api.get("/").json["version"]
    source = account.project / "chalicelib" / "__init__.py"
    source.write_text(source.read_text().replace(old, f"{old}.1"))
    with reading(api) as times:
        assert api_url(account, account.make("deploy", "STAGE=dev")) == url
        assert times() > 0
    assert api.get("/").json["version"] == f"{old}.1"
