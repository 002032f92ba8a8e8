"""`make export`: the items of a stage as JSON lines, one file for each resource.

A line is an item as the API shows it, with the `owner` of an owned item and the `author` of one
whose author the API knows. Lines are in DynamoDB's order, which is that of no field.

A Scan is not a snapshot: items that are written meanwhile may be in it or not. DynamoDB's own
export to S3 is one: docs/data.md.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.json import Encoder

from chalicelib.schema import AUTHOR_PARAMETER, CREATED_BY, OWNER_PARAMETER, Resource
from chalicelib.storage.attributes import Row
from chalicelib.storage.collection import Collection
from infra.data import access, backfill

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_to_json = Encoder(decimal_format="number").encode


def export(
    client: "DynamoDBClient", resources: tuple[Resource, ...], folder: Path, *, dry_run: bool
) -> None:
    """Write the items of resources to a folder. Each file is whole, or is not there."""
    for resource in resources:
        table = Collection(resource).table
        # DynamoDB counts them every six hours.
        count = client.describe_table(TableName=table)["Table"].get("ItemCount", 0)
        file = folder / f"{resource.name}.jsonl"
        if dry_run:
            print(
                f"{resource.name}: about {count:,} items would be written to {file} (DynamoDB "
                "counts them every six hours)."
            )
            continue
        folder.mkdir(parents=True, exist_ok=True)
        _export(client, resource, file, count)


def line(resource: Resource, row: Row) -> bytes:
    """An item as a line of an export."""
    values = dict(Collection(resource).item(row).values)
    owner, _ = resource.split_key(row[resource.key]["S"])
    if resource.owned:
        values[OWNER_PARAMETER] = owner
    if resource.has_author and CREATED_BY in row:
        values[AUTHOR_PARAMETER] = row[CREATED_BY]["S"]
    return _to_json(values) + b"\n"


def _export(client: "DynamoDBClient", resource: Resource, file: Path, count: int) -> None:
    written = skipped = 0
    part = file.with_suffix(".part")
    with part.open("wb") as lines, access.progress(resource.name, count) as bar:
        for row in backfill.scan(client, Collection(resource).table):
            if backfill.has_owner(resource, row):
                lines.write(line(resource, row))
                written += 1
            else:
                skipped += 1
            bar.update(1)
    part.replace(file)
    print(f"{resource.name}: {written:,} items are in {file}.")
    if skipped:
        print(
            f"{resource.name}: {skipped:,} items have no owner, and are left out: make backfill "
            "OWNER=SUBJECT gives them to one."
        )
