"""The tests' clients refuse what DynamoDB refuses, although the emulators accept it."""

from typing import Any

import boto3
import pytest

from tests.dynamodb_limits import RefusedByDynamoDB, note, problems

INDEX = {"Create": {"IndexName": "i"}}
VALUES = ", ".join(f":{n}" for n in range(101))


@pytest.mark.parametrize(
    ("action", "request_", "sentence"),
    [
        ("UpdateTable", {"GlobalSecondaryIndexUpdates": [INDEX] * 2}, "only one index"),
        ("PutItem", {"ConditionExpression": f"#0 IN ({VALUES})"}, "IN with more than 100"),
        ("PutItem", {"ConditionExpression": " OR ".join(["#0 = :0"] * 151)}, "300 operators"),
        ("DeleteItem", {"ConditionExpression": "#0" + " " * 4096}, "more than 4096 bytes"),
        (
            "Query",
            {
                "KeyConditionExpression": "#0 = :0",
                "ExpressionAttributeValues": {":0": {"S": "1" * 2049}},
            },
            "a key of 2049 bytes",
        ),
        (
            "Query",
            {
                "KeyConditionExpression": "#0 = :0 AND #1 > :1",
                "ExpressionAttributeValues": {":0": {"S": "a"}, ":1": {"S": "é" * 513}},
            },
            "a key of 1026 bytes; 1 to 1024",
        ),
        ("UpdateItem", {"UpdateExpression": "SET #0 = :0 REMOVE #0"}, "paths overlap: name"),
        ("UpdateItem", {"UpdateExpression": "SET #0 = :0, #0 = :1"}, "paths overlap: name"),
        ("UpdateItem", {"UpdateExpression": "SET #1 = :0"}, "attribute id: it is part of the key"),
    ],
)
def test_requests_that_dynamodb_refuses(
    action: str, request_: dict[str, Any], sentence: str
) -> None:
    """Also as a part of a transaction."""
    names = {"#0": "name", "#1": "id"}
    request = {
        "TableName": "x",
        "Key": {"id": {"S": "a"}},
        "ExpressionAttributeNames": names,
        **request_,
    }

    assert any(sentence in each for each in problems(action, request))
    if action.endswith("Item"):
        write = {action.removesuffix("Item"): request}
        transaction = {"TransactItems": [write]}
        assert any(sentence in each for each in problems("TransactWriteItems", transaction))


def test_requests_that_depend_on_the_table() -> None:
    """TTL that is on already, and a start key of another type."""
    table = {
        "TableName": "limits",
        "AttributeDefinitions": [{"AttributeName": "price", "AttributeType": "N"}],
    }
    live = {"TableName": "limits", "TimeToLiveSpecification": {"Enabled": True}}
    start = {"TableName": "limits", "ExclusiveStartKey": {"price": {"S": "1"}}}

    assert list(problems("UpdateTimeToLive", live)) == []
    note("CreateTable", table)
    note("UpdateTimeToLive", live)
    assert list(problems("UpdateTimeToLive", live)) == ["TimeToLive is already enabled"]
    assert list(problems("Query", start)) == [
        "the ExclusiveStartKey has price as S, and the table as N"
    ]


def test_clients_are_checked() -> None:
    """Those of the tests and of the app, which are made after `install`."""
    with pytest.raises(RefusedByDynamoDB, match="cannot update attribute id"):
        boto3.client("dynamodb").update_item(
            TableName="x",
            Key={"id": {"S": "a"}},
            UpdateExpression="SET id = :v",
            ExpressionAttributeValues={":v": {"S": "b"}},
        )
