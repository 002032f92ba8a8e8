"""The errors of the domain. `http.problems` maps each to an HTTP status."""

from collections.abc import Mapping

from msgspec import Struct


class FieldError(Struct, frozen=True):
    """A wrong field, query parameter or header: its name, and a message with the rule."""

    field: str
    message: str


class DomainError(Exception):
    """A request that cannot be fulfilled; `str()` is a sentence for the person who sent it."""

    problems: tuple[FieldError, ...] = ()


class NotFound(DomainError):
    """No item has this key."""

    def __init__(self, noun: str, key: str) -> None:
        super().__init__(f"{noun.capitalize()} '{key}' not found")


class Conflict(DomainError):
    """Another item has this key, or these values of unique fields."""

    def __init__(self, noun: str, values: Mapping[str, str]) -> None:
        named = " and ".join(f"the {field} '{value}'" for field, value in values.items())
        super().__init__(f"Another {noun} has {named}")
        self.problems = tuple(FieldError(field, "is taken") for field in values)


class IdempotencyKeyReused(DomainError):
    """An earlier request had the same idempotency key, and another path or body."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The Idempotency-Key '{key}' was used for another request. Use a new key for a new "
            "request, and the same key only to send the very same request again."
        )


class PreconditionFailed(DomainError):
    """The item does not meet the request's `If-Match` or `If-None-Match`.

    `failure` is the sentence of `context.Precondition.failure`.
    """

    def __init__(self, noun: str, key: str, failure: str) -> None:
        super().__init__(f"{noun.capitalize()} '{key}' does not meet the precondition: {failure}")


class Invalid(DomainError):
    """One or more fields, parameters or headers are wrong; `problems` names each."""

    def __init__(self, *problems: FieldError) -> None:
        super().__init__("; ".join(f"{problem.field} {problem.message}" for problem in problems))
        self.problems = problems


class Unauthenticated(DomainError):
    """The caller is not known, and the operation needs to know it.

    `failure` is the `error_description` of an access token that was refused (RFC 6750 section 3.1),
    or None if the request had none. `reason` is for the log alone.
    """

    def __init__(self, failure: str | None = None, reason: str | None = None) -> None:
        super().__init__(f"{failure or 'This operation needs an access token'}.")
        self.failure = failure
        self.reason = reason


class Forbidden(DomainError):
    """The caller is known, and may not do this."""


class NotAuthor(Forbidden):
    """The caller is not the author of the item, and only its author or staff may do this."""

    def __init__(self, noun: str, key: str) -> None:
        super().__init__(f"{noun.capitalize()} '{key}' was created by another caller.")


class Unavailable(DomainError):
    """A service that the request needs throttles, fails or cannot be reached, after retries."""

    advice = "The request itself is right: try it again."

    def __init__(self, service: str = "The database") -> None:
        super().__init__(f"{service} is busy or cannot be reached. {self.advice}")


class OutcomeUnknown(Unavailable):
    """The response to a write was lost, and whether the write was made is unknown."""

    advice = (
        "The response to the write was lost, and it may have been made: read the item before you "
        "send the request again."
    )


class DeclarationError(Exception):
    """A resource in models.py is declared in a way that cannot work; the sentence says why."""


class SettingError(Exception):
    """The value of an environment variable cannot be used; the message has the allowed values."""
