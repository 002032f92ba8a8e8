"""What a declaration in models.py can state, and what is derived from it.

A resource is a msgspec Struct of the fields that clients may write, and one `Resource` line. The
DynamoDB table and its indexes, the query parameters of the list and the type of a merge patch are
derived from both. The key and `SERVER_FIELDS` belong to every item.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cached_property
from math import inf
from re import _parser
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Self, Union, get_args, get_origin
from zlib import crc32

from msgspec import NODEFAULT, UNSET, Meta, Struct, UnsetType, ValidationError, convert, defstruct
from msgspec.structs import FieldInfo
from msgspec.structs import fields as fields_of

# `as` for models.py, which imports from here alone.
from chalicelib.access import ANYONE as ANYONE
from chalicelib.access import AUTHOR as AUTHOR
from chalicelib.access import MAX_SUBJECT_LENGTH, VERBS
from chalicelib.access import SELF as SELF
from chalicelib.access import SIGNED_IN as SIGNED_IN
from chalicelib.access import STAFF as STAFF
from chalicelib.access import Access as Access
from chalicelib.errors import DeclarationError

# `.` and `..` are left out because RFC 3986 section 5.2.4 removes them from a path: no URL could
# address such an item. `$` alone would accept a trailing newline.
KEY = r"^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,64}(?!\n)$"
Key = Annotated[
    str,
    Meta(
        pattern=KEY,
        description="1 to 64 of A-Z a-z 0-9 _ . - and not . or .. alone",
    ),
]

# A visible character. Not visible: white space, control characters, and the characters of the Basic
# Multilingual Plane that Unicode calls default-ignorable (such as U+200B) or that are blank
# (U+2800). Python's and ECMA-262's \s differ in a few characters, which are listed here.
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
VISIBLE = (
    r"[^\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8]"
)
EMPTY_OR_VISIBLE = rf"^(?![\s\S])|{VISIBLE}"

AuthorParameter = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_SUBJECT_LENGTH,
        examples=["me"],
        extra_json_schema={"description": "`me`, or for staff the subject of any author."},
    ),
]
OwnerParameter = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_SUBJECT_LENGTH,
        examples=["me"],
        extra_json_schema={"description": "`me`, the default, or for staff any owner's subject."},
    ),
]

# What `Timestamp` describes.
TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
Timestamp = Annotated[
    str,
    Meta(
        description="RFC 3339, UTC, with milliseconds",
        examples=["2026-11-20T09:30:00.000Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
# At most 128 characters: clients send it in a header.
ETAG = r'"[!#-~]{1,126}"'
ETag = Annotated[str, Meta(pattern=f"^{ETAG}$", examples=['"5f0c6b1e2a9d4c7b8e3f1a20"'])]

# The table of claims and idempotency records: its name, and its TTL attribute, in seconds since
# 1970. Claims have no TTL attribute: they do not expire.
CLAIMS = "claims"
EXPIRY = "expiresAt"

# The attribute that is the partition key of every index on a whole resource.
COLLECTION = "collection"
# The attribute with the subject of the caller that created an item, where a rule needs it; it is
# not shown.
CREATED_BY = "createdBy"
# The query parameters of lists by the author, and of staff who name an owner.
AUTHOR_PARAMETER = "author"
OWNER_PARAMETER = "owner"
# Between an owner and what belongs to it; neither subjects nor keys have it.
OWNER_SEPARATOR = "#"

# Between a partition value and the number of a shard; names of resources do not have it.
SHARD_SEPARATOR = "."
# As many connections are kept open, and as many Queries of a page run at the same time.
MAX_SHARDS = 64

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
MAX_INDEXES = 20
KEY_NAME = r"[A-Za-z][A-Za-z0-9]{0,49}"
# A name begins the ids of claims and ends the names of tables.
RESOURCE_NAME = r"[a-z][a-z0-9_-]{0,49}"
# Characters of up to 4 bytes, of a partition key of at most 2,048 bytes, which a claim prefixes.
MAX_KEY_LENGTH = 400

AttributeType = Literal["S", "N"]


class WriteStamp(Struct, frozen=True):
    """What the server knows of one write: its time (`Timestamp`) and the item's new etag."""

    time: str
    etag: str


class ServerField(Struct, frozen=True):
    """A field that only the server writes: its type, and its value in a write.

    `on_update` is false for a value that stays as the create wrote it.
    """

    type: Any
    value: Callable[[WriteStamp], str]
    on_update: bool = True


SERVER_FIELDS: Mapping[str, ServerField] = {
    "createdAt": ServerField(Timestamp, lambda stamp: stamp.time, on_update=False),
    "updatedAt": ServerField(Timestamp, lambda stamp: stamp.time),
    "etag": ServerField(ETag, lambda stamp: stamp.etag),
}


class Number(Decimal):
    """A decimal number with bounds, declared as `class Price(Number, minimum="0", ...)`.

    `example` is shown in the OpenAPI document.
    """

    minimum: ClassVar[Decimal]
    maximum: ClassVar[Decimal]
    decimal_places: ClassVar[int]
    example: ClassVar[Decimal]

    def __init_subclass__(
        cls, *, minimum: str, maximum: str, decimal_places: int, example: str
    ) -> None:
        cls.minimum, cls.maximum, cls.decimal_places = (
            Decimal(minimum),
            Decimal(maximum),
            decimal_places,
        )
        cls.example = Decimal(example)

    @classmethod
    def parse(cls, value: object) -> Self:
        """`value` as this number. Raises ValueError, whose message has the rule."""
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise ValueError("must be a number")
        if value < cls.minimum:
            raise ValueError(f"must be at least {cls.minimum}")
        if value > cls.maximum:
            raise ValueError(f"must be at most {cls.maximum}")
        number = Decimal(value)
        if number != number.quantize(Decimal(1).scaleb(-cls.decimal_places)):
            raise ValueError(f"must have at most {cls.decimal_places} decimals")
        return cls(number)


class Index(Struct, frozen=True):
    """A global secondary index: its partition key attribute and its sort key attribute."""

    partition: str
    sort: str

    @property
    def name(self) -> str:
        """The IndexName in DynamoDB."""
        return f"{self.partition}-{self.sort}"


class Resource(Struct, frozen=True, kw_only=True, dict=True):
    """The declaration of one kind of item. Raises DeclarationError if it cannot work.

    `name` is the suffix of its table, and the scope of its claims and cursors; the paths that serve
    it belong to app.py's routes. `noun` is what one item is called in messages.

    A field of type `dict` is one value: a merge patch replaces the whole object.

    - `filters`: fields by whose exact value a list can be filtered.
    - `ignore_case`: those of `filters` and `unique` that are compared without case.
    - `ranges`: numeric fields, required or with a default, by which a list can be sorted, and
      bounded with the query parameters `minField` and `maxField`.
    - `unique`: text fields whose value belongs to one item at a time.
    - `references`: text fields that hold the key of an item of another resource, which must exist
      when the field is set.
    - `create_defaults`: functions that return the value of an optional field that a create omits.
    - `personal`: fields that identify a person. They leave an item when its author is erased.
    - `shards`: over how many partition values the newest-first list and the ranges are spread, each
      of which takes about 1,000 writes a second. A page is one Query for each: docs/scaling.md. The
      number may grow at any time; after it was lowered, `make backfill` moves items.
    - `sharded_filters`: those of `filters`, each a Literal of texts, that are spread as well, by an
      attribute and an index of their own: `statusShard`.
    - `personal_in_events`: those of `personal` that change events have all the same.
    - `access`: who may do what (`access.Access`). What it does not declare is for staff alone.
    - `owned`: an item belongs to the caller who creates it. Every owner has keys, lists and unique
      values of its own: the owner is a part of the table's key and of every index's.
    """

    name: str
    noun: str
    fields: type[Struct]
    key: str = "id"
    filters: tuple[str, ...] = ()
    ignore_case: frozenset[str] = frozenset()
    ranges: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    references: Mapping[str, "Resource"] = {}
    create_defaults: Mapping[str, Callable[[], str]] = {}
    personal: frozenset[str] = frozenset()
    personal_in_events: frozenset[str] = frozenset()
    shards: int = 1
    sharded_filters: tuple[str, ...] = ()
    access: Access = Access()
    owned: bool = False

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise DeclarationError(f"{self.fields.__name__} in models.py: {problem}.")

    @cached_property
    def field_infos(self) -> dict[str, FieldInfo]:
        """The writable fields by name, in the order of their declaration."""
        return {field.encode_name: field for field in fields_of(self.fields)}

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The names in an item's JSON, in their order there."""
        return (self.key, *self.field_infos, *SERVER_FIELDS)

    @cached_property
    def optional_fields(self) -> frozenset[str]:
        """The fields that an item can be without."""
        return frozenset(n for n, field in self.field_infos.items() if field.default is UNSET)

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """The default values by field, of the fields that have one."""
        return {
            name: field.default if field.default is not NODEFAULT else field.default_factory()
            for name, field in self.field_infos.items()
            if not field.required and name not in self.optional_fields
        }

    @cached_property
    def merge_patch_type(self) -> type[Struct]:
        """The type of a merge patch (RFC 7396): any field; null where a field may be absent."""
        return defstruct(
            f"{self.fields.__name__}Changes",
            [
                (name, field.type | None if not field.required else field.type | UnsetType, UNSET)
                for name, field in self.field_infos.items()
            ],
            forbid_unknown_fields=True,
        )

    @cached_property
    def list_parameters(self) -> type[Struct]:
        """The type of the list's query parameters, with their bounds and defaults."""
        orders = ("createdAt", *self.ranges)
        sort: Any = Literal[*(sign + name for name in orders for sign in ("-", ""))]
        filters = [(name, self.field_infos[name].type) for name in self.filters]
        if self.has_author:
            filters.append((AUTHOR_PARAMETER, AuthorParameter))
        if self.owned:
            filters.append((OWNER_PARAMETER, OwnerParameter))
        bounds = [
            (parameter, self.field_infos[name].type)
            for name in self.ranges
            for parameter in bound_parameters(name)
        ]
        return defstruct(
            f"{self.fields.__name__}List",
            [
                ("limit", Annotated[int, Meta(ge=1, le=100)], 25),
                ("cursor", Annotated[str, Meta(max_length=512)] | UnsetType, UNSET),
                ("sort", sort | UnsetType, UNSET),
                *((name, kind | UnsetType, UNSET) for name, kind in filters + bounds),
            ],
            forbid_unknown_fields=True,
        )

    @cached_property
    def indexes(self) -> tuple[Index, ...]:
        """The indexes that the lists read: newest first, by range, by filter and by author.

        All items, or all of one owner, are in one partition of `collection-createdAt`, which takes
        about 1,000 writes a second, or in as many as there are `shards`: docs/scaling.md.
        """
        return (
            Index(COLLECTION, "createdAt"),
            *(Index(COLLECTION, name) for name in self.ranges),
            *(self.filter_index(name) for name in self.filters),
            *([Index(CREATED_BY, "createdAt")] if self.has_author else []),
        )

    @cached_property
    def has_author(self) -> bool:
        """Whether a rule needs to know who created an item."""
        return any(AUTHOR in self.access.rule(verb) for verb in VERBS)

    @cached_property
    def indexed_fields(self) -> frozenset[str]:
        """The fields of which filters and claims compare a copy: `compared_attribute`."""
        if self.owned:
            return frozenset((*self.filters, *self.unique))
        return self.ignore_case | frozenset(self.sharded_filters)

    def filter_index(self, name: str) -> Index:
        """The index that serves the filter on the field `name`."""
        return Index(self.index_attribute(name), "createdAt")

    def index_attribute(self, name: str) -> str:
        """The attribute that filters and claims compare: the field, or its copy.

        A copy is in lower case if case is ignored, and has the owner if the resource is owned:
        `statusOfOwner` is `ada#pending`. It has the shard if the filter is sharded: `statusShard`
        is `pending.3`.
        """
        attribute = f"{name}Lowercase" if name in self.ignore_case else name
        if name in self.sharded_filters and not self.owned:
            attribute = f"{name}Shard"
        return f"{attribute}OfOwner" if self.owned else attribute

    def owner_prefixed(self, text: str, owner: str) -> str:
        """A key of the table or of an index, with the owner in front if the resource is owned."""
        return f"{owner}{OWNER_SEPARATOR}{text}" if self.owned else text

    def shard_of(self, key: str) -> int:
        """The shard that an item with this key is written to."""
        return crc32(key.encode()) % self.shards

    def shard_count(self, index: Index) -> int:
        """The number of partitions that a list that reads an index is spread over."""
        sharded = {COLLECTION, *map(self.index_attribute, self.sharded_filters)}
        return self.shards if index.partition in sharded else 1

    def split_key(self, stored: str) -> tuple[str, str]:
        """The owner (empty if the resource is not owned) and the key, of a key of the table."""
        if not self.owned:
            return "", stored
        owner, _, key = stored.partition(OWNER_SEPARATOR)
        return owner, key

    def attribute_type(self, name: str) -> AttributeType:
        """The DynamoDB type of an attribute that is a key of the table or of an index."""
        field = self.field_infos.get(name)
        return "S" if field is None else key_type(field.type) or "S"

    def _problems(self) -> list[str]:
        """Why the declaration cannot work: parts of a sentence, empty if it can."""
        types = {name: key_type(field.type) for name, field in self.field_infos.items()}
        reserved = {
            *(*SERVER_FIELDS, COLLECTION, CREATED_BY, "limit", "cursor", "sort"),
            *([AUTHOR_PARAMETER] if self.has_author else []),
            *([OWNER_PARAMETER] if self.owned else []),
            *(self.index_attribute(name) for name in self.indexed_fields),
            *(parameter for name in self.ranges for parameter in bound_parameters(name)),
        }
        declared = {
            "filters": self.filters,
            "ranges": self.ranges,
            "unique": self.unique,
            "references": self.references,
            "sharded_filters": self.sharded_filters,
            "create_defaults": self.create_defaults,
            "personal": sorted(self.personal),
        }
        problems = [
            f"{name} is a name of the server's own"
            for name in types
            if name in reserved or name == self.key
        ]
        if self.key in reserved or not re.fullmatch(KEY_NAME, self.key):
            problems.append(
                f"the key {self.key!r} is not letters and digits, or it is a name of the server's "
                "own"
            )
        if self.name == CLAIMS or not re.fullmatch(RESOURCE_NAME, self.name):
            problems.append(
                f"the name {self.name!r} is not 1 to 50 of a-z 0-9 _ - beginning with a letter, or "
                f"it is {CLAIMS}, which is the server's own"
            )
        problems += [
            f"{option} names {name}, which is not a field"
            for option, names in declared.items()
            for name in names
            if name not in types
        ]
        problems += [
            f"{name} cannot be stored: use text, int, a Number, bool, list or dict"
            for name, field in self.field_infos.items()
            if not _is_storable(field.type)
        ]
        problems += [
            f"the default of {name} is not a valid value of the field"
            for name, default in self.defaults.items()
            if not _is_valid(self.field_infos[name].type, default)
        ]
        problems += [
            f"{option} names {name} twice"
            for option, names in declared.items()
            for name in set(names)
            if list(names).count(name) > 1
        ]
        problems += self._access_problems()
        if problems:
            return problems
        problems += [
            f"{name} cannot be in {option}: its text must have 1 to at most {MAX_KEY_LENGTH} "
            "characters, by min_length and max_length or by a pattern, because it is a key of "
            "DynamoDB"
            for option in ("filters", "unique", "references")
            for name in declared[option]
            if types[name] == "S" and not _is_key_text(self.field_infos[name].type)
        ]
        problems += [
            f"{name} cannot be in filters: its type is neither text nor a number"
            for name in self.filters
            if types[name] is None
        ]
        if not 1 <= self.shards <= MAX_SHARDS:
            problems.append(f"shards must be from 1 to {MAX_SHARDS}")
        problems += [
            f"{name} cannot be in sharded_filters: it must be in filters and not in unique, and a "
            f"Literal of texts without {SHARD_SEPARATOR}"
            for name in self.sharded_filters
            if name not in self.filters
            or name in self.unique
            or not _is_literal_text(self.field_infos[name].type)
        ]
        for name in self.ranges:
            if types[name] != "N":
                problems.append(f"{name} cannot be in ranges: its type is not a number")
            elif name in self.optional_fields:
                problems.append(
                    f"{name} cannot be in ranges: it is optional, and a list sorted by {name} "
                    "would lack the items without it; make it required, or give it a default"
                )
        problems += [
            f"{name} cannot be in {option}: its type is not text"
            for option in ("unique", "references")
            for name in declared[option]
            if types[name] != "S"
        ]
        problems += [
            f"{name} cannot be in ignore_case: it is not text in filters or unique"
            for name in sorted(self.ignore_case)
            if name not in (*self.filters, *self.unique) or types[name] != "S"
        ]
        problems += [
            f"{name} cannot be in create_defaults: it is not optional"
            for name in self.create_defaults
            if name not in self.optional_fields
        ]
        problems += [
            f"{name} cannot be in personal_in_events: it is not in personal"
            for name in sorted(self.personal_in_events - self.personal)
        ]
        if self.has_author:
            problems += [
                f"{name} cannot be in personal: it is not optional, and leaves an item whose "
                "author is erased"
                for name in sorted(self.personal - self.optional_fields)
            ]
        problems += [
            f"{name} cannot be in references: {other.name} are owned, and a reference would show "
            "which keys another owner has"
            for name, other in self.references.items()
            if other.owned
        ]
        if len(self.indexes) > MAX_INDEXES:
            problems.append(
                f"it needs {len(self.indexes)} indexes, and a table has at most {MAX_INDEXES}"
            )
        return problems

    def _access_problems(self) -> list[str]:
        """Which access rules can never be met, or would let a caller reach what has no owner."""
        rules = {verb: self.access.rule(verb) for verb in VERBS}
        impossible = {
            "list cannot be SELF: a list has no key; use STAFF, SIGNED_IN or ANYONE": (
                SELF in rules["list"]
            ),
            "list cannot be AUTHOR: a list has many authors; use STAFF, or owned=True": (
                AUTHOR in rules["list"]
            ),
            "create cannot be AUTHOR: there is no item yet; use SIGNED_IN or STAFF": (
                AUTHOR in rules["create"]
            ),
        }
        problems = [sentence for sentence, applies in impossible.items() if applies]
        if rules["list"] & (SIGNED_IN | ANYONE) and not rules["read"] & (rules["list"] | ANYONE):
            problems.append("list is open to more callers than read: it would show what read hides")
        if self.owned:
            problems += [
                f"{action} of an owned resource must be SIGNED_IN or STAFF"
                for action, rule in rules.items()
                if rule & ~(SIGNED_IN | STAFF)
            ]
        return [f"in access, {problem}" for problem in problems]


def _is_storable(kind: Any) -> bool:
    """Whether values of a field's type have attribute values: `storage.attributes.encode`."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _is_storable(get_args(kind)[0])
    if origin in (Union, UnionType):
        return all(_is_storable(each) for each in get_args(kind) if each is not UnsetType)
    if origin is Literal:
        return all(isinstance(value, str | int) for value in get_args(kind))
    if origin in (list, dict):
        return all(each is Any or _is_storable(each) for each in get_args(kind))
    return kind in (str, int, bool, list, dict) or _is_number(kind)


def _is_valid(kind: Any, value: Any) -> bool:
    """Whether a value follows the rules of a field's type."""
    try:
        if _is_number(kind):
            kind.parse(value)
        else:
            convert(value, kind)
    except (ValidationError, ValueError):
        return False
    return True


def _is_number(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Number)


def _is_literal_text(kind: Any) -> bool:
    """Whether a field's type is one of some texts, none of which has a shard's separator."""
    if get_origin(kind) in (Union, UnionType):
        return all(_is_literal_text(each) for each in get_args(kind) if each is not UnsetType)
    return get_origin(kind) is Literal and all(
        isinstance(text, str) and SHARD_SEPARATOR not in text for text in get_args(kind)
    )


def partition_value(value: str, shard: int) -> str:
    """The partition value of a shard. Shard 0 is the plain value, so that shards can be added."""
    return f"{value}{SHARD_SEPARATOR}{shard}" if shard else value


def shard_number(stored: str, value: str) -> int | None:
    """The shard that `partition_value` was given with this value, or None for another value."""
    if stored == value:
        return 0
    shard = stored.removeprefix(f"{value}{SHARD_SEPARATOR}")
    return int(shard) if shard != stored and shard.isdigit() else None


def _is_key_text(kind: Any) -> bool:
    """Whether every text of a field's type can be a key: not empty, and not too long."""
    if get_origin(kind) in (Union, UnionType):
        return all(_is_key_text(each) for each in get_args(kind) if each is not UnsetType)
    if get_origin(kind) is Literal:
        return "" not in get_args(kind)
    metas = [each for each in getattr(kind, "__metadata__", ()) if isinstance(each, Meta)]
    patterns = [meta.pattern for meta in metas if meta.pattern is not None]
    is_bounded = any(
        meta.max_length is not None and meta.max_length <= MAX_KEY_LENGTH for meta in metas
    ) or any(_longest_match(pattern) <= MAX_KEY_LENGTH for pattern in patterns)
    is_not_empty = any((meta.min_length or 0) > 0 for meta in metas) or any(
        not re.search(pattern, "") for pattern in patterns
    )
    return is_bounded and is_not_empty


def _longest_match(pattern: str) -> float:
    """The length of the longest text that a pattern accepts; infinity if it does not bound it.

    A pattern that does not begin with `^` and end with `$` accepts longer texts around its match.
    """
    # CPython has no public way to ask for it.
    parsed: Any = _parser.parse(pattern)
    ends = [str(argument) for _, argument in (parsed[0], parsed[-1])] if len(parsed) else []
    _, longest = parsed.getwidth()
    is_whole = ends and ends[0].startswith("AT_BEGINNING") and ends[1].startswith("AT_END")
    return float(longest) if is_whole else inf


def key_type(kind: Any) -> AttributeType | None:
    """The DynamoDB type of a field's type as a key: text is S, a number N, all else None."""
    if get_origin(kind) is Annotated:
        return key_type(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        kinds = {key_type(each) for each in get_args(kind) if each is not UnsetType}
        return kinds.pop() if len(kinds) == 1 else None
    if get_origin(kind) is Literal:
        return "S" if all(isinstance(value, str) for value in get_args(kind)) else None
    if kind is str:
        return "S"
    if kind is int or _is_number(kind):
        return "N"
    return None


def bound_parameters(name: str) -> tuple[str, str]:
    """The query parameters that bound the field `name`: price -> minPrice, maxPrice."""
    capitalized = name[0].upper() + name[1:]
    return f"min{capitalized}", f"max{capitalized}"


def given_fields(values: Struct) -> dict[str, Any]:
    """The fields of `values` that are set, by name."""
    return {
        name: value
        for name in values.__struct_fields__
        if (value := getattr(values, name)) is not UNSET
    }
