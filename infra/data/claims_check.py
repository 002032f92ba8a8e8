"""Checking that items and the claims on their unique values agree.

Reports each value of an item without a claim, and each claim without an item that has the value.
The tables may be written meanwhile: what looks wrong is read again, item and claim in one
transaction, before it is reported.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chalicelib.models import RESOURCES
from chalicelib.schema import Resource
from chalicelib.storage import claims, dynamodb
from infra.data.backfill import scan
from infra.errors import CommandError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def report(name: str) -> None:
    """Print what items and claims of a stage disagree about. Raises CommandError if they do."""
    disagreements = list(check(dynamodb.client))
    for disagreement in disagreements:
        print(disagreement)
    print(f"Stage {name}: {len(disagreements) or 'no'} disagreements")
    if disagreements:
        raise CommandError(
            "Repair them by hand: delete a claim without an item, write a claim that is missing."
        )


def check(client: "DynamoDBClient") -> Iterator[str]:
    """What items and claims disagree about: one sentence for each disagreement."""
    by_name = {resource.name: resource for resource in RESOURCES if resource.unique}
    for resource in by_name.values():
        for row in scan(client, dynamodb.table_name(resource.name)):
            key = row[resource.key]["S"]
            for claim in claims.claims_of(resource, row).values():
                if not _agree(client, resource, key, claim):
                    yield f"{resource.noun} '{key}' does not hold the claim {json.dumps(claim)}"
    for row in scan(client, claims.TABLE):
        claim = row["id"]["S"]
        name = claim.partition("#")[0]
        if name in by_name and not _agree(client, by_name[name], row["owner"]["S"], claim):
            noun = by_name[name].noun
            yield f"the claim {json.dumps(claim)} is not {noun} '{row['owner']['S']}' any more"


def _agree(client: "DynamoDBClient", resource: Resource, key: str, claim: str) -> bool:
    """Whether an item has the value of a claim exactly if it owns the claim, at one moment."""
    reads = [(dynamodb.table_name(resource.name), resource.key, key), (claims.TABLE, "id", claim)]
    responses: Any = client.transact_get_items(
        TransactItems=[
            {"Get": {"TableName": table, "Key": {name: {"S": value}}}}
            for table, name, value in reads
        ]
    )
    item, owned = (response.get("Item", {}) for response in responses["Responses"])
    has = claim in claims.claims_of(resource, item).values()
    owns: bool = owned.get("owner") == {"S": key}
    return has == owns
