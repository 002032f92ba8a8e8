"""What can go wrong, in the domain's words. http.py says which status each becomes."""

from typing import Any

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
    """The key belongs to another item."""

    def __init__(self, noun: str, field: str, value: Any) -> None:
        super().__init__(f"A {noun} with the {field} '{value}' exists already")
        self.problems = (Problem(field, "is taken"),)


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
