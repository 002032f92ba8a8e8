"""`make user-export` and `make user-erase`: what the tables hold of one person.

A person is the subject of the access tokens, which is the key of their user. Theirs are the items
of owned resources that they own, those that they are the author of, the one whose key they are, and
their idempotency records.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec import json as msgspec_json
from msgspec.json import Encoder

from chalicelib.access import SELF, VERBS, keys_named
from chalicelib.context import CallContext
from chalicelib.errors import NotFound
from chalicelib.models import RESOURCES
from chalicelib.schema import AUTHOR_PARAMETER, Resource
from chalicelib.storage import claims, idempotency
from chalicelib.storage.collection import Collection
from infra.data import access, backfill
from infra.errors import CommandError
from infra.stages import Stage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAGE = "100"
# How far back point-in-time recovery restores a table, in days:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery.html
RECOVERY_DAYS = 35

# How often an erasure looks again for what was written meanwhile, and the pause in between, in
# which indexes follow the deletions.
ROUNDS = 3
PAUSE_SECONDS = 1

_to_json = Encoder(decimal_format="number").encode


class PersonItem(Struct, frozen=True):
    """An item that belongs to a person. `values` is its JSON.

    `is_authored`: the person wrote it, and does not own it. Other items are the person's alone.
    """

    resource: Resource
    values: dict[str, Any]
    is_authored: bool

    @property
    def key(self) -> str:
        """Its key."""
        key: str = self.values[self.resource.key]
        return key


def export(client: "DynamoDBClient", stage: Stage, name: str, file: Path, *, dry_run: bool) -> None:
    """Write what the tables hold of a person to a file, as JSON. Raises CommandError."""
    subject = _subject(client, name)
    if subject is None:
        print(_nothing(stage, name, "written"))
        return
    items = list(_items(subject))
    records = [row for row in _records(client) if _is_record_of(row, subject, items)]
    document: dict[str, Any] = {"subject": subject}
    for resource in RESOURCES:
        document[resource.name] = [each.values for each in items if each.resource is resource]
    document["idempotencyRecords"] = [
        {"expiresAt": int(row["expiresAt"]["N"]), "item": _record_item(row)} for row in records
    ]
    found = _summary(items, len(records))
    if dry_run:
        print(f"Would be written to {file}: {found}.")
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec_json.format(_to_json(document)) + b"\n")
    print(f"Written to {file}: {found}.")


def erase(client: "DynamoDBClient", stage: Stage, name: str, *, dry_run: bool) -> None:
    """Erase a person. May be interrupted and run again. Raises CommandError if more comes.

    Items of their own are deleted. Those that they are the author of stay, without author and
    personal fields. The records come first, because they are found by the items.
    """
    subject = _subject(client, name)
    if subject is None:
        print(_nothing(stage, name, "erased"))
        return
    items, records = _found(client, subject)
    if dry_run:
        print(f"Would be erased: {_summary(items, len(records))}. Nothing was changed.")
        return
    erased: list[PersonItem] = []
    count = 0
    with access.progress("erasing", len(items) + len(records)) as bar:
        # Again, because the person may write meanwhile, and because indexes follow a write.
        for _ in range(ROUNDS):
            _erase(client, subject, items, records, bar)
            erased += items
            count += len(records)
            items, records = _found(client, subject)
            if not items and not records:
                break
            sleep(PAUSE_SECONDS)
    print(f"Erased: {_summary(erased, count)}.")
    if items or records:
        raise CommandError(
            f"There is more already: {_summary(items, len(records))}. Somebody still writes with "
            "the person's access token: wait until it has expired, and run the same command again."
        )
    print(_remains(stage))


def _subject(client: "DynamoDBClient", name: str) -> str | None:
    """The key of the one person of whom the tables hold something, or None.

    `name` is a subject, or a key: the digest of a subject. Raises CommandError if it is both.
    """
    subjects = [each for each in keys_named(name) if any(_found(client, each))]
    if len(subjects) > 1:
        raise CommandError(
            f"KEY={name} names two persons: it is the digest of one's subject, and the subject of "
            f"another one. Name the first by the subject itself, and the second by its digest, "
            f"KEY={subjects[1]}."
        )
    return subjects[0] if subjects else None


def _nothing(stage: Stage, name: str, done: str) -> str:
    """That the tables hold nothing of a person. `done` is what a command would have done."""
    return (
        f"Nothing was found of {name!r} in {stage.name}, and nothing was {done}. KEY is the "
        "subject of the person's access tokens, with its capitals."
    )


def _found(client: "DynamoDBClient", subject: str) -> tuple[list[PersonItem], list[Any]]:
    """The items of a person, and the ids of the idempotency records."""
    items = list(_items(subject))
    return items, [row["id"] for row in _records(client) if _is_record_of(row, subject, items)]


def _erase(
    client: "DynamoDBClient",
    subject: str,
    items: list[PersonItem],
    records: list[Any],
    bar: "access.Bar",
) -> None:
    for id_ in records:
        client.delete_item(TableName=claims.TABLE, Key={"id": id_})
        bar.update(1)
    # The user comes last: while it is there, the command finds what is left.
    for each in sorted(items, key=lambda item: item.key == subject):
        # Deleted meanwhile, by an earlier attempt whose answer was lost, or by the person.
        with suppress(NotFound):
            collection, context = Collection(each.resource), _context(each.resource, subject)
            if each.is_authored:
                collection.remove_author(each.key, context)
            else:
                collection.delete(each.key, context)
        bar.update(1)


def _remains(stage: Stage) -> str:
    """What is left of an erased person, and for how long."""
    rest = (
        "The person has no user, no items and no idempotency records any more. Fields of other "
        "items that name the person were not searched."
    )
    if stage.name == "local":
        return rest
    backups = (
        f"Backups of the tables still hold it for {RECOVERY_DAYS} days (point-in-time recovery)"
        if stage.settings.point_in_time_recovery
        else "The tables have no point-in-time recovery"
    )
    return (
        f"{rest} {backups}. Backups and exports of your own are not changed. Logs have the "
        f"subject, and no name or address, for {stage.settings.log_retention_in_days} days."
        + (
            " Receivers of change events, and archives of the bus, keep what they have stored."
            if stage.settings.events
            else ""
        )
    )


def _items(subject: str) -> Iterator[PersonItem]:
    for resource in RESOURCES:
        collection, context = Collection(resource), _context(resource, subject)
        if _is_of_users(resource):
            with suppress(NotFound):
                yield PersonItem(
                    resource, collection.read(subject, context).values, is_authored=False
                )
        if resource.owned:
            yield from _listed(collection, context, {}, is_authored=False)
        elif resource.has_author:
            yield from _listed(collection, context, {AUTHOR_PARAMETER: subject}, is_authored=True)


def _listed(
    collection: Collection, context: CallContext, query: dict[str, str], *, is_authored: bool
) -> Iterator[PersonItem]:
    cursor: dict[str, str] = {}
    while True:
        page = collection.page({"limit": PAGE, **query, **cursor}, context)
        for values in page.items:
            yield PersonItem(collection.resource, values, is_authored)
        if page.next is None:
            return
        cursor = {"cursor": page.next}


def _context(resource: Resource, subject: str) -> CallContext:
    return access.context(subject if resource.owned else None)


def _records(client: "DynamoDBClient") -> Iterator[Any]:
    for row in backfill.scan(client, claims.TABLE):
        if row["id"]["S"].startswith(idempotency.PREFIX):
            yield row


def _record_item(row: Any) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(row["item"]["S"], parse_float=Decimal)
    return values


def _is_record_of(row: Any, subject: str, items: list[PersonItem]) -> bool:
    """Whether an idempotency record is of a person's request, or holds an item of theirs.

    Staff may have created the item. An item is known by its key and by its creation, which stay.
    """
    if row["id"]["S"].startswith(f"{idempotency.PREFIX}{subject}#"):
        return True
    if row.get(idempotency.ITEM_OWNER) == {"S": subject}:
        return True
    values = _record_item(row)
    if any(
        values.get(each.resource.key) == each.key
        and values.get("createdAt") == each.values["createdAt"]
        for each in items
    ):
        return True
    # The user may have been deleted since.
    return any(
        values.get(resource.key) == subject and values.keys() <= {*resource.attributes}
        for resource in RESOURCES
        if _is_of_users(resource)
    )


def _is_of_users(resource: Resource) -> bool:
    """Whether the key of an item is the subject of its user."""
    return any(SELF in resource.access.rule(verb) for verb in VERBS)


def _summary(items: list[PersonItem], records: int) -> str:
    counts = [
        f"{resource.name} {sum(each.resource is resource for each in items):,}"
        for resource in RESOURCES
        if any(each.resource is resource for each in items)
    ]
    return ", ".join([*counts, f"idempotency records {records:,}"])
