"""The shop's resources: users, products, todos and reviews.

One declaration per resource. Validation, JSON, DynamoDB's tables and indexes, the function's policy
and the OpenAPI document are derived from it (`schema.Resource`). docs/adding-a-field.md shows how
to add a field.
"""

import random
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from chalicelib.schema import (
    ANYONE,
    AUTHOR,
    EMPTY_OR_VISIBLE,
    SELF,
    SIGNED_IN,
    STAFF,
    VISIBLE,
    Access,
    Key,
    Number,
    Resource,
)

PersonName = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=VISIBLE, examples=["Ada Lovelace"])
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


class Price(Number, minimum="0", maximum="999999999.99", decimal_places=2, example="34.50"):
    """An amount of money, in the shop's one currency."""


class User(Struct, forbid_unknown_fields=True):
    """A customer."""

    name: PersonName
    username: Username | UnsetType = UNSET
    email: Email | UnsetType = UNSET


class Product(Struct, forbid_unknown_fields=True):
    """An article of the catalogue."""

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=VISIBLE, examples=["Teapot"])]
    price: Price
    description: Annotated[
        str,
        Meta(max_length=4000, pattern=EMPTY_OR_VISIBLE, examples=["Stoneware, for four cups."]),
    ] = ""


class Todo(Struct, forbid_unknown_fields=True):
    """A task of its owner."""

    task: Annotated[
        str, Meta(min_length=1, max_length=500, pattern=VISIBLE, examples=["Dust the shelves"])
    ]
    status: Literal["pending", "in_progress", "done"] = "pending"


class Review(Struct, forbid_unknown_fields=True):
    """A review of a product, or of the shop."""

    review: Annotated[
        str,
        Meta(min_length=1, max_length=5000, pattern=VISIBLE, examples=["Pours without a drop."]),
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


def random_reviewer() -> str:
    """One of `REVIEWERS`, for a review that is created without a name."""
    return random.choice(REVIEWERS)  # noqa: S311, the name is not a secret


USERS = Resource(
    name="users",
    noun="user",
    fields=User,
    key="userId",
    filters=("email", "username"),
    ignore_case=frozenset({"email", "username"}),
    unique=("username", "email"),
    personal=frozenset({"name", "username", "email"}),
    access=Access(list=STAFF, default=SELF | STAFF),
)
PRODUCTS = Resource(
    name="products",
    noun="product",
    fields=Product,
    ranges=("price",),
    access=Access(read=ANYONE, list=ANYONE),
)
TODOS = Resource(
    name="todos",
    noun="todo",
    fields=Todo,
    filters=("status",),
    owned=True,
    access=Access(default=SIGNED_IN),
)
REVIEWS = Resource(
    name="reviews",
    noun="review",
    fields=Review,
    filters=("productId",),
    references={"productId": PRODUCTS},
    create_defaults={"name": random_reviewer},
    personal=frozenset({"name"}),
    access=Access(read=ANYONE, list=ANYONE, create=SIGNED_IN, default=AUTHOR | STAFF),
)

RESOURCES = (USERS, PRODUCTS, TODOS, REVIEWS)
