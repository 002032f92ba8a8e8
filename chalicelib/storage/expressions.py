"""DynamoDB's expressions: placeholders, update expressions, and rules about a stored row.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

from typing import Any, Protocol

from msgspec import Struct

from chalicelib.context import Precondition
from chalicelib.errors import Conflict, DomainError, NotAuthor, NotFound, PreconditionFailed
from chalicelib.schema import CREATED_BY, Resource
from chalicelib.storage.attributes import AttributeValue, Row


class Expression:
    """The placeholders of one request's expressions, which are numbered: `#0`, `:0`."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: Row = {}

    def name(self, attribute: str) -> str:
        """The placeholder of an attribute's name."""
        return self._names.setdefault(attribute, f"#{len(self._names)}")

    def value(self, value: AttributeValue) -> str:
        """The placeholder of a value."""
        placeholder = f":{len(self._values)}"
        self._values[placeholder] = value
        return placeholder

    def comparison(self, attribute: str, operator: str, value: AttributeValue) -> str:
        """The condition that compares an attribute with a value."""
        return f"{self.name(attribute)} {operator} {self.value(value)}"

    def between(self, attribute: str, lower: AttributeValue, upper: AttributeValue) -> str:
        """The condition that an attribute is between two values, or one of them."""
        return f"{self.name(attribute)} BETWEEN {self.value(lower)} AND {self.value(upper)}"

    def parameters(self) -> dict[str, Any]:
        """The request's parameters that define the placeholders."""
        names = {placeholder: name for name, placeholder in self._names.items()}
        values = {"ExpressionAttributeValues": self._values} if self._values else {}
        return {"ExpressionAttributeNames": names, **values}


class Change(Struct, frozen=True):
    """A change of a stored row: the attributes to set, and the names of those to remove."""

    set: Row
    remove: frozenset[str] = frozenset()

    def apply(self, row: Row) -> Row:
        """The row after the change."""
        return {n: value for n, value in (row | self.set).items() if n not in self.remove}

    def update_expression(self, expression: Expression) -> str:
        """The UpdateExpression that makes the change."""
        sets = (f"{expression.name(n)} = {expression.value(v)}" for n, v in self.set.items())
        text = f"SET {', '.join(sets)}"
        if self.remove:
            text += f" REMOVE {', '.join(expression.name(name) for name in sorted(self.remove))}"
        return text


class Guard(Protocol):
    """One rule about a stored row: a condition of a write, and the error if it does not hold."""

    def condition(self, expression: Expression) -> str:
        """The rule as a part of a ConditionExpression; empty if it is always met."""

    def refusal(self, row: Row | None) -> DomainError | None:
        """The error for a stored row (None: nothing is stored) that breaks the rule, or None."""


class Exists(Struct, frozen=True):
    """The item exists."""

    resource: Resource
    key: str

    def condition(self, expression: Expression) -> str:
        """As `Guard.condition`."""
        return f"attribute_exists({expression.name(self.resource.key)})"

    def refusal(self, row: Row | None) -> DomainError | None:
        """NotFound if nothing is stored."""
        return NotFound(self.resource.noun, self.key) if row is None else None


class NotExists(Struct, frozen=True):
    """No item has the key."""

    resource: Resource
    key: str

    def condition(self, expression: Expression) -> str:
        """As `Guard.condition`."""
        return f"attribute_not_exists({expression.name(self.resource.key)})"

    def refusal(self, row: Row | None) -> DomainError | None:
        """Conflict if an item is stored."""
        taken = {self.resource.key: self.key}
        return None if row is None else Conflict(self.resource.noun, taken)


class IsAuthor(Struct, frozen=True):
    """The caller with this subject created the item."""

    subject: str
    resource: Resource
    key: str

    def condition(self, expression: Expression) -> str:
        """As `Guard.condition`."""
        return expression.comparison(CREATED_BY, "=", {"S": self.subject})

    def refusal(self, row: Row | None) -> DomainError | None:
        """NotAuthor if the item of another caller is stored."""
        if row is None or row.get(CREATED_BY) == {"S": self.subject}:
            return None
        return NotAuthor(self.resource.noun, self.key)


class MeetsPrecondition(Struct, frozen=True):
    """The item meets the precondition of the request."""

    precondition: Precondition
    resource: Resource
    key: str

    def condition(self, expression: Expression) -> str:
        """As `Guard.condition`. IN takes at most 100 operands: `http.requests.MAX_ETAGS`."""
        precondition = self.precondition
        clauses = []
        if precondition.match:
            clauses.append(_etag_in(precondition.match, expression))
        if precondition.none_match:
            clauses.append(f"NOT {_etag_in(precondition.none_match, expression)}")
        if precondition.absent:
            # False for every item that exists: the failure still returns the row, for 404 or 412.
            clauses.append(f"attribute_not_exists({expression.name(self.resource.key)})")
        return " AND ".join(clauses)

    def refusal(self, row: Row | None) -> DomainError | None:
        """PreconditionFailed if an item is stored that does not meet it."""
        failure = self.precondition.failure(row["etag"]["S"]) if row else None
        return PreconditionFailed(self.resource.noun, self.key, failure) if failure else None


def _etag_in(etags: tuple[str, ...], expression: Expression) -> str:
    values = ", ".join(expression.value({"S": etag}) for etag in etags)
    return f"{expression.name('etag')} IN ({values})"


def condition_expression(guards: tuple[Guard, ...], expression: Expression) -> str:
    """The ConditionExpression of all guards."""
    return " AND ".join(filter(None, (guard.condition(expression) for guard in guards)))


def require_row(guards: tuple[Guard, ...], row: Row | None) -> Row:
    """The stored row, or an empty one for None. Raises the error of the first guard it breaks."""
    for guard in guards:
        refusal = guard.refusal(row)
        if refusal:
            raise refusal
    return row or {}
