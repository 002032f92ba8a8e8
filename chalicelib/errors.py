"""What can go wrong, in the domain's words. http.py says which status each becomes."""

from collections.abc import Mapping
from typing import Self

from msgspec import Struct


class Problem(Struct, frozen=True):
    """One field, parameter or header that is wrong: its name, and what would be right."""

    field: str
    message: str


class DomainError(Exception):
    """A request that cannot be fulfilled; `str()` is a sentence for the person who made it."""

    problems: tuple[Problem, ...] = ()


class NotFound(DomainError):
    """There is no item with this key."""

    def __init__(self, noun: str, key: str) -> None:
        super().__init__(f"{noun.capitalize()} '{key}' not found")


class Taken(DomainError):
    """The key, or a value that only one item may have, belongs to another item."""

    def __init__(self, noun: str, values: Mapping[str, str]) -> None:
        named = " and ".join(f"the {field} '{value}'" for field, value in values.items())
        super().__init__(f"Another {noun} has {named}")
        self.noun = noun
        self.values = values
        self.problems = tuple(Problem(field, "is taken") for field in values)

    @classmethod
    def together(cls, several: list[Self]) -> Self:
        """One error that names all that is taken."""
        return cls(several[0].noun, {n: v for each in several for n, v in each.values.items()})


class Reused(DomainError):
    """An Idempotency-Key came with another request before."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The Idempotency-Key '{key}' was used for another request. Use a new key for a new "
            "request, and the same key only to send the very same request again."
        )


class Stale(DomainError):
    """The item is no longer what the caller's precondition says."""

    def __init__(self, noun: str, key: str) -> None:
        super().__init__(
            f"{noun.capitalize()} '{key}' does not meet the precondition: it has another etag. "
            "Read it again, and send the etag that it has now."
        )


class Invalid(DomainError):
    """One or more fields or parameters are wrong; each is named."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{problem.field} {problem.message}" for problem in problems))
        self.problems = problems


class Unavailable(DomainError):
    """The database throttles, fails or cannot be reached, after bounded retries."""

    def __init__(self) -> None:
        super().__init__("The database is busy or away. Nothing is wrong with the request: retry.")


class SettingError(Exception):
    """A setting's value cannot be used; the sentence says which one and what would be right."""
