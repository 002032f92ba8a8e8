"""Adding the attributes that items lack because they were stored before a declaration changed.

A field with a default that was added, and a field that filters or claims compare without case: the
API shows such items as they should be, but an index does not have them until their row has the
attribute.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chalicelib.models import RESOURCES
from chalicelib.schema import Resource, lowercase_attribute
from chalicelib.storage import dynamodb
from chalicelib.storage.attributes import Row, encode_row
from chalicelib.storage.expressions import Expression

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


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
