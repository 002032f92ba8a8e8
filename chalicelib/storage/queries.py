"""The Query of a list: the index, the key condition, the direction and the start.

A list is one partition of one index, read in the index's order, so that a page costs what it holds:
no Scan, and no FilterExpression, which is charged for the items that it drops.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
"""

import re
from decimal import Decimal
from typing import Any, Self

from msgspec import Struct

from chalicelib.errors import Invalid, Problem
from chalicelib.schema import (
    AUTHOR_PARAMETER,
    COLLECTION,
    CREATED_BY,
    Index,
    Resource,
    bound_parameters,
)
from chalicelib.storage import cursors
from chalicelib.storage.attributes import AttributeValue, NotStorable, Row, decode, encode
from chalicelib.storage.expressions import Expression

# At most 38 digits: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
DYNAMODB_NUMBER = r"(?=.{1,39}\Z)-?[0-9]{1,38}(\.[0-9]+)?"


class ListQuery(Struct, frozen=True):
    """One list of a resource's items: a partition of an index, in its order or the reverse.

    `value` is the index's partition key. `minimum` and `maximum` bound its sort key, inclusively
    (None: unbounded). `owner` is empty if the resource is not owned.
    """

    resource: Resource
    owner: str
    index: Index
    value: str | int | Decimal
    minimum: Any
    maximum: Any
    ascending: bool

    @classmethod
    def of(cls, resource: Resource, parameters: dict[str, Any], owner: str = "") -> Self:
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
            raise Invalid(Problem(chosen[1], f"cannot be combined with {chosen[0]}"))
        order = ranges[0] if ranges else "createdAt"
        sort: str = parameters.get("sort", order if ranges else "-createdAt")
        field = sort.removeprefix("-")
        if chosen and field != order:
            given = filters or [name for name in bound_parameters(order) if name in parameters]
            message = f"must be {order} or -{order} with {' and '.join(given)}"
            raise Invalid(Problem("sort", message))
        for name in (*filters, *bound_parameters(field)):
            try:
                encode(parameters.get(name))
            except NotStorable as error:
                raise Invalid(Problem(name, str(error))) from None
        index, value = Index(COLLECTION, field), resource.scoped(resource.name, owner)
        if filters == [AUTHOR_PARAMETER]:
            index, value = Index(CREATED_BY, "createdAt"), parameters[AUTHOR_PARAMETER]
        elif filters:
            (name,) = filters
            index = resource.filter_index(name)
            value = compared_value(resource, name, parameters[name], owner)
        minimum, maximum = (parameters.get(name) for name in bound_parameters(field))
        return cls(resource, owner, index, value, minimum, maximum, ascending=field == sort)

    @property
    def is_empty(self) -> bool:
        """Whether no value is within the bounds: DynamoDB refuses such a Query."""
        return None not in (self.minimum, self.maximum) and self.minimum > self.maximum

    def request(self) -> dict[str, Any]:
        """The parameters of the Query that reads this list from its start."""
        expression = Expression()
        partition = expression.name(self.index.partition)
        condition = f"{partition} = {expression.value(encode(self.value))}"
        bounds = [
            expression.value(encode(bound))
            for bound in (self.minimum, self.maximum)
            if bound is not None
        ]
        if bounds:
            sort = expression.name(self.index.sort)
            if len(bounds) > 1:
                condition += f" AND {sort} BETWEEN {bounds[0]} AND {bounds[1]}"
            else:
                condition += f" AND {sort} {'<=' if self.minimum is None else '>='} {bounds[0]}"
        return {
            "IndexName": self.index.name,
            "KeyConditionExpression": condition,
            **expression.parameters(),
            "ScanIndexForward": self.ascending,
        }

    def cursor_after(self, row: Row) -> str:
        """The cursor of the page after the one whose last row is `row`."""
        (text,) = row[self.index.sort].values()
        _, key = self.resource.split_key(row[self.resource.key]["S"])
        position = cursors.Position(text, key)
        return cursors.encode_cursor(self._scope(), position)

    def exclusive_start_key(self, cursor: str) -> Row:
        """The ExclusiveStartKey for a cursor of this list. Raises Invalid."""
        position = cursors.decode_cursor(self._scope(), cursor)
        kind = self.resource.attribute_type(self.index.sort)
        if kind == "N" and not re.fullmatch(DYNAMODB_NUMBER, position.sort):
            raise cursors.invalid_cursor()
        sort: AttributeValue = {kind: position.sort}
        # DynamoDB refuses a start outside the bounds of the key condition.
        below = self.minimum is not None and decode(sort) < self.minimum
        above = self.maximum is not None and decode(sort) > self.maximum
        if below or above:
            raise cursors.invalid_cursor()
        return {
            self.resource.key: {"S": self.resource.scoped(position.key, self.owner)},
            self.index.partition: encode(self.value),
            self.index.sort: sort,
        }

    def _scope(self) -> list[str]:
        parts = (self.index.name, self.value, self.minimum, self.maximum, self.ascending)
        return [self.resource.name, *map(str, parts)]


def compared_value(resource: Resource, name: str, value: Any, owner: str) -> Any:
    """The value of `Resource.compared_attribute(name)` for a value of the field `name`."""
    if name in resource.ignore_case:
        value = value.lower()
    if not resource.owned:
        return value
    (text,) = encode(value).values()
    return resource.scoped(text, owner)
