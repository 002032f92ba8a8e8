"""What a declaration in models.py can say, and what is read off it.

A resource is a msgspec Struct of its writable fields and one `Resource` line. The key, the
timestamps and the etag are every item's; the DynamoDB table, its indexes, the parameters of the
list and the shape of a PATCH follow from the declaration, so that nothing is said twice.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct
from msgspec.structs import FieldInfo
from msgspec.structs import fields as fields_of

# `.` and `..` are left out because RFC 3986 section 5.2.4 removes them from a path: an item so
# named could never be addressed. `$` alone would let a trailing newline through.
Key = Annotated[
    str,
    Meta(
        pattern=r"^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,64}(?!\n)$",
        description="1 to 64 of A-Z a-z 0-9 _ . - and not . or .. alone",
    ),
]

# The table of claims.py, whose key is `id`, and its TTL attribute, in seconds since 1970. Claims on
# values have none: they stay.
CLAIMS = "claims"
EXPIRY = "expiresAt"

# What every item carries beside its key and its fields, and no body can change.
READ_ONLY = ("createdAt", "updatedAt", "etag")


class Number(Decimal):
    """A decimal number with bounds, declared as `class Price(Number, least=..., ...)`.

    `example` is one that the API's description shows.
    """

    least: ClassVar[Decimal]
    most: ClassVar[Decimal]
    places: ClassVar[int]
    example: ClassVar[Decimal]

    def __init_subclass__(cls, *, least: str, most: str, places: int, example: str) -> None:
        cls.least, cls.most, cls.places = Decimal(least), Decimal(most), places
        cls.example = Decimal(example)

    @classmethod
    def parse(cls, value: object) -> Self:
        """`value` as this number, or ValueError with what would be right."""
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise ValueError("must be a number")
        if value < cls.least:
            raise ValueError(f"must be at least {cls.least}")
        if value > cls.most:
            raise ValueError(f"must be at most {cls.most}")
        number = Decimal(value)
        if number != number.quantize(Decimal(1).scaleb(-cls.places)):
            raise ValueError(f"must have at most {cls.places} decimals")
        return cls(number)


class Index(Struct, frozen=True):
    """A global secondary index: equal `partition` values lie together, in the order of `sort`."""

    partition: str
    sort: str

    @property
    def name(self) -> str:
        """The IndexName in DynamoDB."""
        return f"{self.partition}-{self.sort}"


class Resource(Struct, frozen=True, kw_only=True, dict=True):
    """One kind of item.

    `path` is its URL's first segment and its table's suffix, `noun` what a person calls one.
    `filters` are fields that a list can be narrowed to one value of, those of them in
    `ignore_case` compared without case; `ranges` are numeric fields that a list can be sorted by
    and bounded with, from `minField` to `maxField`. `unique` fields belong to one item at a time,
    `references` to an item of another resource that is there when the field is set. `drawn` names
    what makes up a field that a create leaves out.
    """

    path: str
    noun: str
    fields: type[Struct]
    key: str = "id"
    filters: tuple[str, ...] = ()
    ignore_case: frozenset[str] = frozenset()
    ranges: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    references: Mapping[str, "Resource"] = {}
    drawn: Mapping[str, Callable[[], str]] = {}

    @cached_property
    def field_infos(self) -> dict[str, FieldInfo]:
        """The writable fields by name, in the order of their declaration."""
        return {field.encode_name: field for field in fields_of(self.fields)}

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The names in an item's JSON, in their order there."""
        return (self.key, *self.field_infos, *READ_ONLY)

    @cached_property
    def removable(self) -> frozenset[str]:
        """The fields that an item can be without."""
        return frozenset(n for n, field in self.field_infos.items() if field.default is UNSET)

    @cached_property
    def changes(self) -> type[Struct]:
        """The shape of a merge patch (RFC 7396): any of the fields, null where one may go."""
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
        """The query parameters of the list, with their bounds and defaults."""
        orders = ("createdAt", *self.ranges)
        sort: Any = Literal[*(sign + name for name in orders for sign in ("-", ""))]
        filters = [(name, self.field_infos[name].type) for name in self.filters]
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
        """What the documented lists read: newest first, by range and by filter.

        The partition of `collection-createdAt` is the whole collection, which holds one
        partition's throughput: about 1,000 writes a second. Beyond that, spread `collection`
        over `products#0` to `products#N` in `index_attributes` and merge N queries in the list.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-sharding.html
        """
        return (
            Index("collection", "createdAt"),
            *(Index("collection", name) for name in self.ranges),
            *(self.filter_index(name) for name in self.filters),
        )

    def filter_index(self, name: str) -> Index:
        """The index that serves the filter `name`."""
        return Index(folded(name) if name in self.ignore_case else name, "createdAt")

    def attribute_type(self, name: str) -> Literal["S", "N"]:
        """The type of an attribute in the table's keys: a string or a number."""
        return "N" if name in self.ranges else "S"


def folded(name: str) -> str:
    """The attribute that holds the field `name` in lower case."""
    return f"{name}Folded"


def bound_parameters(name: str) -> tuple[str, str]:
    """The query parameters that bound the field `name`: price -> minPrice, maxPrice."""
    capitalized = name[0].upper() + name[1:]
    return f"min{capitalized}", f"max{capitalized}"


def present(values: Struct) -> dict[str, Any]:
    """The members of `values` that are set."""
    return {
        name: value
        for name in values.__struct_fields__
        if (value := getattr(values, name)) is not UNSET
    }
