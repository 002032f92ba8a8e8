"""`make package` and `make stack`: the template as a stack, its change and its end."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.client import Client, Live
from tests.deployed.conftest import Account, contract, everything, reading, tables_of

STACK = "storefront-dev"
LOGS = {"/aws/lambda/storefront-dev", "/aws/apigateway/storefront-dev"}


def deployed(account: Account) -> str:
    """Package the stage and make it a stack. Returns where the emulator serves its API."""
    account.make("package", "STAGE=dev")
    said = account.make("stack", "STAGE=dev", "BUCKET=packages")
    (api_id,) = re.findall(r"The API responds at https://(\w+)\.execute-api\.[\w.-]+/dev/", said)
    return f"http://{api_id}.execute-api.localhost:{account.port}/dev"


def configure(account: Account, **settings: Any) -> None:
    """Change the configuration of dev in the checkout."""
    file = account.project / ".chalice" / "config.json"
    declared = json.loads(file.read_text())
    declared["stages"]["dev"]["infra"].update(settings)
    file.write_text(json.dumps(declared))


@pytest.mark.timeout(400)
def test_stack_is_created_updated_deleted_and_created_again(
    account: Account, record_property: Callable[[str, Any], None]
) -> None:
    """The contract holds; an update interrupts no read; tables stay, and are taken over."""
    account.make("account")
    account.client("s3").create_bucket(Bucket="packages")
    before = everything(account)

    url = deployed(account)
    record_property("contract, the stack", contract(url, "dev"))
    assert "There are no changes." in account.make("stack", "STAGE=dev", "BUCKET=packages")

    refused = account.start("deploy", "STAGE=dev")
    assert refused.stderr.startswith("The stage 'dev' is the stack storefront-dev: make stack ")

    api = Client(Live(url))
    old = api.get("/").json["version"]
    source = account.project / "chalicelib" / "__init__.py"
    source.write_text(source.read_text().replace(old, f"{old}.1"))
    configure(account, throttle={"rate": 70, "burst": 90}, log_retention_in_days=3)
    with reading(api) as times:
        assert deployed(account) == url
        assert times() > 0
    assert api.get("/").json["version"] == f"{old}.1"
    kept = api.post("/todos", {"task": "Stay"})

    cloudformation = account.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK)
    left = everything(account)
    assert left == before | {"tables": tables_of("dev"), "logs": before["logs"] | LOGS}

    again = Client(Live(deployed(account)))
    assert again.get(f"/todos/{kept.json['id']}").body == kept.body
