"""The caller and the context of the data commands: a staff member, on behalf of any owner."""

from chalicelib.auth import OPEN_CALLER
from chalicelib.context import Context

# The subject of an open stage keeps its meaning in commands.
OPERATOR = OPEN_CALLER


def context(owner: str | None = None) -> Context:
    """The context of a call about the items of an owner, if the resource is owned."""
    return Context(caller=OPERATOR, owner=owner)
