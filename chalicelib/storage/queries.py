"""The Query of a list: the index, the key condition, the direction and the start.

A list is one partition of one index, read in the index's order, so that a page costs what it holds:
no Scan, and no FilterExpression, which is charged for the items that it drops.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
"""

import re
from decimal import Decimal
from typing import Any, Self

from msgspec import Struct

from chalicelib.errors import FieldError, Invalid
from chalicelib.schema import (
    AUTHOR_PARAMETER,
    COLLECTION,
    CREATED_BY,
    Index,
    Resource,
    bound_parameters,
    partition_value,
    shard_number,
)
from chalicelib.storage import cursors
from chalicelib.storage.attributes import AttributeValue, NotStorable, Row, decode, encode
from chalicelib.storage.expressions import Expression
from chalicelib.validation import EXACT

# At most 38 digits: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
DYNAMODB_NUMBER = r"(?=.{1,39}\Z)-?[0-9]{1,38}(\.[0-9]+)?"


class ListQuery(Struct, frozen=True):
    """One list of a resource's items: a partition of an index, in its order or the reverse.

    `value` is the index's partition key. `minimum` and `maximum` bound its sort key, inclusively
    (None: unbounded). `owner` is empty if the resource is not owned. `shard_count` is the number of
    partitions that the list is spread over.
    """

    resource: Resource
    owner: str
    index: Index
    value: str | int | Decimal
    minimum: Any
    maximum: Any
    ascending: bool
    shard_count: int

    @classmethod
    def from_parameters(
        cls, resource: Resource, parameters: dict[str, Any], owner: str = ""
    ) -> Self:
        """The list for query parameters that are valid one by one.

        The value of the parameter `author` is a subject. Raises Invalid if no index serves the
        combination.
        """
        by_author = [AUTHOR_PARAMETER] if resource.has_author else []
        filters = [name for name in (*by_author, *resource.filters) if name in parameters]
        ranges = [
            name for name in resource.ranges if parameters.keys() & set(bound_parameters(name))
        ]
        chosen = [*filters, *ranges]
        if len(chosen) > 1:
            raise Invalid(FieldError(chosen[1], f"cannot be combined with {chosen[0]}"))
        order = ranges[0] if ranges else "createdAt"
        sort: str = parameters.get("sort", order if ranges else "-createdAt")
        field = sort.removeprefix("-")
        if chosen and field != order:
            given = filters or [name for name in bound_parameters(order) if name in parameters]
            message = f"must be {order} or -{order} with {' and '.join(given)}"
            raise Invalid(FieldError("sort", message))
        for name in (*filters, *bound_parameters(field)):
            try:
                encode(parameters.get(name))
            except NotStorable as error:
                raise Invalid(FieldError(name, str(error))) from None
        index, value = Index(COLLECTION, field), resource.owner_prefixed(resource.name, owner)
        if filters == [AUTHOR_PARAMETER]:
            index, value = Index(CREATED_BY, "createdAt"), parameters[AUTHOR_PARAMETER]
        elif filters:
            (name,) = filters
            index = resource.filter_index(name)
            value = index_value(resource, name, parameters[name], owner)
        ascending, shards = field == sort, resource.shard_count(index)
        minimum, maximum = (parameters.get(name) for name in bound_parameters(field))
        return cls(resource, owner, index, value, minimum, maximum, ascending, shards)

    @property
    def is_empty(self) -> bool:
        """Whether no value is within the bounds: DynamoDB refuses such a Query."""
        return None not in (self.minimum, self.maximum) and self.minimum > self.maximum

    def query_parameters(self, shard: int, start: cursors.Position | None) -> dict[str, Any] | None:
        """The parameters of the Query that reads one shard, from its start or after a position.

        None if no item of the shard can be after the position.
        """
        bounds = self._bounds(shard, start)
        if bounds is None:
            return None
        partition = encode(self._partition(shard))
        limits = [(operator, encode(bound)) for operator, bound in bounds if bound is not None]
        expression = Expression()
        condition = expression.comparison(self.index.partition, "=", partition)
        if len(limits) > 1:
            (_, lower), (_, upper) = limits
            condition += f" AND {expression.between(self.index.sort, lower, upper)}"
        elif limits:
            condition += f" AND {expression.comparison(self.index.sort, *limits[0])}"
        is_after = start is not None and start.shard == shard
        return {
            "KeyConditionExpression": condition,
            **expression.parameters(),
            "IndexName": self.index.name,
            "ScanIndexForward": self.ascending,
            **({"ExclusiveStartKey": self._start_key(start)} if start and is_after else {}),
        }

    def order(self, row: Row) -> Any:
        """What a row's place in the list depends on, within its shard."""
        return decode(row[self.index.sort])

    def cursor_after(self, row: Row) -> str:
        """The cursor of the page after the one whose last row is `row`."""
        (text,) = row[self.index.sort].values()
        _, key = self.resource.split_key(row[self.resource.key]["S"])
        shard = 0
        if self.shard_count > 1:
            shard = shard_number(row[self.index.partition]["S"], str(self.value)) or 0
        return cursors.encode_cursor(self._scope(), cursors.Position(text, key, shard))

    def position(self, cursor: str) -> cursors.Position:
        """The position of a cursor of this list. Raises Invalid."""
        position = cursors.decode_cursor(self._scope(), cursor)
        kind = self.resource.attribute_type(self.index.sort)
        if kind == "N" and not re.fullmatch(DYNAMODB_NUMBER, position.sort):
            raise cursors.invalid_cursor()
        # DynamoDB refuses a start outside the bounds of the key condition.
        sort = decode({kind: position.sort})
        below = self.minimum is not None and sort < self.minimum
        above = self.maximum is not None and sort > self.maximum
        if below or above or position.shard >= self.shard_count:
            raise cursors.invalid_cursor()
        return position

    def _bounds(
        self, shard: int, start: cursors.Position | None
    ) -> tuple[tuple[str, Any], tuple[str, Any]] | None:
        """The lower and the upper bound of a shard's sort key, each with its operator.

        Equal sort values are in the order of their shards, ascending or descending as the list is:
        after a position in another shard, this one goes on with the position's value, or after it.
        None if nothing is between the bounds.
        """
        lower, upper = (">=", self.minimum), ("<=", self.maximum)
        if start is None or start.shard == shard:
            return lower, upper
        value = decode({self.resource.attribute_type(self.index.sort): start.sort})
        is_open = (start.shard > shard) == self.ascending
        if self.ascending:
            lower = (">" if is_open else ">=", value)
        else:
            upper = ("<" if is_open else "<=", value)
        if None in (lower[1], upper[1]) or not is_open:
            return lower, upper
        # BETWEEN includes both bounds, so the open one is moved past its value.
        moved = self._next_value(value, 1 if self.ascending else -1)
        if self.ascending:
            lower = (">=", moved)
        else:
            upper = ("<=", moved)
        return None if lower[1] > upper[1] else (lower, upper)

    def _next_value(self, value: int | Decimal, direction: int) -> int | Decimal:
        """The next value of the sort key, which is an integer or a Number, up (1) or down (-1)."""
        kind = self.resource.field_infos[self.index.sort].type
        places: int = getattr(kind, "decimal_places", 0)
        step = Decimal(direction).scaleb(-places)
        return EXACT.add(Decimal(value), step) if places else int(value) + direction

    def _partition(self, shard: int) -> str | int | Decimal:
        return partition_value(str(self.value), shard) if self.shard_count > 1 else self.value

    def _start_key(self, position: cursors.Position) -> Row:
        sort: AttributeValue = {self.resource.attribute_type(self.index.sort): position.sort}
        return {
            self.resource.key: {"S": self.resource.owner_prefixed(position.key, self.owner)},
            self.index.partition: encode(self._partition(position.shard)),
            self.index.sort: sort,
        }

    def _scope(self) -> list[str]:
        parts = (self.index.name, self.value, self.minimum, self.maximum, self.ascending)
        return [self.resource.name, *map(str, parts)]


def index_value(resource: Resource, name: str, value: Any, owner: str) -> Any:
    """The value of `Resource.compared_attribute(name)` for a value of the field `name`."""
    if name in resource.ignore_case:
        value = value.lower()
    if not resource.owned:
        return value
    (text,) = encode(value).values()
    return resource.owner_prefixed(text, owner)
