"""What the shop keeps: its customers, its catalogue, its task list, what people say of it.

One declaration per resource. Validation, JSON, DynamoDB's tables and indexes and the sample data
are read off it (schema.py says how); the README shows what adding a field takes.
"""

import random
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from chalicelib.schema import Key, Number, Resource

# A character that is no space, neither in Python's regular expressions nor in ECMA-262's, which are
# JSON Schema's: each has a few that the other does not.
NOT_BLANK = r"[^\s\x1c-\x1f\x85\ufeff]"
EMPTY_OR_NOT_BLANK = rf"^(?![\s\S])|{NOT_BLANK}"

PersonName = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=NOT_BLANK, examples=["Ada Lovelace"])
]

Username = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_.-]{1,50}(?!\n)$",
        description="1 to 50 of A-Z a-z 0-9 _ . -",
        examples=["ada"],
    ),
]

# https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address, in at most the 254
# characters that fit RFC 5321's path (erratum 1690 of RFC 3696).
Email = Annotated[
    str,
    Meta(
        max_length=254,
        pattern=(
            r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+"
            r"@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
            r"(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*(?!\n)$"
        ),
        description="an email address of at most 254 characters",
        examples=["ada@shop.example"],
    ),
]


class Price(Number, least="0", most="999999999.99", places=2, example="34.50"):
    """An amount of the shop's one currency."""


class User(Struct, forbid_unknown_fields=True):
    """A customer."""

    name: PersonName
    username: Username | UnsetType = UNSET
    email: Email | UnsetType = UNSET


class Product(Struct, forbid_unknown_fields=True):
    """Something in the catalogue."""

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=NOT_BLANK, examples=["Teapot"])]
    price: Price
    description: Annotated[
        str,
        Meta(max_length=4000, pattern=EMPTY_OR_NOT_BLANK, examples=["Stoneware, for four cups."]),
    ] = ""


class Todo(Struct, forbid_unknown_fields=True):
    """Something to do in the shop."""

    task: Annotated[
        str, Meta(min_length=1, max_length=500, pattern=NOT_BLANK, examples=["Dust the shelves"])
    ]
    status: Literal["pending", "in_progress", "done"] = "pending"


class Review(Struct, forbid_unknown_fields=True):
    """What somebody says, of a product or of the shop."""

    review: Annotated[
        str,
        Meta(min_length=1, max_length=5000, pattern=NOT_BLANK, examples=["Pours without a drop."]),
    ]
    name: PersonName | UnsetType = UNSET
    productId: Key | UnsetType = UNSET
    rating: Annotated[int, Meta(ge=1, le=5, examples=[5])] | UnsetType = UNSET


REVIEWERS = (
    "Amber Quill",
    "Bruno Thistle",
    "Clara Wren",
    "Dario Fenn",
    "Edda Marlow",
    "Felix Harrow",
    "Greta Lindqvist",
    "Hugo Penhaligon",
    "Iris Calloway",
    "Jonas Birch",
    "Kira Solano",
    "Leo Vandermeer",
    "Mina Okafor",
    "Nils Ashdown",
    "Opal Reyes",
)


def reviewer() -> str:
    """One of fifteen made-up names, for a review that gives none."""
    return random.choice(REVIEWERS)  # noqa: S311, a name to show, nothing to guess


USERS = Resource(
    path="users",
    noun="user",
    fields=User,
    key="userId",
    filters=("email", "username"),
    ignore_case=frozenset({"email"}),
    unique=("username", "email"),
)
PRODUCTS = Resource(path="products", noun="product", fields=Product, ranges=("price",))
TODOS = Resource(path="todos", noun="todo", fields=Todo, filters=("status",))
REVIEWS = Resource(
    path="reviews",
    noun="review",
    fields=Review,
    filters=("productId",),
    references={"productId": PRODUCTS},
    drawn={"name": reviewer},
)

RESOURCES = (USERS, PRODUCTS, TODOS, REVIEWS)
