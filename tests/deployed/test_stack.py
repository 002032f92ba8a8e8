"""`make package` and `make stack`: the template as a stack, its change and its end.

The stage has no issuer, so that the stack has a user pool, whose tokens the API accepts. Its keys
are given to the function, because the emulator is not at the address that Cognito has.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.client import Client, Live
from tests.deployed.conftest import Account, contract, everything, reading, tables_of

STACK = "storefront-dev"
PASSWORD = "Dust-the-shelves-7"
LOGS = {"/aws/lambda/storefront-dev", "/aws/apigateway/storefront-dev"}


def deployed(account: Account) -> str:
    """Package the stage and make it a stack. Returns where the emulator serves its API."""
    account.make("package", "STAGE=dev")
    said = account.make("stack", "STAGE=dev", "BUCKET=packages")
    (api_id,) = re.findall(r"The API responds at https://(\w+)\.execute-api\.[\w.-]+/dev/", said)
    return f"http://{api_id}.execute-api.localhost:{account.port}/dev"


def sign_in_with_the_pool(account: Account) -> tuple[str, str]:
    """Let the API accept the pool's tokens. Returns the headers of a staff member and customer."""
    cognito = account.client("cognito-idp")
    stack = account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    pool = {"UserPoolId": outputs["UserPoolId"]}
    # The front end's client has no such flow.
    made = cognito.create_user_pool_client(
        **pool, ClientName="tests", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    )
    client = made["UserPoolClient"]["ClientId"]
    headers = []
    for name in ("sue", "ada"):
        user = {**pool, "Username": f"{name}@shop.example"}
        cognito.admin_create_user(**user, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(**user, Password=PASSWORD, Permanent=True)
        if name == "sue":
            cognito.admin_add_user_to_group(**user, GroupName="staff")
        tokens = cognito.admin_initiate_auth(
            **pool,
            ClientId=client,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": user["Username"], "PASSWORD": PASSWORD},
        )["AuthenticationResult"]
        headers.append(f"Bearer {tokens['AccessToken']}")
    keys = httpx.get(f"{account.url}/{pool['UserPoolId']}/.well-known/jwks.json").text
    account.issuer = {"OIDC_KEYS": keys, "MACHINE_CLIENTS": client}
    return headers[0], headers[1]


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

    account.issuer = {}
    url = deployed(account)
    staff, customer = sign_in_with_the_pool(account)
    # The issuer is not where the emulator is.
    assert Client(Live(url), staff).send("GET", "/users").status == 503
    assert deployed(account) == url
    record_property("contract, the stack", contract(url, "dev", staff))
    of_customer = Client(Live(url), customer)
    assert of_customer.get("/todos").json["items"] == []
    assert of_customer.get("/users").status == 403
    anonymous = Client(Live(url))
    assert anonymous.get("/products").status == 200
    refused = anonymous.get("/todos")
    assert (refused.status, refused.headers["x-amzn-remapped-www-authenticate"]) == (401, "Bearer")
    assert "There are no changes." in account.make("stack", "STAGE=dev", "BUCKET=packages")

    refusal = account.start("deploy", "STAGE=dev", OIDC_ISSUER="none")
    assert refusal.stderr.startswith("The stage 'dev' is the stack storefront-dev: make stack ")

    api = Client(Live(url), staff)
    old = api.get("/").json["version"]
    source = account.project / "chalicelib" / "__init__.py"
    source.write_text(source.read_text().replace(old, f"{old}.1"))
    configure(account, throttle={"rate": 70, "burst": 90}, log_retention_in_days=3)
    with reading(api) as times:
        assert deployed(account) == url
        assert times() > 0
    assert api.get("/").json["version"] == f"{old}.1"
    kept = api.post("/products", {"name": "Stay", "price": 3})

    cloudformation = account.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK)
    left = everything(account)
    assert left == before | {"tables": tables_of("dev"), "logs": before["logs"] | LOGS}

    # The pool is a new one.
    again = Client(Live(deployed(account)))
    assert again.get(f"/products/{kept.json['id']}").body == kept.body
