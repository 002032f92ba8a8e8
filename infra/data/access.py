"""The caller and the context of the data commands: a staff member, on behalf of any owner."""

from chalicelib.access import STAFF_ROLE
from chalicelib.context import Caller, Context

OPERATOR = Caller("operator", frozenset({STAFF_ROLE}))


def context(owner: str | None = None) -> Context:
    """The context of a call about the items of an owner, if the resource is owned."""
    return Context(caller=OPERATOR, owner=owner)
