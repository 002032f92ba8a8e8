"""Claims on names: what makes a username or an email one user's, and a request done once.

They live in a table of their own, because DynamoDB keeps nothing unique but a primary key. A claim
on a field's value is written, moved and released in the transaction of the item that it is for;
the record of an Idempotency-Key is written in the transaction of the create that it is for, so a
crash leaves both or neither.
"""

import json
from decimal import Decimal
from time import time

from msgspec import Struct
from msgspec.json import Encoder

from chalicelib import dynamodb
from chalicelib.dynamodb import Row
from chalicelib.errors import Reused, Taken
from chalicelib.items import Item
from chalicelib.schema import CLAIMS, EXPIRY, Resource, folded
from chalicelib.transaction import Step

TABLE = dynamodb.table(CLAIMS)
RECORD_SECONDS = 24 * 60 * 60

_to_json = Encoder(decimal_format="number").encode


class Once(Struct, frozen=True):
    """An Idempotency-Key, and a digest of the request that it came with."""

    key: str
    fingerprint: str


class Orphaned(Exception):
    """A claim is not its item's, against all rules: somebody has changed the table by hand."""


class Recorded(Exception):
    """The request was fulfilled before; `item` is what it was answered with."""

    def __init__(self, item: Item) -> None:
        super().__init__()
        self.item = item


def held(resource: Resource, row: Row) -> dict[str, str]:
    """The claims that an item has: the id of each, by field."""
    stored = {n: folded(n) if n in resource.ignore_case else n for n in resource.unique}
    return {
        name: f"{resource.path}#{name}#{row[attribute]['S']}"
        for name, attribute in stored.items()
        if attribute in row
    }


def moves(resource: Resource, key: str, before: Row, after: Row) -> list[Step]:
    """The claims to make and to release when an item changes; an empty row is no item."""
    old, new = held(resource, before), held(resource, after)
    return [
        *(
            _claim(resource, key, name, claim, after[name]["S"])
            for name, claim in new.items()
            if old.get(name) != claim
        ),
        *(_release(key, claim) for name, claim in old.items() if new.get(name) != claim),
    ]


def record(once: Once, item: Item) -> Step:
    """Note what a create with an Idempotency-Key is answered with, unless it was before."""
    now = int(time())
    return Step(
        {
            "Put": {
                "TableName": TABLE,
                "Item": dynamodb.encode_row(
                    {
                        "id": _record_id(once),
                        "fingerprint": once.fingerprint,
                        # As text, so that it is given again byte for byte, whatever the fields
                        # of a later version are.
                        "item": _to_json(item.values).decode(),
                        "key": item.key,
                        "etag": item.etag,
                        EXPIRY: now + RECORD_SECONDS,
                    }
                ),
                # DynamoDB removes what has expired within days, not at once.
                "ConditionExpression": "attribute_not_exists(#id) OR #expiresAt <= :now",
                "ExpressionAttributeNames": {"#id": "id", "#expiresAt": EXPIRY},
                "ExpressionAttributeValues": {":now": {"N": str(now)}},
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        },
        lambda row: _answer(once, row or {}),
    )


def recall(once: Once) -> Item | None:
    """What a request was answered with before, or None. Raises Reused for another request."""
    row = dynamodb.get(
        TableName=TABLE,
        Key=dynamodb.encode_row({"id": _record_id(once)}),
        ConsistentRead=True,
    )
    if row is None or dynamodb.decode(row[EXPIRY]) <= time():
        return None
    answer = _answer(once, row)
    if isinstance(answer, Recorded):
        return answer.item
    raise answer


def _answer(once: Once, row: Row) -> Exception:
    noted = dynamodb.decode_row(row, row)
    if noted["fingerprint"] != once.fingerprint:
        return Reused(once.key)
    values = json.loads(noted["item"], parse_float=Decimal)
    return Recorded(Item(noted["key"], noted["etag"], values, replayed=True))


def _record_id(once: Once) -> str:
    # No resource is called so: its path would have a capital in it.
    return f"Idempotency-Key#{once.key}"


def _claim(resource: Resource, owner: str, name: str, claim: str, value: str) -> Step:
    return Step(
        {
            "Put": {
                "TableName": TABLE,
                "Item": dynamodb.encode_row({"id": claim, "owner": owner}),
                "ConditionExpression": "attribute_not_exists(#id)",
                "ExpressionAttributeNames": {"#id": "id"},
            }
        },
        lambda _: Taken(resource.noun, {name: value}),
    )


def _release(owner: str, claim: str) -> Step:
    return Step(
        {
            "Delete": {
                "TableName": TABLE,
                "Key": dynamodb.encode_row({"id": claim}),
                # The owner's, which it is as long as the item's own condition holds: nobody else's
                # claim is ever released.
                "ConditionExpression": "attribute_not_exists(#owner) OR #owner = :owner",
                "ExpressionAttributeNames": {"#owner": "owner"},
                "ExpressionAttributeValues": {":owner": {"S": owner}},
            }
        },
        lambda _: Orphaned(claim),
    )
