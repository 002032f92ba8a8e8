"""Access rules: who may do what with the items of a resource.

A resource declares them in models.py; what it does not declare is for staff alone.

    access=Access(read=ANYONE, list=ANYONE, create=SIGNED_IN, others=AUTHOR | STAFF)
"""

from enum import Flag, auto
from typing import Literal

from msgspec import Struct

from chalicelib.context import Caller
from chalicelib.errors import Forbidden, Unauthenticated

ActionName = Literal["read", "list", "create", "change", "delete"]
ACTIONS: tuple[ActionName, ...] = ("read", "list", "create", "change", "delete")

# The role of the shop's own people.
STAFF_ROLE = "staff"


class Rule(Flag):
    """Who is allowed; rules are combined with `|`.

    `SELF` is the caller whose subject is the item's key, `AUTHOR` the one who created the item.
    """

    STAFF = auto()
    SELF = auto()
    AUTHOR = auto()
    SIGNED_IN = auto()
    ANYONE = auto()


STAFF, SELF, AUTHOR, SIGNED_IN, ANYONE = Rule


class Access(Struct, frozen=True, kw_only=True):
    """The rules of a resource, by action. `others` is the rule of those that are not given.

    `change` is the rule of replacing and patching, and of actions that are not CRUD.
    """

    read: Rule | None = None
    list: Rule | None = None
    create: Rule | None = None
    change: Rule | None = None
    delete: Rule | None = None
    others: Rule = STAFF

    def rule(self, action: ActionName) -> Rule:
        """The rule of an action."""
        given: Rule | None = getattr(self, action)
        return self.others if given is None else given


def is_staff(caller: Caller) -> bool:
    """Whether a caller has the shop's own role."""
    return STAFF_ROLE in caller.roles


def permitted(rule: Rule, caller: Caller, key: str | None = None) -> Rule:
    """The part of a rule that a caller meets, empty if only the stored item can tell.

    `key` is that of the item, or None while it is not known. Raises Unauthenticated for an
    anonymous caller, and Forbidden for another one, if no item could change that.
    """
    met = Rule(0)
    if caller.subject:
        met |= SIGNED_IN
        if key == caller.subject:
            met |= SELF
        if is_staff(caller):
            met |= STAFF
    met = (met | ANYONE) & rule
    if met:
        return met
    if not caller.subject:
        raise Unauthenticated
    if rule & AUTHOR or (rule & SELF and key is None):
        return met
    raise Forbidden
