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
from chalicelib.storage import claims, dynamodb, transactions
from chalicelib.storage.attributes import Row, encode_row
from chalicelib.storage.expressions import Expression
from chalicelib.storage.transactions import TransactionConflict
from infra.errors import CommandError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The keys that a BatchGetItem takes.
BATCH = 100


def backfill(client: "DynamoDBClient", tell: Callable[[str], None] = print) -> None:
    """Complete the rows of every table; may be interrupted and run again. Raises CommandError."""
    for resource in RESOURCES:
        table = dynamodb.table_name(resource.name)
        count = 0
        for row in scan(client, table):
            count += _complete(client, resource, row)
        if count:
            tell(f"{table}: {count} items completed")
        if resource.unique:
            for sentence in _claim_all(client, resource):
                tell(sentence)


def missing_attributes(resource: Resource, row: Row) -> Row:
    """The attributes that a row lacks, or whose lower-case copy is not that of its field.

    A copy is out of date if a version that did not know it has changed the field.
    """
    wanted = encode_row(resource.defaults)
    complete = wanted | row
    missing = {name: value for name, value in wanted.items() if name not in row}
    for name in sorted(resource.ignore_case & complete.keys()):
        copy = {"S": complete[name]["S"].lower()}
        if row.get(lowercase_attribute(name)) != copy:
            missing[lowercase_attribute(name)] = copy
    return missing


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
                _claim(resource, row, name, claim)
                owners[claim] = owner
            elif owners[claim] != owner:
                yield f"{resource.noun} '{owner}': another {resource.noun} has its {name}"


def _owners(client: "DynamoDBClient", wanted: AbstractSet[str]) -> dict[str, str]:
    """The keys of the items that hold claims, by claim."""
    owners: dict[str, str] = {}
    keys: Any = [{"id": {"S": claim}} for claim in wanted]
    while keys:
        response: Any = client.batch_get_item(
            RequestItems={claims.TABLE: {"Keys": keys, "ConsistentRead": True}}
        )
        owners |= {row["id"]["S"]: row["owner"]["S"] for row in response["Responses"][claims.TABLE]}
        keys = response["UnprocessedKeys"].get(claims.TABLE, {}).get("Keys", [])
    return owners


def _claim(resource: Resource, row: Row, name: str, claim: str) -> None:
    """Claim an item's value of the field `name`, if it still has the value. Raises CommandError."""
    expression = Expression()
    attribute = resource.compared_attribute(name)
    check = {
        "TableName": dynamodb.table_name(resource.name),
        "Key": {resource.key: row[resource.key]},
        "ConditionExpression": (
            f"{expression.name(attribute)} = {expression.value(row[attribute])}"
        ),
        **expression.parameters(),
    }
    put = {
        "TableName": claims.TABLE,
        "Item": {"id": {"S": claim}, "owner": row[resource.key]},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    for _ in transactions.attempts():
        with suppress(TransactionConflict):
            # Refused: a write has changed the value since, or set it, and has made its own claim.
            transactions.write({"item": {"ConditionCheck": check}, "claim": {"Put": put}})
            return
    raise CommandError("The database is busy; run make backfill again.")


def _complete(client: "DynamoDBClient", resource: Resource, row: Row) -> bool:
    """Add what a row lacks; returns whether something was added."""
    table, key = dynamodb.table_name(resource.name), {resource.key: row[resource.key]}
    while missing := missing_attributes(resource, row):
        expression = Expression()
        # The etag stays, because clients see the same item.
        sets = [f"{expression.name(n)} = {expression.value(value)}" for n, value in missing.items()]
        conditions = [f"attribute_exists({expression.name(resource.key)})"]
        copied = {name for name in resource.ignore_case if lowercase_attribute(name) in missing}
        conditions += [
            f"{expression.name(name)} = {expression.value(row[name])}"
            if name in row
            else f"attribute_not_exists({expression.name(name)})"
            for name in sorted(missing.keys() | copied)
        ]
        try:
            client.update_item(
                TableName=table,
                Key=key,
                UpdateExpression=f"SET {', '.join(sets)}",
                ConditionExpression=" AND ".join(conditions),
                **expression.parameters(),
            )
        except client.exceptions.ConditionalCheckFailedException:
            # Another write has come since the row was read.
            found: Any = client.get_item(TableName=table, Key=key, ConsistentRead=True)
            if "Item" not in found:
                return False
            row = found["Item"]
        else:
            return True
    return False
