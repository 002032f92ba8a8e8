"""The data-access module: what can be done with the items of one resource.

Every write is one conditional operation. The condition and the answer to its failure decide;
nothing is read first that the write can check itself.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from os import urandom
from typing import Any
from uuid import uuid4

from msgspec import Struct

from chalicelib import claims, dynamodb, transaction
from chalicelib.claims import Once, Recorded
from chalicelib.dynamodb import AttributeValue, ConditionFailed, Row
from chalicelib.errors import DomainError, Invalid, NotFound, Problem, Stale, Taken, Unavailable
from chalicelib.items import UNCONDITIONAL, Item, Page, Precondition
from chalicelib.listing import listing
from chalicelib.schema import READ_ONLY, Resource, folded, present
from chalicelib.transaction import Raced, Step
from chalicelib.validation import key_problems, parse, parse_query


class Collection:
    """The items of one resource, in the table named after it."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.table = dynamodb.table(resource.path)

    def create(self, body: Mapping[str, Any], *, once: Once | None = None) -> Item:
        """Add an item, under the key in `body` or else a UUID.

        With `once`, the same request is fulfilled one time; each further time, whoever sends it,
        gives the same item, `replayed`. Raises Invalid, Taken where the key or a unique value
        belongs to another item, or Reused where `once` came with another request.
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
        return self._insert(row, once)

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

        Raises Invalid, NotFound, Stale where `when` does not hold, or Taken where a unique value
        belongs to another item.
        """
        fields = self._parse(self.resource.fields, body, key)
        return self._update(key, fields, self.resource.removable - fields.keys(), when)

    def patch(
        self, key: str, body: Mapping[str, Any], *, when: Precondition = UNCONDITIONAL
    ) -> Item:
        """Change the fields in `body`; None takes one away, or back to its default (RFC 7396).

        Raises as `replace` does.
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

        def request(when: Precondition) -> dict[str, Any]:
            return self._conditional(key, when)

        if self.resource.unique:
            self._guarded(key, when, lambda now: {"Delete": request(now)}, lambda _: {})
            return
        try:
            dynamodb.delete(**request(when))
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
        items = [self._item(row).values for row in rows[:limit] if wanted.has(row)]
        return Page(items, wanted.cursor_after(rows[limit - 1]) if len(rows) > limit else None)

    def _insert(self, row: Row, once: Once | None) -> Item:
        key = row[self.resource.key]["S"]
        item = self._item(row)
        put = {
            "TableName": self.table,
            "Item": row,
            "ConditionExpression": "attribute_not_exists(#0)",
            "ExpressionAttributeNames": {"#0": self.resource.key},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        taken = Taken(self.resource.noun, {self.resource.key: key})
        # In the order in which their refusals matter.
        steps = [
            *([claims.record(once, item)] if once else []),
            *self._references({}, row),
            Step({"Put": put}, lambda _: taken),
            *claims.moves(self.resource, key, {}, row),
        ]
        if len(steps) == 1:
            try:
                dynamodb.put(**put)
            except ConditionFailed as refused:
                if not _is_ours(refused.row, row):
                    raise taken from None
            return item
        for _ in transaction.attempts():
            try:
                transaction.write(steps)
            except Raced:
                continue
            except Recorded as recorded:
                return recorded.item
            return item
        raise Unavailable

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
        gone = {*removed, *(folded(name) for name in removed & self.resource.ignore_case)}
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in row)
        if gone:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in gone)
        names = {f"#{name}": name for name in (*row, *gone)}
        values = {f":{name}": value for name, value in row.items()}

        def request(when: Precondition) -> dict[str, Any]:
            conditional = self._conditional(key, when, names=names, values=values)
            return {**conditional, "UpdateExpression": expression}

        def after(before: Row) -> Row:
            return {n: value for n, value in (before | row).items() if n not in gone}

        guarded = {*self.resource.unique, *self.resource.references}
        if guarded & fields.keys() or removed & {*self.resource.unique}:
            return self._item(self._guarded(key, when, lambda now: {"Update": request(now)}, after))
        try:
            changed = dynamodb.update(**request(when), ReturnValues="ALL_NEW")
        except ConditionFailed as refused:
            if refused.row is None or not _is_ours(refused.row, row):
                raise self._refusal(key, refused) from None
            changed = refused.row
        return self._item(changed)

    def _guarded(
        self,
        key: Any,
        when: Precondition,
        write: Callable[[Precondition], dict[str, Any]],
        after: Callable[[Row], Row],
    ) -> Row:
        """Write an item together with its claims, and checked against what it refers to.

        Which claims move depends on the item, so it is read first, and the write holds for what
        was read or is done again. `after` says what becomes of the row; an empty one is none.
        """
        for _ in transaction.attempts():
            before = dynamodb.get(TableName=self.table, Key=self._key(key), ConsistentRead=True)
            if before is None:
                raise NotFound(self.resource.noun, key)
            etag = dynamodb.decode(before["etag"])
            if not when.holds(etag):
                raise Stale(self.resource.noun, key)
            row = after(before)
            try:
                transaction.write(
                    [
                        Step(write(Precondition(match=(etag,))), lambda _: Raced()),
                        *self._references(before, row),
                        *claims.moves(self.resource, key, before, row),
                    ]
                )
            except Raced:
                continue
            return row
        raise Unavailable

    def _references(self, before: Row, after: Row) -> list[Step]:
        """Checks that what an item refers to is there, where that changes."""
        return [
            _existence(name, after[name], other)
            for name, other in self.resource.references.items()
            if name in after and after[name] != before.get(name)
        ]

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

    def _conditional(
        self,
        key: Any,
        when: Precondition,
        *,
        names: Mapping[str, str] | None = None,
        values: Row | None = None,
    ) -> dict[str, Any]:
        """What UpdateItem and DeleteItem, alone or in a transaction, have in common."""
        # The condition's own names and values are numbered: no field can be called `0`.
        clauses = ["attribute_exists(#0)"]
        tags: Row = {}
        for etags, clause in (
            (when.match, "#etag IN ({})"),
            (when.none_match, "NOT #etag IN ({})"),
        ):
            numbered = {f":{len(tags) + n}": {"S": etag} for n, etag in enumerate(etags)}
            if numbered:
                clauses.append(clause.format(", ".join(numbered)))
                tags |= numbered
        if when.absent:
            # No update creates, so this never holds; its failure still tells 404 from 412.
            clauses.append("attribute_not_exists(#0)")
        values = {**(values or {}), **tags}
        return {
            "TableName": self.table,
            "Key": self._key(key),
            "ConditionExpression": " AND ".join(clauses),
            "ExpressionAttributeNames": {
                "#0": self.resource.key,
                **({"#etag": "etag"} if tags else {}),
                **(names or {}),
            },
            **({"ExpressionAttributeValues": values} if values else {}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

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
        values = dynamodb.decode_row(row, self.resource.attributes)
        return Item(values[self.resource.key], values["etag"], values)


def _existence(name: str, key: AttributeValue, of: Resource) -> Step:
    return Step(
        {
            "ConditionCheck": {
                "TableName": dynamodb.table(of.path),
                "Key": {of.key: key},
                "ConditionExpression": "attribute_exists(#0)",
                "ExpressionAttributeNames": {"#0": of.key},
            }
        },
        lambda _: Invalid(Problem(name, f"must be the key of a {of.noun} that exists")),
    )


def _is_ours(stored: Row | None, row: Row) -> bool:
    """Whether this call itself wrote what is stored, in an attempt whose answer was lost."""
    return stored is not None and stored["etag"] == row["etag"]


def _new_etag() -> str:
    # Random, not a version number: an etag must not come back when a key does.
    return f'"{urandom(12).hex()}"'


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
