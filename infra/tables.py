"""The DynamoDB tables that the declarations in models.py ask for."""

from typing import TYPE_CHECKING, Any

from chalicelib import claims, dynamodb
from chalicelib.models import RESOURCES
from chalicelib.schema import Resource

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def definition(resource: Resource) -> dict[str, Any]:
    """The CreateTable request for a resource: on-demand, its key, and its indexes.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
    """
    keys = [resource.key, *(name for i in resource.indexes for name in (i.partition, i.sort))]
    return {
        "TableName": dynamodb.table(resource.path),
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": resource.attribute_type(name)}
            for name in dict.fromkeys(keys)
        ],
        "KeySchema": [{"AttributeName": resource.key, "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index.name,
                "KeySchema": [
                    {"AttributeName": index.partition, "KeyType": "HASH"},
                    {"AttributeName": index.sort, "KeyType": "RANGE"},
                ],
                # All attributes, so that a page is read from the index alone.
                "Projection": {"ProjectionType": "ALL"},
            }
            for index in resource.indexes
        ],
    }


def claims_definition() -> dict[str, Any]:
    """The CreateTable request for the claims: on-demand, nothing but a key."""
    return {
        "TableName": claims.TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }


def create_missing(client: "DynamoDBClient") -> None:
    """Create the tables that are not there, and wait until they can be used."""
    for request in (claims_definition(), *map(definition, RESOURCES)):
        try:
            client.create_table(**request)
        except client.exceptions.ResourceInUseException:
            continue
        client.get_waiter("table_exists").wait(
            TableName=request["TableName"], WaiterConfig={"Delay": 1}
        )
        if request["TableName"] == claims.TABLE:
            client.update_time_to_live(
                TableName=claims.TABLE,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": claims.EXPIRY},
            )
