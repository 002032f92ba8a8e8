"""`make import TABLE=...`: items from a table that another system has left behind.

Tables of tutorials hold numbers as text, keys under another name, no time stamps or some in other
forms, and never an etag.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from chalicelib.errors import DomainError
from chalicelib.schema import OWNER_PARAMETER, Resource, key_type
from chalicelib.storage.attributes import decode
from chalicelib.validation import parse_number
from infra.data import backfill
from infra.data.imports import Import, Record, conclude
from infra.errors import CommandError

# The digits of the seconds since 1970 from 2001 to 2286, and of the milliseconds. Fewer or more
# digits are something else, such as a year or a date.
SECONDS_DIGITS, MILLISECONDS_DIGITS = 10, 13


class OtherTable(Struct, frozen=True):
    """A table of another system, whose rows become items of a resource.

    `owner` is the subject that becomes the owner of every item of an owned resource; `ignored` are
    attributes to leave out.
    """

    client: Any
    name: str
    resource: Resource
    owner: str | None = None
    ignored: frozenset[str] = frozenset()
    check_references: bool = True

    def run(self, *, dry_run: bool) -> None:
        """Import the rows. Raises CommandError."""
        if self.resource.owned and not self.owner:
            raise CommandError(
                f"{self.resource.name} belong to owners: name the subject whose they become, for "
                "example OWNER=ada."
            )
        described = self.client.describe_table(TableName=self.name)["Table"]
        key, *others = described["KeySchema"]
        if others:
            raise CommandError(
                f"{self.name} has a sort key, so that several rows have one partition key. Export "
                "it, give each row a key of its own, and import the file."
            )
        one = Import(self.resource, dry_run=dry_run, check_references=self.check_references)
        one.run(self._records(key["AttributeName"]), described.get("ItemCount", 0))
        print(one.summary)
        conclude([one])

    def _records(self, key: str) -> Iterator[Record]:
        owned = {OWNER_PARAMETER: self.owner} if self.resource.owned else {}
        for row in backfill.scan(self.client, self.name):
            (text,) = row[key].values()
            name = f"{self.name}, {key} {text}"
            try:
                # Before it is decoded: sets and binary values cannot be.
                kept = {n: value for n, value in row.items() if n not in self.ignored or n == key}
                attributes = {attribute: decode(value) for attribute, value in kept.items()}
                values = item_values(self.resource, attributes, key)
            except (DomainError, TypeError) as error:
                yield Record(name, 1, {}, str(error))
            else:
                yield Record(name, 1, values | owned)


def item_values(resource: Resource, attributes: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The values of an item, from those of a row of another system. Raises DomainError."""
    values: dict[str, Any] = {resource.key: str(attributes[key])}
    for name, value in attributes.items():
        if name == key or value is None:
            continue
        if name in ("createdAt", "updatedAt"):
            values[name] = _timestamp(name, value)
        elif not (value == "" and name in resource.optional_fields):
            values[name] = _converted(resource, name, value)
    if "createdAt" in values:
        values.setdefault("updatedAt", values["createdAt"])
    return values


def _converted(resource: Resource, name: str, value: Any) -> Any:
    """A value in the type of its field, if that is text and the value a number, or reversed."""
    field = resource.field_infos.get(name)
    kind = key_type(field.type) if field else None
    if kind == "N" and isinstance(value, str):
        try:
            return parse_number(value.strip())
        except ValueError:
            return value
    if kind == "S" and isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    return value


def _timestamp(name: str, value: Any) -> str:
    """A time in the API's form, from one in ISO 8601, or in seconds or milliseconds since 1970.

    Raises DomainError for anything else, such as a number of another length.
    """
    text = "" if isinstance(value, bool) else str(value)
    digits = text.partition(".")[0] if text.isascii() and text.replace(".", "", 1).isdigit() else ""
    try:
        if len(digits) in (SECONDS_DIGITS, MILLISECONDS_DIGITS):
            unit = 1 if len(digits) == SECONDS_DIGITS else 1000
            moment = datetime.fromtimestamp(float(Decimal(text) / unit), UTC)
        else:
            moment = datetime.fromisoformat(value)
            # Without an offset, as datetime.utcnow().isoformat() writes it, which tutorials use.
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        written = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    except (TypeError, ValueError, OverflowError, OSError):
        raise DomainError(
            f"{name} is {value!r}; it must be a time in ISO 8601, or the seconds (10 digits) or "
            "milliseconds (13 digits) since 1970"
        ) from None
    return written.replace("+00:00", "Z")
