"""Updates of a stack that AWS would refuse, or ignore, without care for versions and indexes."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.client import Client, Live
from tests.deployed.conftest import Account
from tests.processes import change, eventually

STAGE = "storefront-dev"
PRODUCTS = "storefront-dev-products"


@pytest.fixture
def open_account(empty_account: Account) -> Account:
    """An account with a bucket for packages, whose stage is open."""
    empty_account.make("account")
    empty_account.client("s3").create_bucket(Bucket="packages")
    empty_account.issuer = {"OIDC_ISSUER": "none"}
    return empty_account


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


def roll_back(account: Account) -> None:
    """Update the stack with a template that cannot be deployed."""
    client = account.client("cloudformation")
    body = client.get_template(StackName=STAGE, TemplateStage="Original")["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    template["Resources"]["Broken"] = {
        "Type": "AWS::CloudFront::Function",
        "Properties": {"Name": "broken", "FunctionCode": "", "FunctionConfig": {}},
    }
    parameters = [
        {"ParameterKey": name, "UsePreviousValue": True} for name in template["Parameters"]
    ]
    account.client("s3").put_object(
        Bucket="packages", Key="broken.json", Body=json.dumps(template).encode()
    )
    client.update_stack(
        StackName=STAGE,
        TemplateURL=f"{account.url}/packages/broken.json",
        Parameters=parameters,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )

    def is_rolled_back() -> bool:
        status = client.describe_stacks(StackName=STAGE)["Stacks"][0]["StackStatus"]
        return bool(status == "UPDATE_ROLLBACK_COMPLETE")

    eventually(is_rolled_back)


@pytest.mark.timeout(300)
def test_table_that_is_imported_without_an_index(open_account: Account) -> None:
    """CloudFormation would not see what it lacks, and lists would fail."""
    open_account.make("tables", "STAGE=dev")
    add_filter(open_account)
    open_account.make("package", "STAGE=dev")

    refused = open_account.start("stack", "STAGE=dev", "BUCKET=packages")

    assert "without the index name-createdAt: make tables STAGE=dev" in refused.stderr
    open_account.make("tables", "STAGE=dev")
    open_account.make("stack", "STAGE=dev", "BUCKET=packages")


def add_filter(account: Account) -> None:
    """Declare a filter of products, which needs an index."""
    change(
        account.project / "chalicelib" / "models.py",
        'ranges=("price",),',
        'ranges=("price",),\n    filters=("name",),',
    )


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

    # As a deployment does that is rolled back: the alias does not get its version.
    functions, name = account.client("lambda"), function_name(account)
    live = live_version(account)["Version"]
    functions.update_function_configuration(FunctionName=name, Description="rolled back")
    failed = functions.publish_version(FunctionName=name)["Version"]
    account.issuer["MACHINE_CLIENTS"] = "machine-1 machine-2"
    output = account.make("stack", "STAGE=dev", "BUCKET=packages")
    assert "There are no changes." not in output
    last = live_version(account)
    assert int(last["Version"]) == int(first["Version"]) + 4
    assert last["Environment"]["Variables"]["OIDC_AUDIENCE"].endswith(" machine-1 machine-2")
    # Every other version is deleted, but for the one that the alias had before.
    versions = functions.list_versions_by_function(FunctionName=name)["Versions"]
    numbers = [each["Version"] for each in versions if each["Version"] != "$LATEST"]
    assert numbers == [live, last["Version"]]
    assert f"Old versions of the function were deleted: {int(live) - 1}, {failed}." in output

    account.configure(usage_plan={"rate": 5, "burst": 7, "requests_per_month": 1000})
    account.make("package", "STAGE=dev")
    assert "The API responds at" in account.make("stack", "STAGE=dev", "BUCKET=packages")


@pytest.mark.timeout(300)
def test_new_index_is_built_before_the_code_that_reads_it(open_account: Account) -> None:
    """Also if a deployment that was rolled back has left it; no list fails meanwhile."""
    api = Client(Live(open_account.deploy_stack()))
    product = api.create("/products", {"name": "Cup", "price": 5})
    add_filter(open_account)
    dynamodb = open_account.client("dynamodb")
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

    open_account.make("package", "STAGE=dev")
    refused = open_account.start("stack", "STAGE=dev", "BUCKET=packages")
    assert f"The index name-createdAt of {PRODUCTS} exists" in refused.stderr
    roll_back(open_account)
    output = open_account.make("stack", "STAGE=dev", "BUCKET=packages")

    lines = [line.strip() for line in output.splitlines()]
    built = lines.index(f"DynamoDB builds the index name-createdAt of {PRODUCTS} ...")
    left = next(n for n, line in enumerate(lines) if "is left of a deployment" in line)
    assert left < lines.index("Modify ProductsTable") < built < lines.index("Modify APIHandler")
    # With the code, the index can be queried.
    assert api.get("/products", {"name": "Cup"}).json["items"] == [product]
