"""Which Query serves a list: the index, the key condition, the direction, and where to start.

A list is always one partition of one index, in the index's own order, so that a page costs what
the page holds: no Scan, and no FilterExpression, which would be charged for what it hides.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
"""

import re
from typing import Any

from msgspec import Struct

from chalicelib import cursor, dynamodb
from chalicelib.dynamodb import Row
from chalicelib.errors import Invalid, Problem
from chalicelib.schema import Index, Resource, bound_parameters

# At most 38 digits: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
DYNAMODB_NUMBER = r"(?=.{1,39}\Z)-?[0-9]{1,38}(\.[0-9]+)?"


class Listing(Struct, frozen=True):
    """One list of a resource's items.

    They are those of `index` with `value` in its partition key, from `least` to `most` (None:
    unbounded) in its sort key, in its order or the reverse. `also` is what their other attributes
    must be, where `value` is unique: of one item at the most.
    """

    resource: Resource
    index: Index
    value: str
    least: Any
    most: Any
    ascending: bool
    also: dict[str, str]

    @property
    def empty(self) -> bool:
        """Whether the bounds leave nothing: DynamoDB refuses to be asked for that."""
        return self.least is not None and self.most is not None and self.least > self.most

    def request(self) -> dict[str, Any]:
        """The parameters of the Query that reads this list from its start."""
        conditions = ["#partition = :partition"]
        values = {":partition": self.value, ":least": self.least, ":most": self.most}
        names = {"#partition": self.index.partition}
        if self.least is not None and self.most is not None:
            conditions.append("#sort BETWEEN :least AND :most")
        elif self.least is not None:
            conditions.append("#sort >= :least")
        elif self.most is not None:
            conditions.append("#sort <= :most")
        if len(conditions) > 1:
            names["#sort"] = self.index.sort
        return {
            "IndexName": self.index.name,
            "KeyConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {
                name: dynamodb.encode(value) for name, value in values.items() if value is not None
            },
            "ScanIndexForward": self.ascending,
        }

    def has(self, row: Row) -> bool:
        """Whether a row that the Query found is of this list."""
        return all(row.get(name) == {"S": value} for name, value in self.also.items())

    def cursor_after(self, row: Row) -> str:
        """The cursor of the page that follows the one that ends with `row`."""
        (text,) = row[self.index.sort].values()
        return cursor.write(self._scope(), cursor.Position(text, row[self.resource.key]["S"]))

    def start_after(self, text: str) -> Row:
        """The ExclusiveStartKey of a cursor of this list. Raises Invalid."""
        position = cursor.read(self._scope(), text)
        kind = self.resource.attribute_type(self.index.sort)
        if kind == "N" and not re.fullmatch(DYNAMODB_NUMBER, position.sort):
            raise cursor.foreign()
        return {
            self.resource.key: {"S": position.key},
            self.index.partition: {"S": self.value},
            self.index.sort: {kind: position.sort},
        }

    def _scope(self) -> list[str]:
        parts = (self.index.name, self.value, self.least, self.most, self.ascending, self.also)
        return [self.resource.path, *map(str, parts)]


def listing(resource: Resource, parameters: dict[str, Any]) -> Listing:
    """The list that a request's parameters, validated one by one, describe together.

    Raises Invalid where no index serves the combination.
    """
    filters = [name for name in resource.filters if name in parameters]
    ranged = [name for name in resource.ranges if parameters.keys() & set(bound_parameters(name))]
    narrowed = filters + ranged
    if len(narrowed) > 1 and not set(narrowed) <= set(resource.unique):
        raise Invalid(Problem(narrowed[1], f"cannot be combined with {narrowed[0]}"))
    order = "createdAt" if filters else (ranged or ["createdAt"])[0]
    sort = parameters.get("sort", order if ranged else f"-{order}")
    if narrowed and sort.lstrip("-") != order:
        named = filters or [name for name in bound_parameters(order) if name in parameters]
        message = f"must be {order} or -{order} with {' and '.join(named)}"
        raise Invalid(Problem("sort", message))
    least, most = (
        [parameters.get(name) for name in bound_parameters(ranged[0])] if ranged else [None, None]
    )
    also = {
        resource.filter_index(name).partition: (
            parameters[name].lower() if name in resource.ignore_case else parameters[name]
        )
        for name in filters
    }
    index = Index("collection", sort.lstrip("-"))
    value = resource.path
    if filters:
        index = resource.filter_index(filters[0])
        value = also.pop(index.partition)
    ascending = not sort.startswith("-")
    return Listing(resource, index, value, least, most, ascending, also)
