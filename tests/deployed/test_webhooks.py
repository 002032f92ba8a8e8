"""Webhooks in the emulated account: from a request to receivers, signed, each for itself.

What the functions resolve and connect to is tests/internet; the rest of the way is the stack's. The
emulator checks no policy of a queue, and does not use the DeadLetterConfig of a rule's target. They
are asserted on the template.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from chalicelib.webhooks.delivery import MAX_ATTEMPTS
from chalicelib.webhooks.signature import new_secret
from tests.client import Client, Live
from tests.conftest import PROJECT
from tests.deployed.conftest import Account, running_account
from tests.deployed.templates import expanded, of_type
from tests.processes import eventually
from tests.receivers import Receiver, hang

STACK = "storefront-dev"
# The receivers' names and their addresses: "inside" is on this machine, and says so.
ADDRESSES = {
    "mail": "93.184.216.34",
    "search": "93.184.216.35",
    "hanging": "93.184.216.36",
    "inside": "127.0.0.1",
}
WEBHOOKS: dict[str, dict[str, Any]] = {
    name: {"url": f"https://{name}.shop.example/hooks", "secret": f"storefront/{name}"}
    for name in ADDRESSES
}
# What each has, by the ends of the logical ids.
PARTS = ("DeadLetters", "Function", "FunctionQueue", "Queue", "QueuePolicy", "Role", "Rule")
WEBHOOKS["search"]["events"] = ["product.*", "*.deleted"]


@pytest.fixture(scope="module")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Receiver]]:
    """The receivers by name, with certificates for their names, by an authority in ca.pem."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path_factory.getbasetemp() / "ca.pem"))
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(Receiver(authority, f"{name}.shop.example").running())
            for name in ADDRESSES
        }


@pytest.fixture(scope="module")
def account(
    tmp_path_factory: pytest.TempPathFactory, receivers: dict[str, Receiver]
) -> Iterator[Account]:
    """An account whose functions find the receivers."""
    internet = {
        "names": {f"{name}.shop.example": [address] for name, address in ADDRESSES.items()},
        "ports": {address: receivers[name].port for name, address in ADDRESSES.items()},
    }
    with running_account(
        tmp_path_factory.mktemp("account"),
        INTERNET=json.dumps(internet),
        PYTHONPATH=str(PROJECT / "tests" / "internet"),
        SSL_CERT_FILE=str(tmp_path_factory.getbasetemp() / "ca.pem"),
    ) as running:
        yield running


@pytest.mark.timeout(300)
def test_changes_reach_receivers(account: Account, receivers: dict[str, Receiver]) -> None:
    """Signed, of the types that each asks for; one that hangs, and one inside, delay no other."""
    secrets = {name: new_secret() for name in WEBHOOKS}
    for name, secret in secrets.items():
        account.client("secretsmanager").create_secret(
            Name=f"storefront/{name}", SecretString=secret
        )
    account.make("account")
    account.client("s3").create_bucket(Bucket="packages")
    account.issuer = {"OIDC_ISSUER": "none"}
    account.configure(events=True, alarms=False, webhooks=WEBHOOKS)
    api = Client(Live(account.deploy_stack()))
    receivers["hanging"].answer = hang

    created = api.create("/products", {"id": "cup", "name": "Cup", "price": 12.5})
    api.create("/todos", {"id": "dust", "task": "Dust"})
    api.send("DELETE", "/todos/dust")

    mail, search = receivers["mail"].requests, receivers["search"].requests
    eventually(lambda: len(mail) == 3 and len(search) == 2)
    types = {"product.created", "todo.created", "todo.deleted"}
    assert {json.loads(each.body)["type"] for each in mail} == types
    assert {json.loads(each.body)["type"] for each in search} == types - {"todo.created"}
    assert all(each.is_signed_with(secrets["mail"]) for each in mail)
    assert all(each.is_signed_with(secrets["search"]) for each in search)
    (event,) = [json.loads(each.body) for each in mail if b"product.created" in each.body]
    assert event["data"]["item"] == json.loads(json.dumps(created, default=float))
    eventually(lambda: len(log_lines(account, "inside")) == 3)
    assert {each["error"] for each in log_lines(account, "inside")} == {"AddressRefused"}
    assert receivers["inside"].requests == []
    assert waiting(account, "Inside") == waiting(account, "Hanging") == 3
    eventually(lambda: waiting(account, "Mail") == waiting(account, "Search") == 0)
    assert set(outputs(account)) >= {"WebhookMailQueueArn", "WebhookMailDeadLettersArn"}


def queue_url(account: Account, name: str) -> str:
    """The URL of a queue by the end of its logical id."""
    resources = account.client("cloudformation").describe_stack_resources(StackName=STACK)
    (url,) = [
        each["PhysicalResourceId"]
        for each in resources["StackResources"]
        if each["LogicalResourceId"] == f"Webhook{name}"
    ]
    return str(url)


def waiting(account: Account, name: str) -> int:
    """How many messages a webhook's queue has, visible or not."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    response = account.client("sqs").get_queue_attributes(
        QueueUrl=queue_url(account, f"{name}Queue"), AttributeNames=names
    )
    return sum(int(value) for value in response["Attributes"].values())


def log_lines(account: Account, name: str) -> list[dict[str, Any]]:
    """The log lines of a webhook's function."""
    logs = account.client("logs")
    groups = [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]
    messages = [
        event["message"]
        for group in groups
        for event in logs.filter_log_events(logGroupName=group)["events"]
    ]
    return [json.loads(each) for each in messages if f'"webhook":"{name}"' in each]


def outputs(account: Account) -> dict[str, str]:
    """The outputs of the stack."""
    (stack,) = account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def package(account: Account, **settings: Any) -> Path:
    """Package dev with other settings. Returns dist/dev."""
    account.configure(**settings)
    account.make("package", "STAGE=dev", "OIDC_ISSUER=none")
    return account.project / "dist" / "dev"


def test_template(account: Account) -> None:
    """Each webhook has its own rule, queues, function and role, and shares none of them."""
    resources = expanded(package(account, events=True, alarms=True, webhooks=WEBHOOKS))

    for name in ("Mail", "Search", "Hanging", "Inside"):
        own = {part: resources[f"Webhook{name}{part}"]["Properties"] for part in PARTS}
        queue, dead = (
            {"Fn::GetAtt": [f"Webhook{name}{part}", "Arn"]} for part in ("Queue", "DeadLetters")
        )
        assert own["Queue"]["RedrivePolicy"] == {
            "deadLetterTargetArn": dead,
            "maxReceiveCount": MAX_ATTEMPTS,
        }
        # SQS keeps the time of the publication: what moves at the end must not be too old at once.
        assert own["DeadLetters"]["MessageRetentionPeriod"] == 14 * 24 * 3600
        assert own["Queue"]["MessageRetentionPeriod"] == 4 * 24 * 3600
        (target,) = own["Rule"]["Targets"]
        assert (target["Arn"], target["DeadLetterConfig"]) == (queue, {"Arn": dead})
        (statement,) = own["QueuePolicy"]["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Resource"] == [queue, dead]
        source = statement["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Sub"]
        assert source.endswith(f":rule/{STACK}/{name.lower()}")
        assert (own["Rule"]["Name"], own["Rule"]["EventBusName"]) == (
            name.lower(),
            {"Ref": "EventBus"},
        )
        # EventBridge discards what a queue refuses: it must be allowed first.
        assert resources[f"Webhook{name}Rule"]["DependsOn"] == f"Webhook{name}QueuePolicy"
        assert own["Function"]["Timeout"] < own["Queue"]["VisibilityTimeout"]
        assert own["FunctionQueue"] == {
            "BatchSize": 1,
            "EventSourceArn": queue,
            "FunctionName": {"Ref": f"Webhook{name}Function"},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": 5},
        }
        assert allowed(own["Role"]) == {
            f"WebhookMailQueue {action}".replace("Mail", name)
            for action in (
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            )
        } | {
            f"Webhook{name}DeadLetters sqs:SendMessage",
            f"rule/{STACK}/{name.lower()} events:DisableRule",
            f"secret:storefront/{name.lower()}-?????? secretsmanager:GetSecretValue",
            "WebhooksLogGroup logs:CreateLogStream",
            "WebhooksLogGroup logs:PutLogEvents",
            "* xray:PutTelemetryRecords",
            "* xray:PutTraceSegments",
        }
        assert {f"Webhook{name}DeadLettersAlarm", f"Webhook{name}AgeAlarm"} <= set(resources)
    pattern = resources["WebhookMailRule"]["Properties"]["EventPattern"]
    assert pattern == {"source": ["storefront.dev"]}
    assert resources["WebhookSearchRule"]["Properties"]["EventPattern"] == {
        "source": ["storefront.dev"],
        "detail-type": [{"prefix": "product."}, {"suffix": ".deleted"}],
    }


def allowed(role: dict[str, Any]) -> set[str]:
    """What a role allows: the logical id of a resource, or the end of its ARN, and an action."""
    (inline,) = role["Policies"]
    found = set()
    for statement in inline["PolicyDocument"]["Statement"]:
        resources = statement["Resource"]
        for resource in resources if isinstance(resources, list) else [resources]:
            match resource:
                case {"Fn::GetAtt": [name, "Arn"]} | {"Fn::Sub": name} | name:
                    end = name.partition("${AWS::AccountId}:")[2] or name
                    found |= {f"{end} {action}" for action in statement["Action"]}
    return found


def test_function_of_the_api_is_the_same(account: Account) -> None:
    """With events and webhooks, and without: its cold start and its requests cannot differ."""
    settings = (
        {"events": False, "webhooks": {}, "alarms": False},
        {"events": True, "webhooks": WEBHOOKS},
    )
    packages = []
    for each in settings:
        folder = package(account, **each)
        resources = expanded(folder)
        api = [resources[name] for name in ("APIHandler", "ApiHandlerRole")]
        packages.append((api, (folder / "deployment.zip").read_bytes()))

    assert packages[0] == packages[1]
    assert of_type(expanded(account.project / "dist" / "dev"), "AWS::Events::Rule")
