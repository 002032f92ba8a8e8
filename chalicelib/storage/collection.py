"""The data-access module: what can be done with the items of one resource.

Every write is one conditional operation. Its condition and the answer to its failure decide;
nothing is read first that the write itself can check.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from os import urandom
from typing import Any
from uuid import uuid4

from msgspec import Struct

from chalicelib.access import SELF, Verb, author_key, owner_key, require_rule
from chalicelib.context import CallContext, Precondition
from chalicelib.errors import Conflict, FieldError, Invalid, OutcomeUnknown, Unavailable
from chalicelib.results import Item, Page
from chalicelib.schema import (
    AUTHOR_PARAMETER,
    COLLECTION,
    CREATED_BY,
    ETAG,
    SERVER_FIELDS,
    TIMESTAMP,
    Resource,
    WriteStamp,
    given_fields,
    partition_value,
)
from chalicelib.storage import claims, dynamodb, idempotency, transactions
from chalicelib.storage.attributes import (
    AttributeValue,
    NotStorable,
    Row,
    decode_row,
    encode,
    encode_row,
)
from chalicelib.storage.cursors import Position
from chalicelib.storage.dynamodb import ConditionFailed
from chalicelib.storage.expressions import (
    Change,
    Exists,
    Expression,
    Guard,
    IsAuthor,
    MeetsPrecondition,
    NotExists,
    condition_expression,
    require_row,
)
from chalicelib.storage.queries import ListQuery, index_value
from chalicelib.storage.transactions import TransactionConflict
from chalicelib.validation import key_problems, parse, parse_query

# The names of a transaction's writes; those of a field are followed by the field's name.
ITEM, RECORD, REFERENCE, CLAIM, RELEASE = "item", "record", "reference", "claim", "release"


class ItemKey(Struct, frozen=True):
    """The key of an item, and its owner: empty if the resource is not owned."""

    key: Any
    owner: str


class Collection:
    """The items of one resource, in the resource's table.

    Every method checks the resource's access rule for the caller of the `context`, and raises
    Unauthenticated for an anonymous caller, or Forbidden, in addition to what it names itself.
    """

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.table = dynamodb.table_name(resource.name)

    def create(self, body: Mapping[str, Any], context: CallContext) -> Item:
        """Create an item, under the key in `body` or else a UUID.

        If the rule allows the caller one key alone, its subject, that is the key by default.

        With an idempotency key, the same request of the same caller creates one item, and each
        repetition returns that item, `replayed`. Raises Invalid, also for a reference to an item
        that does not exist, Conflict if another item has the key or the value of a unique field,
        IdempotencyKeyReused, or Unavailable.
        """
        key = body[self.resource.key] if self.resource.key in body else self._new_key(context)
        self._access_guards("create", key, context)
        owner = self._owner(context)
        fields = self._parse(self.resource.fields, body, key)
        row = self._new_row(ItemKey(key, owner), fields, {}, context.caller.subject)
        return self._insert(row, context, self.resource.references)

    def imported_row(self, values: Mapping[str, Any], context: CallContext, *, author: str) -> Row:
        """The row of an item that was exported, or that another system made.

        `values` are those of a create, with the key, and perhaps with `createdAt`, `updatedAt` and
        `etag`, which are kept; those that are missing are new. `author` is the subject of the
        caller who created the item, or empty. The caller must be staff. Raises Invalid.
        """
        key = values.get(self.resource.key)
        self._access_guards("create", key, context)
        owner = self._owner(context)
        fields = self._parse(self.resource.fields, values, key)
        kept = {name: values[name] for name in SERVER_FIELDS if name in values}
        problems = server_field_problems(kept)
        if problems:
            raise Invalid(*problems)
        return self._new_row(ItemKey(key, owner), fields, kept, author)

    def insert(self, row: Row, context: CallContext, *, check_references: bool) -> Item:
        """Store a row from `imported_row`, if no item has its key. Raises as `create` does."""
        references = self.resource.references if check_references else {}
        return self._insert(row, context, references)

    def remove_author(self, key: str, context: CallContext) -> Item:
        """Remove the author of an item, and its personal fields.

        Those that a create gives a default get another one. The caller must be staff. Raises as
        `patch` does.
        """
        guards = self._access_guards("change", key, context)
        replaced = {
            name: default()
            for name, default in self.resource.create_defaults.items()
            if name in self.resource.personal
        }
        removed = {CREATED_BY, *self.resource.personal} - replaced.keys()
        return self._update(key, replaced, removed, context, guards)

    def read(self, key: str, context: CallContext) -> Item:
        """The item with this key, strongly consistent.

        Raises Invalid, NotFound, Unavailable, or PreconditionFailed if `If-Match` has other etags.
        A match of `If-None-Match` is not an error of a read: `http.responses.ok_or_not_modified`.
        """
        by_author = self._access_guards("read", key, context)
        item_key = ItemKey(key, self._owner(context))
        if_match = Precondition(match=context.precondition.match)
        guards = self._guards(key, if_match, *by_author)
        return self.item(require_row(guards, self._get(self._key(item_key))))

    def replace(
        self, key: str | None, body: Mapping[str, Any], context: CallContext, *guards: Guard
    ) -> Item:
        """Replace all fields of an item by those in `body`.

        Raises Invalid, also for a `key` of None and for a reference to an item that does not exist,
        NotFound, PreconditionFailed, Conflict if another item has the value of a unique field,
        IdempotencyKeyReused, Unavailable, or the refusal of one of the additional `guards`.
        """
        guards = (*self._access_guards("change", key, context), *guards)
        fields = self._parse(self.resource.fields, body, key)
        removed = self.resource.optional_fields - fields.keys()
        return self._update(key, fields, removed, context, guards)

    def patch(
        self, key: str, body: Mapping[str, Any], context: CallContext, *guards: Guard
    ) -> Item:
        """Change the fields in `body`; None removes one, or resets it to its default (RFC 7396).

        Raises as `replace` does.
        """
        guards = (*self._access_guards("change", key, context), *guards)
        changes = self._parse(self.resource.merge_patch_type, body, key)
        nulls = {name for name, value in changes.items() if value is None}
        fields = {
            name: self.resource.defaults[name] if name in nulls else value
            for name, value in changes.items()
            if name not in nulls & self.resource.optional_fields
        }
        removed = nulls & self.resource.optional_fields
        return self._update(key, fields, removed, context, guards)

    def delete(self, key: str, context: CallContext, *guards: Guard) -> None:
        """Delete an item.

        Raises Invalid, NotFound, PreconditionFailed, IdempotencyKeyReused, Unavailable, or the
        refusal of one of the additional `guards`.
        """
        guards = (*self._access_guards("delete", key, context), *guards)
        item_key = ItemKey(key, self._owner(context))
        if self.resource.unique or context.idempotency_key:
            self._write_in_transaction(item_key, None, context, guards)
            return
        guards = self._guards(key, context.precondition, *guards)
        try:
            transactions.write_one(dynamodb.delete, **self._write_request(item_key, guards))
        except ConditionFailed as failed:
            require_row(guards, failed.row)
            raise

    def page(self, query: Mapping[str, str], context: CallContext) -> Page:
        """The page of the list that the query parameters describe. Raises Invalid or Unavailable.

        A list by another author is for staff.

        A Query reads the page and one item more, to know whether there is a next page. A page of
        more than 1 MB takes a Query for each MB.
        """
        self._access_guards("list", None, context)
        owner = self._owner(context)
        parameters = given_fields(
            parse_query(self.resource.list_parameters, query, noun=self.resource.noun)
        )
        if self.resource.has_author and AUTHOR_PARAMETER in parameters:
            parameters[AUTHOR_PARAMETER] = author_key(parameters[AUTHOR_PARAMETER], context.caller)
        list_query = ListQuery.from_parameters(self.resource, parameters, owner)
        cursor = parameters.get("cursor")
        start = None if cursor is None else list_query.position(cursor)
        if list_query.is_empty:
            return Page([], None)
        limit = parameters["limit"]
        rows = self._rows(list_query, start, limit + 1)
        items = [self.item(row).values for row in rows[:limit]]
        return Page(items, list_query.cursor_after(rows[limit - 1]) if len(rows) > limit else None)

    def _access_guards(self, action: Verb, key: Any, context: CallContext) -> tuple[Guard, ...]:
        """The guards under which the caller may do this: none, or that it is the author.

        Raises Unauthenticated or Forbidden.
        """
        met = require_rule(self.resource.access.rule(action), context.caller, key)
        # Nothing is met, and no author is asked for: the key is missing, and is refused later.
        if met or not self.resource.has_author:
            return ()
        return (IsAuthor(context.caller.subject, self.resource, key),)

    def _new_key(self, context: CallContext) -> str:
        """The key of an item that is created without one."""
        rule, caller = self.resource.access.rule("create"), context.caller
        if SELF in rule and not require_rule(rule, caller):
            return caller.subject
        return str(uuid4())

    def _owner(self, context: CallContext) -> str:
        """The owner of the items of a call, empty if the resource is not owned.

        Raises Invalid or Forbidden.
        """
        return owner_key(context.owner, context.caller) if self.resource.owned else ""

    def _get(self, key: Row) -> Row | None:
        return dynamodb.get(TableName=self.table, Key=key, ConsistentRead=True)

    def _written_row(self, key: Row, etag: AttributeValue, unknown: OutcomeUnknown) -> Row:
        """The stored row, if it has the etag of a write whose response was lost.

        Raises `unknown` otherwise: either the write was not made, and may still be, or it was, and
        another one followed.
        """
        try:
            row = self._get(key)
        except Unavailable:
            row = None
        if row is None or row["etag"] != etag:
            raise unknown
        return row

    def _rows(self, list_query: ListQuery, start: Position | None, count: int) -> list[Row]:
        """The first `count` rows of a list after a position."""
        if list_query.shard_count > 1:
            # Imported here, because threads cost time that other lists need not spend.
            from chalicelib.storage import shards  # noqa: PLC0415

            return shards.first_rows(self.table, list_query, start, count)
        request: dict[str, Any] = list_query.query_parameters(0, start) or {}
        # A Query ends at 1 MB, which some 50 of the longest reviews fill. Only then does a second
        # follow: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
        rows: list[Row] = []
        while True:
            found, last = dynamodb.query(TableName=self.table, Limit=count - len(rows), **request)
            rows += found
            if last is None or len(rows) == count:
                return rows
            request["ExclusiveStartKey"] = last

    def _new_row(
        self, item_key: ItemKey, fields: Mapping[str, Any], kept: Mapping[str, Any], author: str
    ) -> Row:
        """The row of a new item. `kept` are server fields with a value."""
        stamp = _new_stamp()
        omitted = {
            name: default()
            for name, default in self.resource.create_defaults.items()
            if name not in fields
        }
        row = self._row(
            {
                self.resource.key: item_key.key,
                **fields,
                **omitted,
                **{name: field.value(stamp) for name, field in SERVER_FIELDS.items()},
                **kept,
            },
            item_key,
        )
        row[self.resource.key] = {"S": self.resource.owner_prefixed(item_key.key, item_key.owner)}
        collection = self.resource.owner_prefixed(self.resource.name, item_key.owner)
        shard = self.resource.shard_of(item_key.key)
        row[COLLECTION] = {"S": partition_value(collection, shard)}
        if self.resource.has_author and author:
            row[CREATED_BY] = {"S": author}
        return row

    def _insert(self, row: Row, context: CallContext, references: Mapping[str, Resource]) -> Item:
        _, key = self.resource.split_key(row[self.resource.key]["S"])
        guards = (NotExists(self.resource, key),)
        expression = Expression()
        put = {
            "TableName": self.table,
            "Item": row,
            "ConditionExpression": condition_expression(guards, expression),
            **expression.parameters(),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        item = self.item(row)
        linked = self._linked_writes({}, row, context, item, references)
        if not linked:
            try:
                transactions.write_one(dynamodb.put, **put)
            except ConditionFailed as failed:
                require_row(guards, failed.row)
                raise
            except OutcomeUnknown as unknown:
                key_of_row = {self.resource.key: row[self.resource.key]}
                self._written_row(key_of_row, row["etag"], unknown)
            return item
        for _ in transactions.attempts():
            try:
                refused = transactions.write(linked | {ITEM: {"Put": put}})
            except TransactionConflict:
                continue
            return self._outcome(refused, row, context) or item
        raise Unavailable

    def _update(
        self,
        key: Any,
        fields: dict[str, Any],
        removed: AbstractSet[str],
        context: CallContext,
        more: tuple[Guard, ...],
    ) -> Item:
        stamp = _new_stamp()
        item_key = ItemKey(key, self._owner(context))
        values = {
            **fields,
            **{
                name: field.value(stamp) for name, field in SERVER_FIELDS.items() if field.on_update
            },
        }
        obsolete = {
            self.resource.index_attribute(n) for n in removed & self.resource.indexed_fields
        }
        change = Change(self._row(values, item_key), frozenset(removed | obsolete))
        linked = {*self.resource.unique, *self.resource.references}
        if linked & fields.keys() or removed & {*self.resource.unique} or context.idempotency_key:
            return self._write_in_transaction(item_key, change, context, more)
        guards = self._guards(key, context.precondition, *more)
        try:
            request = self._write_request(item_key, guards, change)
            row = transactions.write_one(dynamodb.update, **request, ReturnValues="ALL_NEW")
        except ConditionFailed as failed:
            require_row(guards, failed.row)
            raise
        except OutcomeUnknown as unknown:
            row = self._written_row(self._key(item_key), change.set["etag"], unknown)
        return self.item(row)

    def _write_in_transaction(
        self,
        item_key: ItemKey,
        change: Change | None,
        context: CallContext,
        more: tuple[Guard, ...],
    ) -> Item:
        """Change or delete an item together with its claims, references and idempotency record.

        The claims to make and release depend on the item, so it is read first. The write's
        condition is that the item has not changed since; if it has, both are repeated.
        """
        guards = self._guards(item_key.key, context.precondition, *more)
        kept: set[str] = set()
        for _ in transactions.attempts():
            before = require_row(guards, self._get(self._key(item_key)))
            unchanged = self._guards(item_key.key, Precondition(match=(before["etag"]["S"],)))
            request = self._write_request(item_key, unchanged, change)
            after = change.apply(before) if change else {}
            item = self.item(after or before)
            linked = self._linked_writes(before, after, context, item, self.resource.references)
            writes = linked | {ITEM: {"Update" if change else "Delete": request}}
            try:
                refused = transactions.write(
                    {name: write for name, write in writes.items() if name not in kept}
                )
            except TransactionConflict:
                continue
            if ITEM in refused and RECORD not in refused:
                continue
            if refused and all(name.startswith(RELEASE) for name in refused):
                # The claims are another item's, which has had the value, too, since before the
                # field was unique (`make backfill` reports it).
                kept |= refused.keys()
                continue
            return self._outcome(refused, after, context) or item
        raise Unavailable

    def _linked_writes(
        self,
        before: Row,
        after: Row,
        context: CallContext,
        item: Item,
        references: Mapping[str, Resource],
    ) -> dict[str, dict[str, Any]]:
        """The writes that go with an item's own write in one transaction, by name.

        An empty row stands for no item. `item` is what an idempotency record is to hold, and
        `references` are those to check.
        """
        idempotency_key = context.idempotency_key
        owner, _ = self.resource.split_key((after or before)[self.resource.key]["S"])
        records = (
            {RECORD: idempotency.record_replay(idempotency_key, context.caller, item, owner)}
            if idempotency_key
            else {}
        )
        checks = {
            f"{REFERENCE} {name}": _check_exists(after[name], other)
            for name, other in references.items()
            if name in after and after[name] != before.get(name)
        }
        key = (after or before)[self.resource.key]["S"]
        puts, deletes = claims.claim_changes(self.resource, key, before, after)
        return {
            **records,
            **checks,
            **{f"{CLAIM} {name}": write for name, write in puts.items()},
            **{f"{RELEASE} {name}": write for name, write in deletes.items()},
        }

    def _outcome(
        self, refused: Mapping[str, Row | None], row: Row, context: CallContext
    ) -> Item | None:
        """What a transaction that would store `row` has come to, by the writes that were refused.

        None if it was committed; the recorded item if the request is a repetition. Raises
        IdempotencyKeyReused, Invalid or Conflict: the first of them that applies.
        """
        if not refused:
            return None
        record = refused.get(RECORD)
        if record and context.idempotency_key:
            return idempotency.replay(context.idempotency_key, record)
        missing = [
            FieldError(name, f"must be the key of a {other.noun} that exists")
            for name, other in self.resource.references.items()
            if f"{REFERENCE} {name}" in refused
        ]
        if missing:
            raise Invalid(*missing)
        _, key = self.resource.split_key(row[self.resource.key]["S"])
        taken = {self.resource.key: key} if ITEM in refused else {}
        claimed = [name for name in self.resource.unique if f"{CLAIM} {name}" in refused]
        raise Conflict(self.resource.noun, taken | {name: row[name]["S"] for name in claimed})

    def _parse(self, kind: type[Struct], body: Mapping[str, Any], key: Any) -> dict[str, Any]:
        """The fields in `body`, which may also hold the key and server fields, which are ignored.

        Raises Invalid, also for a `key` that is not valid, or that differs from the one in `body`.
        """
        own = (self.resource.key, *SERVER_FIELDS)
        values = {name: value for name, value in body.items() if name not in own}
        problems = key_problems(self.resource.key, key)
        if not problems and body.get(self.resource.key, key) != key:
            problems = [FieldError(self.resource.key, f"must be {key}, as in the address")]
        try:
            fields = given_fields(parse(kind, values, noun=self.resource.noun))
        except Invalid as error:
            raise Invalid(*problems, *error.problems) from None
        if problems:
            raise Invalid(*problems)
        return fields

    def _key(self, item_key: ItemKey) -> Row:
        problems = key_problems(self.resource.key, item_key.key)
        if problems:
            raise Invalid(*problems)
        return {
            self.resource.key: {"S": self.resource.owner_prefixed(item_key.key, item_key.owner)}
        }

    def _guards(self, key: Any, precondition: Precondition, *more: Guard) -> tuple[Guard, ...]:
        # Who may do it comes before what the item must be like.
        by_author = [guard for guard in more if isinstance(guard, IsAuthor)]
        return (
            Exists(self.resource, key),
            *by_author,
            MeetsPrecondition(precondition, self.resource, key),
            *(guard for guard in more if guard not in by_author),
        )

    def _write_request(
        self, item_key: ItemKey, guards: tuple[Guard, ...], change: Change | None = None
    ) -> dict[str, Any]:
        """The parameters of an UpdateItem with `change`, or else of a DeleteItem."""
        expression = Expression()
        update = {"UpdateExpression": change.update_expression(expression)} if change else {}
        return {
            "TableName": self.table,
            "Key": self._key(item_key),
            "ConditionExpression": condition_expression(guards, expression),
            **update,
            **expression.parameters(),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _row(self, values: Mapping[str, Any], item_key: ItemKey) -> Row:
        """The row to store, with the copies that indexes and claims compare.

        Raises Invalid for what DynamoDB cannot store, which a field of free form may have.
        """
        row: Row = {}
        problems = []
        for name, value in values.items():
            try:
                row[name] = encode(value)
            except NotStorable as error:
                problems.append(FieldError(name, str(error)))
        if problems:
            raise Invalid(*problems)
        return row | index_values(self.resource, values, item_key)

    def item(self, row: Row) -> Item:
        """The item that a row stores."""
        # Decoded from attribute values also after a write, so that every answer with one etag has
        # the same bytes, as a strong etag promises (RFC 9110 section 8.8.1).
        missing = self.resource.defaults.keys() - row.keys()
        if missing:
            # The row was stored before the field was declared.
            row = row | encode_row({name: self.resource.defaults[name] for name in missing})
        values = decode_row(row, self.resource.attributes)
        _, key = self.resource.split_key(values[self.resource.key])
        values[self.resource.key] = key
        return Item(key, values["etag"], values)


def server_field_problems(values: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with values of server fields that this server has not made."""
    problems = []
    for name, value in values.items():
        if name != "etag":
            if not _is_timestamp(value):
                message = "must be a time in UTC like 2026-11-20T09:30:00.000Z"
                problems.append(FieldError(name, message))
        elif not (isinstance(value, str) and re.fullmatch(ETAG, value)):
            message = "must be an etag, double quotes included, of at most 128 characters"
            problems.append(FieldError(name, message))
    return problems


def _is_timestamp(value: Any) -> bool:
    """Whether a value is a time as `_timestamp` writes it: in ASCII digits, a day that exists."""
    if not isinstance(value, str) or not re.fullmatch(TIMESTAMP, value, re.ASCII):
        return False
    try:
        return _timestamp(datetime.fromisoformat(value)) == value
    except ValueError:
        return False


def index_values(resource: Resource, values: Mapping[str, Any], item_key: ItemKey) -> Row:
    """The attributes that indexes and claims compare in place of fields: `compared_attribute`."""
    attributes: Row = {}
    for name in resource.indexed_fields & values.keys():
        value = index_value(resource, name, values[name], item_key.owner)
        if name in resource.sharded_filters:
            value = partition_value(value, resource.shard_of(item_key.key))
        attributes[resource.index_attribute(name)] = encode(value)
    return attributes


def _check_exists(key: AttributeValue, resource: Resource) -> dict[str, Any]:
    expression = Expression()
    return {
        "ConditionCheck": {
            "TableName": dynamodb.table_name(resource.name),
            "Key": {resource.key: key},
            "ConditionExpression": Exists(resource, key["S"]).condition(expression),
            **expression.parameters(),
        }
    }


def _new_stamp() -> WriteStamp:
    # The etag is random, not a version number: it must not return when a key does.
    return WriteStamp(_timestamp(datetime.now(UTC)), f'"{urandom(12).hex()}"')


def _timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
