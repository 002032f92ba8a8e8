"""Adding what items lack because they were stored before a declaration changed.

A new field with a default, and a field that is compared without case now: the API shows such items
correctly, but an index has them only if their row has the attribute. A field that is unique now:
older values need their claims. A resource that is owned now: its older items have no owner, and the
API shows them to nobody until they are given to one.
"""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from chalicelib.models import RESOURCES
from chalicelib.schema import (
    COLLECTION,
    OWNER_SEPARATOR,
    Resource,
    partition_value,
    shard_number,
)
from chalicelib.storage import claims, dynamodb, transactions
from chalicelib.storage.attributes import AttributeValue, Row, decode_row, encode_row
from chalicelib.storage.collection import ItemKey, index_values
from chalicelib.storage.expressions import Expression
from chalicelib.storage.queries import index_value
from chalicelib.storage.transactions import TransactionConflict
from infra.errors import CommandError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The keys that a BatchGetItem takes.
BATCH = 100


def backfill(
    client: "DynamoDBClient", owner: str | None = None, tell: Callable[[str], None] = print
) -> None:
    """Complete the rows of every table; may be interrupted and run again. Raises CommandError.

    Items of owned resources that have no owner are given to the subject `owner`.
    """
    for resource in RESOURCES:
        table = dynamodb.table_name(resource.name)
        count = ownerless = 0
        for row in scan(client, table):
            if has_owner(resource, row):
                count += _complete(client, resource, row)
            elif owner and _give(resource, row, owner):
                count += 1
            elif owner:
                key = row[resource.key]["S"]
                tell(f"{resource.noun} '{key}': {owner} has one with this key; name another OWNER")
            else:
                ownerless += 1
        if count:
            tell(f"{table}: {count} items completed")
        if ownerless:
            tell(
                f"{table}: {ownerless} items have no owner, so nobody sees them; make backfill "
                "OWNER=SUBJECT gives them to the caller with that subject"
            )
        if resource.unique:
            for sentence in _claim_all(client, resource):
                tell(sentence)


def missing_attributes(resource: Resource, row: Row) -> Row:
    """The attributes that a row lacks, or that are not the copy of their field.

    A copy is out of date if a version that did not know it has changed the field.
    """
    wanted = encode_row(resource.defaults)
    owner, key = resource.split_key(row[resource.key]["S"])
    values = decode_row(wanted | row, sorted(resource.indexed_fields))
    wanted_copies = index_values(resource, values, ItemKey(key, owner))
    # The plain values of the attributes with a shard, of which any shard that is in use is right.
    plain = {COLLECTION: resource.owner_prefixed(resource.name, owner)} | {
        resource.index_attribute(name): index_value(resource, name, values[name], owner)
        for name in resource.sharded_filters
        if name in values
    }
    if COLLECTION in row:
        collection = partition_value(plain[COLLECTION], resource.shard_of(key))
        wanted_copies[COLLECTION] = {"S": collection}
    return {name: value for name, value in wanted.items() if name not in row} | {
        name: value
        for name, value in wanted_copies.items()
        if row.get(name) != value and not _is_in_use(resource, row.get(name), plain.get(name))
    }


def _is_in_use(resource: Resource, stored: AttributeValue | None, plain: str | None) -> bool:
    """Whether a stored attribute is a shard of a plain value to which items are still written."""
    if stored is None or plain is None:
        return False
    shard = shard_number(stored["S"], plain)
    return shard is not None and shard < resource.shards


def has_owner(resource: Resource, row: Row) -> bool:
    """Whether the API can show a row to somebody: it has an owner, or needs none."""
    return not resource.owned or OWNER_SEPARATOR in row[resource.key]["S"]


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
    attribute = resource.index_attribute(name)
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
        copied = {n for n in resource.indexed_fields if resource.index_attribute(n) in missing}
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


def _give(resource: Resource, row: Row, owner: str) -> bool:
    """Give an item without an owner to one. Returns whether it has the owner now."""
    table, key = dynamodb.table_name(resource.name), row[resource.key]["S"]
    values = decode_row(encode_row(resource.defaults) | row, sorted(resource.indexed_fields))
    owned = {
        resource.key: {"S": resource.owner_prefixed(key, owner)},
        COLLECTION: {
            "S": partition_value(
                resource.owner_prefixed(resource.name, owner), resource.shard_of(key)
            )
        },
    }
    put = {
        "TableName": table,
        "Item": row | owned | index_values(resource, values, ItemKey(key, owner)),
        "ConditionExpression": f"attribute_not_exists({resource.key})",
    }
    expression = Expression()
    delete = {
        "TableName": table,
        "Key": {resource.key: row[resource.key]},
        "ConditionExpression": f"{expression.name('etag')} = {expression.value(row['etag'])}",
        **expression.parameters(),
    }
    for _ in transactions.attempts():
        with suppress(TransactionConflict):
            return not transactions.write({"put": {"Put": put}, "delete": {"Delete": delete}})
    raise CommandError("The database is busy; run make backfill again.")
