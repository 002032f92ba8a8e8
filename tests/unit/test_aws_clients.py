"""The client: as boto3 makes it, but quicker."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import botocore
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import create_parser
from botocore.session import get_session
from urllib3 import HTTPResponse

from chalicelib import aws_clients, settings
from chalicelib.storage import dynamodb

KEY = {"id": {"S": "k"}}
TABLE = settings.TABLE_PREFIX + "sdk"
INDEX = "collection-createdAt"


def regions() -> list[str]:
    """Every region of every partition that has DynamoDB."""
    session = get_session()
    return [
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("dynamodb", partition_name=partition)
    ]


def certificates(file: Path) -> dict[str, str]:
    """The certificates in a file of botocore's, by label."""
    found = re.findall(
        r'# Label: "(.*?)"\n.*?(-----BEGIN .*?-----END CERTIFICATE-----)',
        file.read_text(),
        re.DOTALL,
    )
    return dict(found)


@pytest.fixture(scope="module")
def stock() -> Iterator[Any]:
    """boto3's own client, and a table to try it on."""
    client: Any = boto3.client("dynamodb")
    keys = {"id": "HASH"}, {"collection": "HASH", "createdAt": "RANGE"}
    schema, index = (
        [{"AttributeName": name, "KeyType": kind} for name, kind in each.items()] for each in keys
    )
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=schema,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for each in keys for name in each
        ],
        GlobalSecondaryIndexes=[
            {"IndexName": INDEX, "KeySchema": index, "Projection": {"ProjectionType": "ALL"}}
        ],
    )
    yield client
    # The same worker may come back to this module after others.
    client.delete_table(TableName=TABLE)


@pytest.fixture
def product(stock: Any) -> None:
    """One product, with an attribute of each type that JSON has."""
    stock.put_item(
        TableName=TABLE,
        Item={
            **KEY,
            "collection": {"S": "products"},
            "createdAt": {"S": "2026-11-20T09:30:00.125Z"},
            "price": {"N": "34.5"},
            "more": {"M": {"a": {"L": [{"BOOL": True}, {"NULL": True}, {"S": "é茶🍵"}]}}},
        },
    )


@pytest.mark.parametrize(
    ("call", "request_"),
    [
        ("get_item", {"Key": KEY}),
        ("get_item", {"Key": {"id": {"S": "none"}}}),
        (
            "query",
            {
                "IndexName": INDEX,
                "KeyConditionExpression": "#c = :c",
                "ExpressionAttributeNames": {"#c": "collection"},
                "ExpressionAttributeValues": {":c": {"S": "products"}},
            },
        ),
        ("put_item", {"Item": KEY}),
        (
            "update_item",
            {
                "Key": KEY,
                "UpdateExpression": "SET price = :p",
                "ExpressionAttributeValues": {":p": {"N": "1"}},
                "ReturnValues": "ALL_NEW",
            },
        ),
        ("delete_item", {"Key": KEY}),
    ],
)
def test_response_equals_boto3s(
    product: None, stock: Any, call: str, request_: dict[str, Any]
) -> None:
    """Members, values and status."""
    ours, theirs = (
        getattr(client, call)(TableName=TABLE, **request_) for client in (dynamodb.client, stock)
    )

    output, known = ours.pop("ResponseMetadata"), theirs.pop("ResponseMetadata")
    assert ours == theirs
    assert output["HTTPStatusCode"] == known["HTTPStatusCode"]


def test_error_equals_boto3s(product: None, stock: Any) -> None:
    """Code, message, and the item that broke the condition."""
    condition: dict[str, Any] = {
        "TableName": TABLE,
        "Item": KEY,
        "ConditionExpression": "attribute_not_exists(id)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    responses: list[Any] = []
    for client in (dynamodb.client, stock):
        with pytest.raises(ClientError) as caught:
            client.put_item(**condition)
        responses.append({**caught.value.response, "ResponseMetadata": None})

    ours, theirs = responses
    assert ours == theirs
    assert ours["Item"]["price"] == {"N": "34.5"}


def test_response_without_a_body() -> None:
    """What SQS sends for an operation without an output: no members, as botocore's own parser."""
    response = {"status_code": 200, "headers": {}, "body": b""}
    shape: Any = boto3.client("sqs").meta.service_model.operation_model("SendMessage").output_shape

    parsed = aws_clients.ResponseParser().parse(response, shape)

    assert parsed.keys() == create_parser("json").parse(response, shape).keys()


# The services that functions call, with an operation that needs no parameters.
OPERATIONS = {
    "dynamodb": "list_tables",
    "events": "list_event_buses",
    "secretsmanager": "list_secrets",
    "sqs": "list_queues",
}


def request_of(client: Any, operation: str) -> tuple[str, str]:
    """The URL of a client's request, and its signature's scope. Nothing is sent."""
    requests: list[Any] = []

    def respond(request: AWSPreparedRequest, **others: Any) -> AWSResponse:
        del others
        requests.append(request)
        body = HTTPResponse(BytesIO(b"{}"), preload_content=False)
        return AWSResponse(request.url, 200, HTTPHeaders(), body)

    client.meta.events.register_first("before-send", respond)
    getattr(client, operation)()
    (request,) = requests
    (scope,) = re.findall(r"Credential=[^/]+/\d+/(\S+),", request.headers["Authorization"].decode())
    return request.url, scope


@pytest.mark.parametrize("variable", ["", "AWS_USE_FIPS_ENDPOINT"])
@pytest.mark.parametrize("service", OPERATIONS)
def test_endpoint_of_every_region(
    service: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of China and of governments, whose hosts have other names."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "true")
    # One session for all, because it reads botocore's data only once.
    session: Any = boto3.session.Session()
    for region in regions():
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        ours = aws_clients.client(service, config=Config())
        stock = session.client(service, region_name=region)

        assert request_of(ours, OPERATIONS[service]) == request_of(stock, OPERATIONS[service])
        assert ours.meta.partition == stock.meta.partition


def test_certificate_authorities_equal_botocores() -> None:
    """Amazon's roots and Starfield's, which signed for Amazon before: all, to the letter."""
    theirs = certificates(Path(botocore.__file__).parent / "cacert.pem")
    amazons = {n: text for n, text in theirs.items() if n.startswith(("Amazon", "Starfield"))}

    ours = certificates(settings.AMAZON_ROOTS)

    assert ours == amazons
    assert len(ours) == 7
    assert settings.AMAZON_ROOTS.read_text().count("BEGIN CERTIFICATE") == 7
