"""Change events in the emulated account: from a request to a queue behind the bus, and sent again.

The emulator keeps MaximumRetryAttempts, BisectBatchOnFunctionError and FunctionResponseTypes of an
event source without acting on them. They are asserted on the template.
"""

import json
from typing import Any

import pytest

from tests.client import Client, Live
from tests.deployed.conftest import Account
from tests.deployed.templates import expanded, of_type
from tests.processes import eventually

STACK = "storefront-dev"


class Receiver:
    """A queue of another system, behind a rule of the event bus."""

    def __init__(self, account: Account) -> None:
        self.sqs = account.client("sqs")
        self.url = self.sqs.create_queue(QueueName="search")["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        events = account.client("events")
        pattern = {"source": ["storefront.dev"]}
        bus = {"EventBusName": STACK}
        events.put_rule(Name="search", EventPattern=json.dumps(pattern), **bus)
        target = {"Id": "search", "Arn": attributes["Attributes"]["QueueArn"]}
        events.put_targets(Rule="search", Targets=[target], **bus)
        self.received: list[dict[str, Any]] = []

    def has(self, count: int) -> bool:
        """Whether so many events have come."""
        response = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
        for message in response.get("Messages", []):
            self.received.append(json.loads(message["Body"])["detail"])
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return len({each["id"] for each in self.received}) >= count


def outputs(account: Account) -> dict[str, str]:
    """The outputs of the stack."""
    (stack,) = account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


@pytest.mark.timeout(240)
def test_changes_reach_a_receiver(account: Account) -> None:
    """Created, changed and deleted through API Gateway; what failed is published by the command."""
    account.make("account")
    account.client("s3").create_bucket(Bucket="packages")
    account.issuer = {"OIDC_ISSUER": "none"}
    account.configure(events=True, alarms=False)
    api = Client(Live(account.deploy_stack()))
    receiver = Receiver(account)

    created = api.create("/products", {"id": "cup", "name": "Cup", "price": 12.5})
    api.patch("/products/cup", {"price": 13})
    api.send("DELETE", "/products/cup")
    api.create("/users", {"userId": "ada", "name": "Ada", "email": "ada@shop.example"})

    eventually(lambda: receiver.has(4))
    of_product = [each for each in receiver.received if each["subject"] == "cup"]
    by_type = {each["type"]: each["data"] for each in of_product}
    assert by_type["product.created"]["item"] == json.loads(json.dumps(created, default=float))
    assert by_type["product.updated"]["changed"] == ["price"]
    assert set(by_type) == {"product.created", "product.updated", "product.deleted"}
    (user,) = [each for each in receiver.received if each["subject"] == "ada"]
    assert "ada@shop.example" not in json.dumps(user)
    assert "Published 0 changes" in account.make("events-resend", "STAGE=dev")
    send_to_the_queue(account)
    receiver.received.clear()

    output = account.make("events-resend", "STAGE=dev")

    assert "Published 3 changes from the queue." in output
    eventually(lambda: receiver.has(3))
    assert {each["type"] for each in receiver.received} == set(by_type)


def send_to_the_queue(account: Account) -> None:
    """Put into the queue what Lambda puts there: where the records of the product are."""
    streams = account.client("dynamodbstreams")
    (stream,) = streams.list_streams(TableName=f"{STACK}-products")["Streams"]
    arn = stream["StreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    start = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    records = streams.get_records(ShardIterator=start["ShardIterator"])["Records"]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    batch = {
        "shardId": shard["ShardId"],
        "startSequenceNumber": numbers[0],
        "endSequenceNumber": numbers[2],
        "batchSize": 3,
        "streamArn": arn,
    }
    account.client("sqs").send_message(
        QueueUrl=outputs(account)["EventsQueueUrl"],
        MessageBody=json.dumps({"DDBStreamBatchInfo": batch}),
    )


@pytest.fixture(scope="module")
def resources(account: Account) -> dict[str, Any]:
    """The resources of dev with events, read before another test packages dev again."""
    account.configure(events=True, alarms=True)
    account.make("package", "STAGE=dev", "OIDC_ISSUER=none")
    return expanded(account.project / "dist" / "dev")


def test_event_sources(resources: dict[str, Any]) -> None:
    """Every table of items has one; retries are bounded, and what fails goes to the queue."""
    tables = of_type(resources, "AWS::DynamoDB::Table")
    streams = {name for name, each in tables.items() if "StreamSpecification" in each["Properties"]}
    assert streams == set(tables) - {"ClaimsTable"}
    sources = of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    assert {each["Properties"]["EventSourceArn"]["Fn::GetAtt"][0] for each in sources} == streams
    for source in sources:
        properties = source["Properties"]
        assert properties["BisectBatchOnFunctionError"] is True
        assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert properties["MaximumRetryAttempts"] == -1
        assert properties["MaximumRecordAgeInSeconds"] == 6 * 3600
        assert properties["DestinationConfig"]["OnFailure"]["Destination"] == {
            "Fn::GetAtt": ["EventsQueue", "Arn"]
        }
    assert {"EventsQueueAlarm", "EventsAgeAlarm"} <= set(resources)


def test_role_of_the_function(resources: dict[str, Any]) -> None:
    """Streams, bus, queue and log: no item of a table."""
    assert resources["EventsFunction"]["Properties"]["Role"] == {
        "Fn::GetAtt": ["EventsRole", "Arn"]
    }
    (inline,) = resources["EventsRole"]["Properties"]["Policies"]
    statements = inline["PolicyDocument"]["Statement"]
    allowed = {action for each in statements for action in each["Action"]}
    assert allowed == {
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "events:PutEvents",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:SendMessage",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }


def test_no_stream_without_the_setting(account: Account) -> None:
    """Off costs nothing, and the API's function never has the streams' permissions."""
    account.configure(events=False)
    account.make("package", "STAGE=dev", "OIDC_ISSUER=none")
    resources = expanded(account.project / "dist" / "dev")

    assert "StreamSpecification" not in json.dumps(resources)
    assert of_type(resources, "AWS::Lambda::EventSourceMapping") == {}
    assert of_type(resources, "AWS::Events::EventBus") == {}
