"""Idempotency records: what a write with an `Idempotency-Key` was answered with.

The record is written in the transaction of the write, so that a crash leaves both or neither. There
is no record of a request in progress, so nothing waits for one and nothing expires half-done.
https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header
"""

import json
from decimal import Decimal
from time import time
from typing import Any

from msgspec.json import Encoder

from chalicelib.context import CallContext, Caller, IdempotencyKey
from chalicelib.errors import IdempotencyKeyReused
from chalicelib.results import Item
from chalicelib.schema import EXPIRY
from chalicelib.storage import dynamodb
from chalicelib.storage.attributes import Row, decode, decode_row, encode_row
from chalicelib.storage.claims import TABLE
from chalicelib.storage.expressions import Expression

# What the ids of records begin with. Claims begin with a resource's name, which has no capitals.
PREFIX = "Idempotency-Key#"
# The attribute with the owner of a recorded item, if its resource is owned.
ITEM_OWNER = "itemOwner"
RECORD_SECONDS = 24 * 60 * 60

_to_json = Encoder(decimal_format="number").encode


def record_replay(key: IdempotencyKey, caller: Caller, item: Item, owner: str) -> dict[str, Any]:
    """The transaction's write that records `item` as the answer, unless a record exists.

    `owner` is the item's, by which the record is found when the person is erased.
    """
    now = int(time())
    expression = Expression()
    is_new = f"attribute_not_exists({expression.name('id')})"
    # DynamoDB deletes an expired record within days, not at once.
    has_expired = expression.comparison(EXPIRY, "<=", {"N": str(now)})
    return {
        "Put": {
            "TableName": TABLE,
            "Item": encode_row(
                {
                    "id": record_id(key, caller),
                    "fingerprint": key.fingerprint,
                    # JSON text, so that a replay has the same bytes after the resource's
                    # declaration has changed.
                    "item": _to_json(item.values).decode(),
                    "key": item.key,
                    "etag": item.etag,
                    EXPIRY: now + RECORD_SECONDS,
                    **({ITEM_OWNER: owner} if owner else {}),
                }
            ),
            "ConditionExpression": f"{is_new} OR {has_expired}",
            **expression.parameters(),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def find_replay(context: CallContext) -> Item | None:
    """The item that the recorded request with this idempotency key was answered with, or None.

    Raises IdempotencyKeyReused if that was another request.
    """
    if context.idempotency_key is None:
        return None
    row = dynamodb.get(
        TableName=TABLE,
        Key={"id": {"S": record_id(context.idempotency_key, context.caller)}},
        ConsistentRead=True,
    )
    if row is None or decode(row[EXPIRY]) <= time():
        return None
    return replay(context.idempotency_key, row)


def replay(key: IdempotencyKey, row: Row) -> Item:
    """The item of an idempotency record. Raises IdempotencyKeyReused if the request differs."""
    record = decode_row(row, row)
    if record["fingerprint"] != key.fingerprint:
        raise IdempotencyKeyReused(key.key)
    values = json.loads(record["item"], parse_float=Decimal)
    return Item(record["key"], record["etag"], values, replayed=True)


def record_id(key: IdempotencyKey, caller: Caller) -> str:
    """The key of an idempotency record.

    The caller's subject has no `#` (`context.Caller`), so that two callers never share a record.
    """
    return f"{PREFIX}{caller.subject}#{key.key}"
