"""One example of each resource, for the rules that hold for all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4


@dataclass(frozen=True)
class Sample:
    """What tests need to know of a resource to put any of the contract's rules to it."""

    path: str
    key: str
    noun: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    defaults: dict[str, Any]
    full: Callable[[], dict[str, Any]]

    def least(self) -> dict[str, Any]:
        """A valid body with the required fields alone."""
        return {name: value for name, value in self.full().items() if name in self.required}

    def __str__(self) -> str:
        return self.path.strip("/")


def unique() -> str:
    """Something that no other test has used."""
    return uuid4().hex[:12]


SAMPLES = (
    Sample(
        path="/users",
        key="userId",
        noun="User",
        required=("name",),
        optional=("username", "email"),
        defaults={},
        full=lambda: {
            "name": "Zoë 😀 O'Neil",
            "username": f"zoe.{unique()}",
            "email": f"Zoe.{unique()}@Shop.example",
        },
    ),
    Sample(
        path="/products",
        key="id",
        noun="Product",
        required=("name", "price"),
        optional=(),
        defaults={"description": ""},
        full=lambda: {"name": "Téapot", "price": Decimal("34.5"), "description": "For\nfour. 茶"},
    ),
    Sample(
        path="/todos",
        key="id",
        noun="Todo",
        required=("task",),
        optional=(),
        defaults={"status": "pending"},
        full=lambda: {"task": "Dust the shelves", "status": "in_progress"},
    ),
    Sample(
        path="/reviews",
        key="id",
        noun="Review",
        required=("review",),
        optional=("name", "rating"),
        defaults={},
        full=lambda: {"review": "Pours well.", "name": "Ada", "rating": 5},
    ),
)
