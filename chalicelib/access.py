"""Access rules: who may do what with the items of a resource.

A resource declares them in models.py; what it does not declare is for staff alone.

    access=Access(read=ANYONE, list=ANYONE, create=SIGNED_IN, default=AUTHOR | STAFF)
"""

import re
from enum import Flag, auto
from hashlib import blake2b
from typing import Literal

from msgspec import Struct

from chalicelib.context import Caller
from chalicelib.errors import DeclarationError, FieldError, Forbidden, Invalid, Unauthenticated

Verb = Literal["read", "list", "create", "change", "delete"]
VERBS: tuple[Verb, ...] = ("read", "list", "create", "change", "delete")

# The role of the shop's own people.
STAFF_ROLE = "staff"

# The subject of every caller of an open stage.
NO_AUTH_SUBJECT = "anyone"
# The caller itself, as a value of the parameters `author` and `owner`.
ME = "me"
MAX_SUBJECT_LENGTH = 255
# Subjects that are their own key; others are replaced by a digest.
PLAIN_SUBJECT = rf"(?!(\.{{1,2}}|{ME}|{NO_AUTH_SUBJECT})\Z|sub-)[A-Za-z0-9_.-]{{1,64}}"
SUBJECT_DIGEST = r"sub-[0-9a-f]{40}"


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
    """The rules of a resource, by action. `default` is the rule of those that are not given.

    `change` is the rule of replacing and patching, and of actions that are not CRUD.
    """

    read: Rule | None = None
    list: Rule | None = None
    create: Rule | None = None
    change: Rule | None = None
    delete: Rule | None = None
    default: Rule = STAFF

    def __post_init__(self) -> None:
        for verb in VERBS:
            if not isinstance(self.rule(verb), Rule):
                raise DeclarationError(
                    f"Access({verb}=...) must be STAFF, SELF, AUTHOR, SIGNED_IN or ANYONE, or "
                    "several of them, joined by |."
                )

    def rule(self, action: Verb) -> Rule:
        """The rule of an action."""
        given: Rule | None = getattr(self, action)
        return self.default if given is None else given


def is_staff(caller: Caller) -> bool:
    """Whether a caller has the shop's own role."""
    return STAFF_ROLE in caller.roles


def require_rule(rule: Rule, caller: Caller, key: str | None = None) -> Rule:
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
    raise Forbidden(f"Only {callers(rule)} may do this.")


def callers(rule: Rule, noun: str = "caller whose subject is the key") -> str:
    """Who meets a rule, in words; `noun` is what an item is called."""
    words = {
        ANYONE: "anyone",
        SIGNED_IN: "signed-in callers",
        SELF: f"the {noun}",
        AUTHOR: "the author",
        STAFF: "staff",
    }
    return " and ".join(text for flag, text in words.items() if flag in rule) or "nobody"


def owner_key(name: str | None, caller: Caller) -> str:
    """The owner of the items of a call: the subject `name`, or the caller if `name` is None.

    Raises Invalid for a name that is no subject, and Forbidden if the caller names another owner,
    and is not staff.
    """
    name = ME if name is None else name
    if not 0 < len(name) <= MAX_SUBJECT_LENGTH:
        message = f"must be {ME}, or a subject of 1 to {MAX_SUBJECT_LENGTH} characters"
        raise Invalid(FieldError("owner", message))
    owner = named_subject(name, caller)
    if owner != caller.subject and not is_staff(caller):
        raise Forbidden("Only staff may name another owner.")
    return owner


def author_key(name: str, caller: Caller) -> str:
    """The author of the items of a list. Raises Unauthenticated or Forbidden."""
    if not caller.subject:
        raise Unauthenticated
    author = named_subject(name, caller)
    if author != caller.subject and not is_staff(caller):
        raise Forbidden("Only staff may list what another author wrote.")
    return author


def subject_key(subject: str) -> str:
    """A subject as a key of an item: itself, or a digest if it is not a valid key.

    A subject that looks like a digest gets a digest, too: otherwise a caller could choose a subject
    that is the digest of another caller's. So do `me`, which means the caller in parameters, and
    the subject of an open stage.
    """
    if re.fullmatch(PLAIN_SUBJECT, subject):
        return subject
    return f"sub-{blake2b(subject.encode(), digest_size=20).hexdigest()}"


def named_subject(text: str, caller: Caller) -> str:
    """The key of the subject that a caller names: `me`, a subject, or the digest of one.

    A text that looks like a digest is one, unless it is the caller's own subject.
    """
    key = subject_key(text)
    if text == ME or caller.subject in (text, key):
        return caller.subject
    return text if re.fullmatch(SUBJECT_DIGEST, text) else key


def keys_named(text: str) -> list[str]:
    """The keys of the subjects that an operator may mean: more than one if it looks like a key."""
    key = subject_key(text)
    is_key = text == NO_AUTH_SUBJECT or re.fullmatch(SUBJECT_DIGEST, text)
    return [text, key] if is_key else [key]
