"""`make claims-check STAGE=...`: whether the items and the claims on their unique values agree.

Walks both, and reports each value that an item has without its claim, and each claim that no item
has the value of. The tables may be written meanwhile: what looks wrong is read again, item and
claim in one consistent look, before it is reported.
"""

import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from infra import command, local, stages
from infra.command import Refused

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from chalicelib.dynamodb import Row
    from chalicelib.schema import Resource


def main() -> None:
    """Check the tables of the stage in `STAGE`. Raises Refused if they disagree."""
    stage = stages.load(os.environ.get("STAGE", "local"))
    if stage.name == "local":
        os.environ.update(local.environment(local.database_url()))
    stage.enter()
    # Only now: it reads the environment when it is imported.
    from chalicelib.dynamodb import client

    disagreements = list(check(client))
    for disagreement in disagreements:
        print(disagreement)
    print(f"Stage {stage.name}: {len(disagreements) or 'no'} disagreements")
    if disagreements:
        raise Refused(
            "Mend them by hand: delete a claim that is nobody's, write one that is missing."
        )


def check(client: "DynamoDBClient") -> Iterator[str]:
    """What items and claims disagree about, a sentence each."""
    from chalicelib import claims, dynamodb
    from chalicelib.models import RESOURCES

    by_path = {resource.path: resource for resource in RESOURCES if resource.unique}
    for resource in by_path.values():
        for row in _scan(client, dynamodb.table(resource.path)):
            key = row[resource.key]["S"]
            for claim in claims.held(resource, row).values():
                if not _agree(client, resource, key, claim):
                    yield f"{resource.noun} '{key}' does not hold the claim {json.dumps(claim)}"
    for row in _scan(client, claims.TABLE):
        claim = row["id"]["S"]
        path = claim.partition("#")[0]
        if path in by_path and not _agree(client, by_path[path], row["owner"]["S"], claim):
            noun = by_path[path].noun
            yield f"the claim {json.dumps(claim)} is not {noun} '{row['owner']['S']}' any more"


def _agree(client: "DynamoDBClient", resource: "Resource", key: str, claim: str) -> bool:
    """Whether an item has the value of a claim exactly if it owns the claim, at one moment."""
    from chalicelib import claims, dynamodb

    reads = [(dynamodb.table(resource.path), resource.key, key), (claims.TABLE, "id", claim)]
    answers: Any = client.transact_get_items(
        TransactItems=[
            {"Get": {"TableName": table, "Key": {name: {"S": value}}}}
            for table, name, value in reads
        ]
    )
    item, owned = (answer.get("Item", {}) for answer in answers["Responses"])
    has = claim in claims.held(resource, item).values()
    owns: bool = owned.get("owner") == {"S": key}
    return has == owns


def _scan(client: "DynamoDBClient", table: str) -> "Iterator[Row]":
    pages: Any = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    for page in pages:
        yield from page["Items"]


if __name__ == "__main__":
    sys.exit(command.run(main))
