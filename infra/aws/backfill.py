"""Adding what items lack because they were stored before a declaration changed.

A new field with a default, and a field that is compared without case now: the API shows such items
correctly, but an index has them only if their row has the attribute. A field that is unique now:
older values need their claims.
"""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from chalicelib.models import RESOURCES
from chalicelib.schema import Resource, lowercase_attribute
from chalicelib.storage import claims, dynamodb
from chalicelib.storage.attributes import Row, encode_row
from chalicelib.storage.expressions import Expression

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The keys that a BatchGetItem takes.
BATCH = 100


def backfill(client: "DynamoDBClient", tell: Callable[[str], None] = print) -> None:
    """Complete the rows of every table. It may be interrupted, and run again."""
    for resource in RESOURCES:
        table = dynamodb.table_name(resource.name)
        count = 0
        for row in scan(client, table):
            missing = missing_attributes(resource, row)
            if missing:
                _add(client, table, resource, row, missing)
                count += 1
        if count:
            tell(f"{table}: {count} items completed")
        if resource.unique:
            for sentence in _claim_all(client, resource):
                tell(sentence)


def missing_attributes(resource: Resource, row: Row) -> Row:
    """The attributes that a row would have if it were written now."""
    wanted = encode_row(resource.defaults)
    for name in resource.ignore_case & row.keys():
        wanted[lowercase_attribute(name)] = {"S": row[name]["S"].lower()}
    return {name: value for name, value in wanted.items() if name not in row}


def scan(client: "DynamoDBClient", table: str) -> Iterator[Row]:
    """All rows of a table, strongly consistent."""
    pages: Any = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    for page in pages:
        yield from page["Items"]


def _claim_all(client: "DynamoDBClient", resource: Resource) -> Iterator[str]:
    """Make the claims that items lack. Yields a sentence for each value that another item has."""
    rows = scan(client, dynamodb.table_name(resource.name))
    while batch := list(islice(rows, BATCH // len(resource.unique))):
        wanted = [
            (row, name, claim)
            for row in batch
            for name, claim in claims.claims_of(resource, row).items()
        ]
        owners = _owners(client, {claim for _, _, claim in wanted})
        for row, name, claim in wanted:
            owner = row[resource.key]["S"]
            if claim not in owners:
                _claim(client, resource, row, claim)
                owners[claim] = owner
            elif owners[claim] != owner:
                yield f"{resource.noun} '{owner}': another {resource.noun} has its {name}"


def _owners(client: "DynamoDBClient", wanted: AbstractSet[str]) -> dict[str, str]:
    """The keys of the items that hold claims, by claim."""
    owners: dict[str, str] = {}
    keys: Any = [{"id": {"S": claim}} for claim in wanted]
    while keys:
        said: Any = client.batch_get_item(
            RequestItems={claims.TABLE: {"Keys": keys, "ConsistentRead": True}}
        )
        owners |= {row["id"]["S"]: row["owner"]["S"] for row in said["Responses"][claims.TABLE]}
        keys = said["UnprocessedKeys"].get(claims.TABLE, {}).get("Keys", [])
    return owners


def _claim(client: "DynamoDBClient", resource: Resource, row: Row, claim: str) -> None:
    """Claim an item's value, if the item is as it was read and no other has come first."""
    owner = row[resource.key]
    check = {
        "TableName": dynamodb.table_name(resource.name),
        "Key": {resource.key: owner},
        "ConditionExpression": "etag = :etag",
        "ExpressionAttributeValues": {":etag": row["etag"]},
    }
    put = {
        "TableName": claims.TABLE,
        "Item": {"id": {"S": claim}, "owner": owner},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    items: Any = [{"ConditionCheck": check}, {"Put": put}]
    # Refused: another write has come since, which has made the claims itself.
    with suppress(client.exceptions.TransactionCanceledException):
        client.transact_write_items(TransactItems=items)


def _add(client: "DynamoDBClient", table: str, resource: Resource, row: Row, missing: Row) -> None:
    # The etag stays, because clients see the same item. The condition: no write has come since.
    expression = Expression()
    sets = [f"{expression.name(n)} = {expression.value(value)}" for n, value in missing.items()]
    etag, known = expression.name("etag"), expression.value(row["etag"])
    with suppress(client.exceptions.ConditionalCheckFailedException):
        client.update_item(
            TableName=table,
            Key={resource.key: row[resource.key]},
            UpdateExpression=f"SET {', '.join(sets)}",
            ConditionExpression=f"{etag} = {known}",
            **expression.parameters(),
        )
