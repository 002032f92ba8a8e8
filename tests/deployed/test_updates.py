"""Updates of a stack that AWS would refuse, or ignore, without care for versions and indexes."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.client import Client, Live
from tests.deployed.conftest import Account
from tests.processes import change

STAGE = "storefront-dev"
PRODUCTS = "storefront-dev-products"


def function_name(account: Account) -> str:
    """The name of the API's function, which CloudFormation has chosen."""
    stack = account.client("cloudformation").describe_stacks(StackName=STAGE)["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    name: str = outputs["APIHandlerName"]
    return name


def live_version(account: Account) -> dict[str, Any]:
    """The configuration of the version that API Gateway calls."""
    client, name = account.client("lambda"), function_name(account)
    number = client.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    configuration: dict[str, Any] = client.get_function_configuration(
        FunctionName=name, Qualifier=number
    )
    return configuration


def configure(account: Account, act: Callable[[dict[str, Any]], None]) -> None:
    """Change the whole configuration of dev in the checkout."""
    file = account.project / ".chalice" / "config.json"
    declared = json.loads(file.read_text())
    act(declared["stages"]["dev"])
    file.write_text(json.dumps(declared))


@pytest.mark.timeout(300)
def test_updates_of_a_stage_with_an_alias(account: Account) -> None:
    """Tags alone, reserved concurrency alone, machine clients alone, and an API key's plan."""
    account.make("account")
    account.client("s3").create_bucket(Bucket="packages")
    account.issuer = {"MACHINE_CLIENTS": "machine-1", "CALLBACK_URLS": "https://shop.example/"}
    account.configure(deployment="AllAtOnce")
    account.deploy_stack()
    first = live_version(account)
    assert "There are no changes." in account.make("stack", "STAGE=dev", "BUCKET=packages")

    configure(account, lambda dev: dev["tags"].update(team="shop"))
    account.deploy_stack()
    tags = account.client("lambda").list_tags(Resource=first["FunctionArn"].rpartition(":")[0])
    assert tags["Tags"]["team"] == "shop"
    configure(account, lambda dev: dev.update(reserved_concurrency=7))
    account.deploy_stack()

    account.issuer["MACHINE_CLIENTS"] = "machine-1 machine-2"
    said = account.make("stack", "STAGE=dev", "BUCKET=packages")
    assert "There are no changes." not in said
    last = live_version(account)
    assert int(last["Version"]) == int(first["Version"]) + 3
    assert last["Environment"]["Variables"]["OIDC_AUDIENCE"].endswith(" machine-1 machine-2")
    # What the alias has left is deleted, but for the version before.
    versions = account.client("lambda").list_versions_by_function(
        FunctionName=function_name(account)
    )["Versions"]
    numbers = [each["Version"] for each in versions if each["Version"] != "$LATEST"]
    assert numbers == [str(int(last["Version"]) - 1), last["Version"]]

    account.configure(usage_plan={"rate": 5, "burst": 7, "requests_per_month": 1000})
    account.make("package", "STAGE=dev")
    assert "The API responds at" in account.make("stack", "STAGE=dev", "BUCKET=packages")


@pytest.mark.timeout(300)
def test_new_index_is_built_before_the_code_that_reads_it(empty_account: Account) -> None:
    """Also if a deployment that was rolled back has left it; no list fails meanwhile."""
    account = empty_account
    account.make("account")
    account.client("s3").create_bucket(Bucket="packages")
    account.issuer = {"OIDC_ISSUER": "none"}
    api = Client(Live(account.deploy_stack()))
    product = api.create("/products", {"name": "Cup", "price": 5})
    change(
        account.project / "chalicelib" / "models.py",
        'ranges=("price",),',
        'ranges=("price",),\n    filters=("name",),',
    )
    dynamodb = account.client("dynamodb")
    dynamodb.update_table(
        TableName=PRODUCTS,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("name", "createdAt")
        ],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "name-createdAt",
                    "KeySchema": [
                        {"AttributeName": "name", "KeyType": "HASH"},
                        {"AttributeName": "createdAt", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            }
        ],
    )

    account.make("package", "STAGE=dev")
    said = account.make("stack", "STAGE=dev", "BUCKET=packages")

    lines = [line.strip() for line in said.splitlines()]
    built = lines.index(f"DynamoDB builds the index name-createdAt of {PRODUCTS} ...")
    left = next(n for n, line in enumerate(lines) if "is left of a deployment" in line)
    assert left < lines.index("Modify ProductsTable") < built < lines.index("Modify APIHandler")
    # With the code, the index can be queried.
    assert api.get("/products", {"name": "Cup"}).json["items"] == [product]
