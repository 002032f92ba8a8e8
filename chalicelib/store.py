"""The data-access module: what can be done with the items of one resource.

Every write is one conditional operation. The condition and the answer to its failure decide;
nothing is read first that the write can check itself.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from os import urandom
from typing import Any
from uuid import uuid4

from msgspec import Struct

from chalicelib import dynamodb, settings
from chalicelib.dynamodb import ConditionFailed, Row
from chalicelib.errors import DomainError, Invalid, NotFound, Problem, Stale, Taken
from chalicelib.listing import listing
from chalicelib.schema import READ_ONLY, Resource, folded, present
from chalicelib.validation import key_problems, parse, parse_query


class Item(Struct, frozen=True):
    """One item as a client sees it. `etag` is an entity-tag of RFC 9110, quotes included."""

    key: str
    etag: str
    values: dict[str, Any]


class Page(Struct, frozen=True):
    """Some items of a list, and the cursor of the page after it (None: there is none)."""

    items: list[dict[str, Any]]
    next: str | None


class Precondition(Struct, frozen=True):
    """Which etags an item must have one of (none given: any), and which it must have none of.

    `absent` asks that there be no item at all. RFC 9110 section 13.1.
    """

    match: tuple[str, ...] = ()
    none_match: tuple[str, ...] = ()
    absent: bool = False


class Condition(Struct, frozen=True):
    """A ConditionExpression, with the names and values in it."""

    expression: str
    names: dict[str, str]
    values: Row


UNCONDITIONAL = Precondition()


class Collection:
    """The items of one resource, in the table named after it."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.table = settings.TABLE_PREFIX + resource.path

    def create(self, body: Mapping[str, Any]) -> Item:
        """Add an item, under the key in `body` or else a UUID.

        Raises Invalid, or Taken where the key belongs to an item already.
        """
        key = body[self.resource.key] if self.resource.key in body else str(uuid4())
        fields = self._parse(self.resource.fields, body, key)
        drawn = {name: draw() for name, draw in self.resource.drawn.items()}
        now = _now()
        row = self._row(
            {
                self.resource.key: key,
                **drawn,
                **fields,
                "createdAt": now,
                "updatedAt": now,
                "etag": _new_etag(),
                "collection": self.resource.path,
            }
        )
        try:
            dynamodb.put(
                TableName=self.table,
                Item=row,
                ConditionExpression="attribute_not_exists(#0)",
                ExpressionAttributeNames={"#0": self.resource.key},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as refused:
            if not _is_ours(refused, row):
                raise Taken(self.resource.noun, self.resource.key, key) from None
        return self._item(row)

    def read(self, key: str, *, when: Precondition = UNCONDITIONAL) -> Item:
        """The item with this key, as the last write left it.

        Raises Invalid, NotFound, or Stale where it has none of the etags in `when.match`; what it
        means that an etag is in `when.none_match` is for the caller to say.
        """
        row = dynamodb.get(TableName=self.table, Key=self._key(key), ConsistentRead=True)
        if row is None:
            raise NotFound(self.resource.noun, key)
        item = self._item(row)
        if when.match and item.etag not in when.match:
            raise Stale(self.resource.noun, key)
        return item

    def replace(
        self, key: str | None, body: Mapping[str, Any], *, when: Precondition = UNCONDITIONAL
    ) -> Item:
        """Give an item the fields in `body`, and no others. Without a key, Invalid asks for it.

        Raises Invalid, NotFound, or Stale where `when` does not hold.
        """
        fields = self._parse(self.resource.fields, body, key)
        return self._update(key, fields, self.resource.removable - fields.keys(), when)

    def patch(
        self, key: str, body: Mapping[str, Any], *, when: Precondition = UNCONDITIONAL
    ) -> Item:
        """Change the fields in `body`; None takes one away, or back to its default (RFC 7396).

        Raises Invalid, NotFound, or Stale where `when` does not hold.
        """
        changes = self._parse(self.resource.changes, body, key)
        nulled = {name for name, value in changes.items() if value is None}
        reset = {
            name: self.resource.field_infos[name].default
            for name in nulled - self.resource.removable
        }
        fields = {name: value for name, value in changes.items() if name not in nulled}
        return self._update(key, fields | reset, nulled & self.resource.removable, when)

    def delete(self, key: str, *, when: Precondition = UNCONDITIONAL) -> None:
        """Take an item away. Raises Invalid, NotFound, or Stale where `when` does not hold."""
        condition = self._condition(when)
        values = {"ExpressionAttributeValues": condition.values} if condition.values else {}
        try:
            dynamodb.delete(
                TableName=self.table,
                Key=self._key(key),
                ConditionExpression=condition.expression,
                ExpressionAttributeNames=condition.names,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **values,
            )
        except ConditionFailed as refused:
            # Gone after an attempt whose answer was lost: that attempt has done it, or somebody
            # else has. Either way the caller has what was asked for.
            if refused.row or not refused.retried:
                raise self._refusal(key, refused) from None

    def page(self, query: Mapping[str, str]) -> Page:
        """A page of the list that the query parameters describe. Raises Invalid.

        One Query, which reads the page and the one item that tells whether there is another.
        """
        parameters = present(
            parse_query(self.resource.list_parameters, query, noun=self.resource.noun)
        )
        wanted = listing(self.resource, parameters)
        start = wanted.start_after(parameters["cursor"]) if "cursor" in parameters else None
        if wanted.empty:
            return Page([], None)
        limit = parameters["limit"]
        rows = self._rows(wanted.request(), start=start, count=limit + 1)
        items = [self._item(row).values for row in rows[:limit]]
        return Page(items, wanted.cursor_after(rows[limit - 1]) if len(rows) > limit else None)

    def _rows(self, request: dict[str, Any], *, start: Row | None, count: int) -> list[Row]:
        # A Query ends at 1 MB, which some 50 of the longest reviews fill. Only then is there a
        # second: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
        rows: list[Row] = []
        while True:
            after = {"ExclusiveStartKey": start} if start else {}
            found, start = dynamodb.query(
                TableName=self.table, Limit=count - len(rows), **request, **after
            )
            rows += found
            if start is None or len(rows) == count:
                return rows

    def _update(
        self, key: Any, fields: dict[str, Any], removed: AbstractSet[str], when: Precondition
    ) -> Item:
        row = self._row({**fields, "updatedAt": _now(), "etag": _new_etag()})
        gone = [*removed, *(folded(name) for name in removed & self.resource.ignore_case)]
        condition = self._condition(when)
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in row)
        if gone:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in gone)
        try:
            changed = dynamodb.update(
                TableName=self.table,
                Key=self._key(key),
                UpdateExpression=expression,
                ConditionExpression=condition.expression,
                ExpressionAttributeNames=condition.names
                | {f"#{name}": name for name in (*row, *gone)},
                ExpressionAttributeValues=condition.values
                | {f":{name}": value for name, value in row.items()},
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as refused:
            if refused.row is None or not _is_ours(refused, row):
                raise self._refusal(key, refused) from None
            changed = refused.row
        return self._item(changed)

    def _parse(self, kind: type[Struct], body: Mapping[str, Any], key: Any) -> dict[str, Any]:
        """The fields in `body`, which may also send back what only the server writes.

        Raises Invalid, also for a `key` that cannot be one or that is not the one in `body`.
        """
        own = (self.resource.key, *READ_ONLY)
        values = {name: value for name, value in body.items() if name not in own}
        problems = key_problems(self.resource.key, key)
        if not problems and body.get(self.resource.key, key) != key:
            problems = [Problem(self.resource.key, f"must be {key}, as in the address")]
        try:
            fields = present(parse(kind, values, noun=self.resource.noun))
        except Invalid as error:
            raise Invalid(*problems, *error.problems) from None
        if problems:
            raise Invalid(*problems)
        return fields

    def _key(self, key: Any) -> Row:
        problems = key_problems(self.resource.key, key)
        if problems:
            raise Invalid(*problems)
        return {self.resource.key: {"S": key}}

    def _condition(self, when: Precondition) -> Condition:
        # Names and values are numbered: no field can be called `0`.
        clauses = ["attribute_exists(#0)"]
        names = {"#0": self.resource.key}
        values: Row = {}
        for tags, clause in ((when.match, "#etag IN ({})"), (when.none_match, "NOT #etag IN ({})")):
            if tags:
                numbered = {f":{len(values) + n}": {"S": tag} for n, tag in enumerate(tags)}
                clauses.append(clause.format(", ".join(numbered)))
                names["#etag"] = "etag"
                values |= numbered
        if when.absent:
            # No update creates, so this never holds; its failure still tells 404 from 412.
            clauses.append("attribute_not_exists(#0)")
        return Condition(" AND ".join(clauses), names, values)

    def _refusal(self, key: Any, refused: ConditionFailed) -> DomainError:
        failure = Stale if refused.row else NotFound
        return failure(self.resource.noun, key)

    def _row(self, values: Mapping[str, Any]) -> Row:
        """The attribute values to store, with those that only indexes read."""
        keys = {
            folded(name): values[name].lower()
            for name in self.resource.ignore_case
            if name in values
        }
        return dynamodb.encode_row({**values, **keys})

    def _item(self, row: Row) -> Item:
        # Read back from attribute values also after a write, so that every answer that shows an
        # item shows the same bytes: what a strong etag promises (RFC 9110 section 8.8.1).
        values = {
            name: dynamodb.decode(row[name]) for name in self.resource.attributes if name in row
        }
        return Item(values[self.resource.key], values["etag"], values)


def _is_ours(refused: ConditionFailed, row: Row) -> bool:
    """Whether this call itself wrote what is stored, in an attempt whose answer was lost."""
    return refused.row is not None and refused.row["etag"] == row["etag"]


def _new_etag() -> str:
    # Random, not a version number: an etag must not come back when a key does.
    return f'"{urandom(12).hex()}"'


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
