"""`make export`: the items of a stage as JSON lines, one file for each resource.

A line is an item as the API shows it, with the `owner` of an owned item and the `author` of one
whose author the API knows. Lines are in the order of their keys, so that two exports of the same
data are equal.

A Scan is not a snapshot: items that are written meanwhile may be in it or not. DynamoDB's own
export to S3 is one: docs/operating.md.
"""

import heapq
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import Encoder, decode, encode

from chalicelib.schema import AUTHOR_PARAMETER, CREATED_BY, OWNER_PARAMETER, Resource
from chalicelib.storage.attributes import Row
from chalicelib.storage.collection import Collection
from infra.aws import backfill
from infra.data import progress
from infra.errors import CommandError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# How many lines are sorted in memory at once.
SORTED_LINES = 50_000

_to_json = Encoder(decimal_format="number").encode


class Position(Struct):
    """How far an export of a table has come: the bytes of its file, the items, the next page."""

    table: str
    bytes: int = 0
    items: int = 0
    start: dict[str, Any] | None = None
    skipped: int = 0
    is_complete: bool = False


def export(
    client: "DynamoDBClient", resources: tuple[Resource, ...], folder: Path, *, dry_run: bool
) -> None:
    """Write the items of resources to a folder. An interrupted export goes on where it was."""
    if dry_run:
        for resource in resources:
            table = Collection(resource).table
            described = client.describe_table(TableName=table)["Table"]
            print(
                f"{resource.name}: about {described.get('ItemCount', 0):,} items would be written "
                f"to {folder / resource.name}.jsonl (DynamoDB counts them every six hours)."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    for resource in resources:
        _export(client, resource, folder / f"{resource.name}.jsonl")


def line(resource: Resource, row: Row) -> bytes:
    """An item as a line of an export."""
    values = dict(Collection(resource).item(row).values)
    owner, _ = resource.split_key(row[resource.key]["S"])
    if resource.owned:
        values[OWNER_PARAMETER] = owner
    if resource.has_author and CREATED_BY in row:
        values[AUTHOR_PARAMETER] = row[CREATED_BY]["S"]
    return _to_json(values) + b"\n"


def _export(client: "DynamoDBClient", resource: Resource, file: Path) -> None:
    described = client.describe_table(TableName=Collection(resource).table)["Table"]
    part, state = file.with_suffix(".part"), file.with_suffix(".part.json")
    position = _position(described["TableArn"], part, state)
    if position.items:
        print(
            f"{resource.name}: going on after {position.items:,} items of an interrupted export. "
            f"To begin again, delete {state}."
        )
    with part.open("r+b" if part.exists() else "w+b") as written:
        # What was written after the position was noted is read again.
        written.truncate(position.bytes)
        written.seek(position.bytes)
        with progress.bar(resource.name, described.get("ItemCount") or None) as bar:
            bar.advance(position.items, f"{position.items:,} items")
            while not position.is_complete:
                before = position.items
                _write_page(client, resource, position, written)
                _replace(state, encode(position))
                bar.advance(position.items - before, f"{position.items:,} items")
        written.seek(0)
        _sort(written, resource, file)
    # In this order: without its state, a part is written again.
    state.unlink()
    part.unlink()
    print(f"{resource.name}: {position.items:,} items are in {file}.")
    if position.skipped:
        print(
            f"{resource.name}: {position.skipped:,} items have no owner, and are left out: make "
            "backfill OWNER=SUBJECT gives them to one."
        )


def _position(table: str, part: Path, state: Path) -> Position:
    """Where the export of a table goes on. Raises CommandError for another one in its place."""
    if not state.exists():
        return Position(table)
    try:
        position = decode(state.read_bytes(), type=Position)
    except (DecodeError, ValidationError):
        position = None
    size = part.stat().st_size if part.exists() else 0
    if position is None or position.table != table or position.bytes > size:
        raise CommandError(
            f"{state} is not the state of this export: it is damaged, or is that of another stage. "
            f"Delete it, or name another folder with OUT."
        )
    return position


def _replace(file: Path, content: bytes) -> None:
    """Write a file as a whole, or not at all."""
    unfinished = file.with_suffix(".new")
    unfinished.write_bytes(content)
    unfinished.replace(file)


def _write_page(
    client: "DynamoDBClient", resource: Resource, position: Position, file: IO[bytes]
) -> None:
    """Write the next page of a table, and move the position."""
    start: Any = {"ExclusiveStartKey": position.start} if position.start else {}
    page: Any = client.scan(TableName=position.table, ConsistentRead=True, **start)
    for row in page["Items"]:
        if backfill.has_owner(resource, row):
            file.write(line(resource, row))
            position.items += 1
        else:
            position.skipped += 1
    file.flush()
    position.bytes = file.tell()
    position.start = page.get("LastEvaluatedKey")
    position.is_complete = position.start is None


def _sort(lines: IO[bytes], resource: Resource, file: Path) -> None:
    """Write lines in the order of their owners and keys, without holding all of them in memory."""

    def key(text: Any) -> tuple[str, str]:
        values = json.loads(text)
        return values[OWNER_PARAMETER] if resource.owned else "", values[resource.key]

    unfinished = file.with_suffix(".sorted")
    with TemporaryDirectory(dir=file.parent) as folder, unfinished.open("wb") as target:
        chunks: list[Path] = []
        while chunk := sorted(islice(lines, SORTED_LINES), key=key):
            chunks.append(Path(folder) / str(len(chunks)))
            chunks[-1].write_bytes(b"".join(chunk))
        merged: Iterator[bytes] = heapq.merge(*map(_lines, chunks), key=key)
        target.writelines(merged)
    # Renamed at the end, so that an interrupted export leaves no incomplete file.
    unfinished.replace(file)


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        yield from opened
