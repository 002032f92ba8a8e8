"""Operations: what a route does, as its decorator declares it.

    @app.route("/reviews", methods=["POST"], operation=Create(REVIEWS))

The OpenAPI document, the links of `GET /`, the cache keys of API Gateway, the check of the caller
before the body is read, and the replay of an idempotency key read the declaration. Chalice itself
does not know it.
"""

from typing import Any, Literal

from msgspec import Struct

from chalicelib.access import Rule, Verb
from chalicelib.errors import DomainError
from chalicelib.schema import Resource

KeyPlace = Literal["path", "query", "body"]


class Operation(Struct, frozen=True):
    """What a route does with the items of a resource.

    The field `access` of each kind names the rule of `Resource.access` that applies.
    """

    resource: Resource

    @property
    def rule(self) -> Rule:
        """Who may do it."""
        operation: Any = self
        return self.resource.access.rule(operation.access)


class Create(Operation, frozen=True, kw_only=True):
    """Creates an item from the body."""

    access: Verb = "create"


class List(Operation, frozen=True, kw_only=True):
    """Returns a page of items.

    `parent` is the filter whose value is the path's `{key}`: a list of that item's own. With
    `or_read`, a query parameter named as the resource's key makes it a `Read`.
    """

    access: Verb = "list"
    parent: str | None = None
    or_read: bool = False


class Read(Operation, frozen=True, kw_only=True):
    """Returns the item whose key is in the path."""

    access: Verb = "read"


class Replace(Operation, frozen=True, kw_only=True):
    """Replaces the fields of an item by those in the body."""

    access: Verb = "change"
    key_in: KeyPlace = "path"


class Patch(Operation, frozen=True, kw_only=True):
    """Changes the fields in the body, a merge patch, of the item whose key is in the path."""

    access: Verb = "change"


class Delete(Operation, frozen=True, kw_only=True):
    """Deletes an item."""

    access: Verb = "delete"
    key_in: KeyPlace = "path"


class CustomOperation(Operation, frozen=True, kw_only=True):
    """Does something else with an item, or with the resource as a whole.

    `body` and `answer` are Structs of JSON objects. None as `body`: the request has none. None as
    `answer`: the response is the item; only then an `Idempotency-Key` is supported. `errors` are
    the errors that it raises in addition to those of every operation.
    """

    access: Verb = "change"
    body: type[Struct] | None = None
    answer: type[Struct] | None = None
    errors: tuple[type[DomainError], ...] = ()


class Route(Struct, frozen=True, kw_only=True):
    """One method of one path: the name and the docstring of its view, and what it declares."""

    path: str
    method: str
    name: str
    doc: str
    operation: Operation | None
