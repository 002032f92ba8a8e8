"""Nothing to spare: for each action on each resource in the policy, something fails without it.

That nothing is missing, and that the calls of the whole contract are the policy's, is seen in
test_stack.py.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from app import app
from chalicelib.storage import dynamodb
from infra import stages
from infra.data import tables
from infra.template import policy
from tests import sign_in
from tests.client import Client, InProcess
from tests.deployed.conftest import Account
from tests.deployed.templates import REGION
from tests.samples import SAMPLES, unique

# In this process the app has the tables of the stage `local`.
STAGE = stages.load("local")
DOCUMENT = policy.document(STAGE)
ROLE = "function"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
    ],
}

Probe = Callable[["Role"], bool]


class Role:
    """The function's role, with a policy that can be changed, and what is done with its rights."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.iam = account.client("iam")
        role = self.iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
        self.arn = role["Role"]["Arn"]
        given = account.client("sts").assume_role(RoleArn=self.arn, RoleSessionName="test")
        keys = given["Credentials"]
        self.keys = (keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        self.api = Client(InProcess(app), sign_in.staff())
        self.root = account.client("dynamodb")

    def allow(self, statements: list[Any]) -> None:
        """Allow what these statements allow, and nothing else."""
        document = {"Version": "2012-10-17", "Statement": statements}
        self.iam.put_role_policy(
            RoleName=ROLE, PolicyName="policy", PolicyDocument=json.dumps(document)
        )

    def answers(self, method: str, path: str, body: Any = None, **headers: str) -> bool:
        """Whether a request is answered as it should be, and not with a failure of ours."""
        return self.api.send(method, path, body, **headers).status < 500

    def may_log(self, action: str) -> bool:
        """Whether Lambda could write the function's log in its name."""
        logs = self.account.client("logs", self.keys)
        name = {"logGroupName": STAGE.log_group}
        try:
            if action == "logs:CreateLogGroup":
                logs.create_log_group(**name)
            elif action == "logs:CreateLogStream":
                logs.create_log_stream(**name, logStreamName=unique())
            else:
                event = {"timestamp": 1_700_000_000_000, "message": "{}"}
                logs.put_log_events(**name, logStreamName="there", logEvents=[event])
        except ClientError as error:
            return error.response["Error"]["Code"] == "ResourceAlreadyExistsException"
        return True

    def may_trace(self, action: str) -> bool:
        """Whether IAM would allow it: the emulator has no X-Ray to call."""
        (result,) = self.iam.simulate_principal_policy(
            PolicySourceArn=self.arn, ActionNames=[action], ResourceArns=["*"]
        )["EvaluationResults"]
        return bool(result["EvalDecision"] == "allowed")


@pytest.fixture(scope="module")
def role(account: Account) -> Iterator[Role]:
    """The role, on the tables and logs of a stage; the app in this process has its rights."""
    made = Role(account)
    for step in tables.plan(STAGE, made.root):
        step.act()
    logs = account.client("logs")
    logs.create_log_group(logGroupName=STAGE.log_group)
    logs.create_log_stream(logGroupName=STAGE.log_group, logStreamName="there")
    with pytest.MonkeyPatch.context() as patch:
        session = boto3.session.Session(*made.keys, region_name=REGION)
        limited = session.client("dynamodb", endpoint_url=account.url)
        patch.setattr(dynamodb, "client", limited)
        yield made


PATHS = {str(sample): sample for sample in SAMPLES}


def put(name: str) -> Probe:
    """Create an item, which puts it, and nothing else, into its table."""
    if name == "claims":
        return lambda role: role.answers("POST", "/todos", {"task": "Dust"}, Idempotency_Key="x")
    return lambda role: role.answers("POST", f"/{name}", PATHS[name].least())


def get(name: str) -> Probe:
    """Read an item; of the claims, an earlier answer."""
    if name == "claims":
        return lambda role: role.answers("POST", "/todos", {}, Idempotency_Key=unique())
    return lambda role: role.answers("GET", f"/{name}/nobody")


def update(name: str) -> Probe:
    """Change an item in a field that nothing else depends on."""

    def probe(role: Role) -> bool:
        field = {"users": "name", "products": "name", "todos": "task", "reviews": "review"}[name]
        return role.answers("PATCH", f"/{name}/there", {field: "Changed"})

    return probe


def delete(name: str) -> Probe:
    """Delete an item; for claims, the claim of a user that removes its username."""

    def probe(role: Role) -> bool:
        key = unique()
        if name == "claims":
            assert role.answers("POST", "/users", {"userId": key, "name": "Ada", "username": key})
            return role.answers("PATCH", f"/users/{key}", {"username": None})
        sample = PATHS[name]
        assert role.answers("POST", f"/{name}", sample.least() | {sample.key: key})
        return role.answers("DELETE", f"/{name}/{key}")

    return probe


def check(name: str) -> Probe:
    """Create a review of a product, which has to be there."""
    assert name == "products"
    return lambda role: role.answers("POST", "/reviews", {"review": "Good.", "productId": "there"})


def query(name: str) -> Probe:
    """List by the index."""
    table, _, index = name.partition("/index/")
    queries = {
        "collection-createdAt": "",
        "collection-price": "?sort=price",
        "emailLowercase-createdAt": "?email=a@shop.example",
        "usernameLowercase-createdAt": "?username=ada",
        "statusOfOwner-createdAt": "?status=done",
        "createdBy-createdAt": "?author=me",
        "productId-createdAt": "?productId=there",
    }
    return lambda role: role.answers("GET", f"/{table}{queries[index]}")


PROBES: dict[str, Callable[[str], Probe]] = {
    "dynamodb:ConditionCheckItem": check,
    "dynamodb:DeleteItem": delete,
    "dynamodb:GetItem": get,
    "dynamodb:PutItem": put,
    "dynamodb:Query": query,
    "dynamodb:UpdateItem": update,
}

# What stands in the policy: each action with each of its resources.
RIGHTS = [
    (action, resource)
    for statement in DOCUMENT["Statement"]
    for action in statement["Action"]
    for resource in (
        statement["Resource"]
        if isinstance(statement["Resource"], list)
        else [statement["Resource"]]
    )
]


def without(action: str, resource: str) -> list[Any]:
    """The policy without one action on one resource."""
    kept: list[Any] = []
    for statement in DOCUMENT["Statement"]:
        resources = statement["Resource"]
        for other in statement["Action"]:
            left = resources if isinstance(resources, list) else [resources]
            if other == action:
                left = [each for each in left if each != resource]
            if left:
                kept.append({"Effect": "Allow", "Action": [other], "Resource": left})
    return kept


def probe_of(action: str, resource: str) -> Probe:
    """What is done with a right."""
    if action.startswith("logs:"):
        return lambda role: role.may_log(action)
    if action.startswith("xray:"):
        return lambda role: role.may_trace(action)
    name = resource.rpartition(f"table/{STAGE.table_prefix}")[2]
    return PROBES[action](name)


@pytest.mark.parametrize(
    ("action", "resource"), RIGHTS, ids=[f"{action}-{arn[-40:]}" for action, arn in RIGHTS]
)
def test_every_permission_is_needed(role: Role, action: str, resource: str) -> None:
    """With the policy it works; without this one right it does not."""
    role.allow(DOCUMENT["Statement"])
    role.api.send("POST", "/users", {"userId": "there", "name": "Ada"})
    for path, item in (
        ("/products", {"id": "there", "name": "Teapot", "price": 3}),
        ("/todos", {"id": "there", "task": "Dust"}),
        ("/reviews", {"id": "there", "review": "Good."}),
    ):
        role.api.send("POST", path, item)
    probe = probe_of(action, resource)

    assert probe(role)
    role.allow(without(action, resource))
    assert not probe(role)


def test_content_security_policy_blocks_everything_else(role: Role) -> None:
    """Not even what a mistake would do first: scan, drop, or read what others have."""
    role.allow(DOCUMENT["Statement"])
    limited = role.account.client("dynamodb", role.keys)
    table = f"{STAGE.table_prefix}users"
    role.root.create_table(
        TableName="storefront-other-users",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    for forbidden in (
        lambda: limited.scan(TableName=table),
        lambda: limited.delete_table(TableName=table),
        limited.list_tables,
        lambda: limited.get_item(TableName="storefront-other-users", Key={"id": {"S": "x"}}),
        lambda: role.account.client("iam", role.keys).list_roles(),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            forbidden()
