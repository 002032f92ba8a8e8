"""`make package` and `make stack`: the template as a stack, its change and its end.

The stage has no issuer at first, so that the stack makes a user pool. The pool is then named as the
issuer, with its keys, because the emulator is not at the address that Cognito has.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from infra import stages
from infra.template import policy
from tests.client import Client, Live
from tests.deployed.conftest import Account, contract, everything, reading, tables_of
from tests.deployed.templates import REGION

STACK = "storefront-dev"
PASSWORD = "Dust-the-shelves-7"
LOGS = {"/aws/lambda/storefront-dev", "/aws/apigateway/storefront-dev"}


class Callers(NamedTuple):
    """The `Authorization` headers of a staff member, a customer and a machine."""

    staff: str
    customer: str
    machine: str


def sign_in_with_the_pool(account: Account) -> Callers:
    """Name the stack's pool as the issuer, and sign in there."""
    cognito = account.client("cognito-idp")
    outputs = outputs_of(account)
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
    machine = cognito.create_user_pool_client(
        **pool,
        ClientName="stock-sync",
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["storefront/staff"],
    )["UserPoolClient"]
    granted = httpx.post(
        f"{account.url}/oauth2/token",
        auth=(machine["ClientId"], machine["ClientSecret"]),
        data={"grant_type": "client_credentials", "scope": "storefront/staff"},
    )
    headers.append(f"Bearer {granted.json()['access_token']}")
    keys = httpx.get(f"{account.url}/{pool['UserPoolId']}/.well-known/jwks.json").text
    account.issuer = {
        "OIDC_ISSUER": outputs["Issuer"],
        "OIDC_AUDIENCE": f"{client} {machine['ClientId']} storefront",
        "OIDC_ROLES": "cognito:groups scope",
        "OIDC_KEYS": keys,
    }
    return Callers(*headers)


def outputs_of(account: Account) -> dict[str, str]:
    """The outputs of the stack."""
    stack = account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def check_the_pool(account: Account) -> None:
    """The function accepts the pool's tokens for the front end's client, and for named ones."""
    outputs = outputs_of(account)
    client = account.client("cognito-idp").describe_user_pool_client(
        UserPoolId=outputs["UserPoolId"], ClientId=outputs["UserPoolClientId"]
    )["UserPoolClient"]
    (function,) = account.client("lambda").list_functions()["Functions"]
    variables = function["Environment"]["Variables"]

    assert client["CallbackURLs"] == ["https://shop.example/", "https://staff.example/"]
    assert variables["OIDC_ISSUER"] == outputs["Issuer"]
    assert outputs["Issuer"].endswith(f"/{outputs['UserPoolId']}")
    assert outputs["SignInUrl"].startswith("https://storefront-dev-")
    audiences = [outputs["UserPoolClientId"], "storefront", "machine-1", "machine-2"]
    assert variables["OIDC_AUDIENCE"].split() == audiences
    assert variables["DOCS_CLIENT_ID"] == outputs["UserPoolClientId"]


@pytest.mark.timeout(400)
def test_stack_is_created_updated_deleted_and_created_again(
    account: Account, record_property: Callable[[str, Any], None]
) -> None:
    """The contract holds; an update interrupts no read; tables stay, and are taken over."""
    account.make("account")
    account.client("s3").create_bucket(Bucket="packages")
    before = everything(account)

    account.issuer = {
        "CALLBACK_URLS": "https://shop.example/,https://staff.example/",
        "MACHINE_CLIENTS": "machine-1 machine-2",
    }
    url = account.deploy_stack()
    check_the_pool(account)
    account.make("package", "STAGE=dev", "OIDC_ISSUER=none")
    refusal = account.start("stack", "STAGE=dev", "BUCKET=packages")
    assert "and the package those of none: every caller would have to sign in" in refusal.stderr
    staff, customer, machine = sign_in_with_the_pool(account)
    # The issuer is not where the emulator is.
    assert Client(Live(url), staff).send("GET", "/users").status == 503
    assert account.deploy_stack() == url
    record_property("contract, the stack", contract(url, staff))
    table = "arn:aws:dynamodb:{}:{}:table/".format(
        REGION, account.client("sts").get_caller_identity()["Account"]
    )
    allowed = {
        (action, resource.replace("arn:*:dynamodb:*:*:table/", table))
        for statement in policy.document(stages.load("dev"))["Statement"]
        for action in statement["Action"]
        if action.startswith("dynamodb:")
        for resource in statement["Resource"]
    }
    # The emulator takes no role for the function's log, and has no X-Ray.
    assert account.calls == allowed
    # It deletes what it has created.
    for path in ("/users", "/products", "/reviews"):
        assert Client(Live(url), staff).get(path).json["items"] == []
    assert Client(Live(url), machine).get("/users?limit=1").status == 200
    of_customer = Client(Live(url), customer)
    assert of_customer.get("/todos").json["items"] == []
    assert of_customer.get("/users").status == 403
    anonymous = Client(Live(url))
    assert anonymous.get("/products").status == 200
    refused = anonymous.get("/todos")
    assert (refused.status, refused.headers["x-amzn-remapped-www-authenticate"]) == (401, "Bearer")
    assert "There are no changes." in account.make("stack", "STAGE=dev", "BUCKET=packages")

    api = Client(Live(url), staff)
    old = api.get("/").json["version"]
    source = account.project / "chalicelib" / "__init__.py"
    source.write_text(source.read_text().replace(old, f"{old}.1"))
    account.configure(throttle={"rate": 70, "burst": 90}, log_retention_in_days=3)
    with reading(api) as times:
        assert account.deploy_stack() == url
        assert times() > 0
    assert api.get("/").json["version"] == f"{old}.1"
    kept = api.post("/products", {"name": "Stay", "price": 3})

    cloudformation = account.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK)
    left = everything(account)
    assert left == before | {"tables": tables_of("dev"), "logs": before["logs"] | LOGS}

    # The pool has outlived the stack that made it.
    again = Client(Live(account.deploy_stack()), staff)
    assert again.get(f"/products/{kept.json['id']}").body == kept.body
    assert again.get("/users?limit=1").status == 200
