"""Claims: the rows that make a value of a unique field belong to one item.

DynamoDB keeps nothing unique but a primary key, so a unique value is a key of the table of claims.
A claim is written and deleted in the transaction that writes its item.
https://aws.amazon.com/blogs/database/simulating-amazon-dynamodb-unique-constraints-using-transactions/
"""

from typing import Any

from chalicelib.schema import CLAIMS, Resource
from chalicelib.storage import dynamodb
from chalicelib.storage.attributes import Row
from chalicelib.storage.expressions import Expression

TABLE = dynamodb.table_name(CLAIMS)


def claims_of(resource: Resource, row: Row) -> dict[str, str]:
    """The ids of the claims that an item has, by field."""
    return {
        name: f"{resource.name}#{name}#{row[attribute]['S']}"
        for name in resource.unique
        if (attribute := resource.index_attribute(name)) in row
    }


def claim_changes(
    resource: Resource, key: str, before: Row, after: Row
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The transaction's writes when an item changes: the claims to make, and those to release.

    Both are by field. An empty row stands for no item.
    """
    old, new = claims_of(resource, before), claims_of(resource, after)
    puts = {name: _put(claim, key) for name, claim in new.items() if old.get(name) != claim}
    deletes = {name: _delete(claim, key) for name, claim in old.items() if new.get(name) != claim}
    return puts, deletes


def _put(claim: str, owner: str) -> dict[str, Any]:
    expression = Expression()
    return {
        "Put": {
            "TableName": TABLE,
            "Item": {"id": {"S": claim}, "owner": {"S": owner}},
            "ConditionExpression": f"attribute_not_exists({expression.name('id')})",
            **expression.parameters(),
        }
    }


def _delete(claim: str, owner: str) -> dict[str, Any]:
    # Two items have the value if they had it before the field was unique; one of them has the
    # claim, which the other must not release.
    expression = Expression()
    is_missing = f"attribute_not_exists({expression.name('owner')})"
    is_own = expression.comparison("owner", "=", {"S": owner})
    return {
        "Delete": {
            "TableName": TABLE,
            "Key": {"id": {"S": claim}},
            "ConditionExpression": f"{is_missing} OR {is_own}",
            **expression.parameters(),
        }
    }
