"""Values in, Structs out, or every wrong field by name.

msgspec stops at the first error, which is the fast way to say yes. Only when it says no does a
second pass go through the fields one by one and put each error in words.
"""

import re
from collections.abc import Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from typing import Any, TypeVar

from msgspec import UNSET, Struct, ValidationError, convert
from msgspec.structs import FieldInfo, fields

from chalicelib.errors import Invalid, Problem
from chalicelib.schema import Key, Number

S = TypeVar("S", bound=Struct)

# Longer integers stay Decimal: no Python int is made that no field could hold.
INTEGER_DIGITS = 38
# More digits than a body has, and every exponent: nothing is rounded.
EXACT = Context(prec=100_000, Emin=MIN_EMIN, Emax=MAX_EMAX)


def parse(kind: type[S], values: Mapping[str, Any], *, noun: str) -> S:
    """The JSON object `values` as a `kind`. Raises Invalid, which names every wrong field."""
    return _parse(kind, values, noun, textual=False)


def parse_query(kind: type[S], values: Mapping[str, str], *, noun: str) -> S:
    """The query parameters `values` as a `kind`. Raises Invalid, which names every wrong one."""
    return _parse(kind, values, noun, textual=True)


def key_problems(name: str, value: object) -> list[Problem]:
    """What is wrong with `value` as an item's key, called `name`: nothing, or one thing."""
    if value is None:
        return [Problem(name, "is required")]
    try:
        convert(value, Key)
    except ValidationError:
        return [Problem(name, _complaint(Key, value))]
    return []


def number(text: str) -> int | Decimal:
    """The number that JSON text names, exactly, in one spelling: 5.0 is 5, and 1.50 is 1.5.

    Raises ValueError where the exponent is beyond what Decimal can say.
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError("A number in the body is out of range.") from None
    if value.adjusted() < INTEGER_DIGITS and value == value.to_integral_value():
        return int(value)
    return value.normalize(EXACT)


def _parse(kind: type[S], values: Mapping[str, Any], noun: str, *, textual: bool) -> S:
    try:
        parsed: S = _convert(values, kind, textual=textual)
    except ValidationError:
        raise Invalid(*_problems(kind, values, noun, textual=textual)) from None
    return parsed


def _convert(value: Any, kind: Any, *, textual: bool) -> Any:
    hook = _number_from_text if textual else _number
    return convert(value, kind, strict=not textual, dec_hook=hook)


def _number(kind: type[Number], value: object) -> Number:
    return kind.parse(value)


def _number_from_text(kind: type[Number], value: str) -> Number:
    if not re.fullmatch(r"-?[0-9]{1,99}(\.[0-9]{1,99})?([eE][+-]?[0-9]{1,9})?", value):
        raise ValueError("must be a number")
    return kind.parse(number(value))


def _problems(
    kind: type[Struct], values: Mapping[str, Any], noun: str, *, textual: bool
) -> list[Problem]:
    declared = {field.encode_name: field for field in fields(kind)}
    return [
        Problem(name, message)
        for name, field in declared.items()
        if (message := _field_problem(field, values.get(name, UNSET), textual=textual))
    ] + [
        Problem(
            name,
            f"is not a parameter of the list of {noun}s"
            if textual
            else f"is not a field of a {noun}",
        )
        for name in values
        if name not in declared
    ]


def _field_problem(field: FieldInfo, value: Any, *, textual: bool) -> str | None:
    if value is UNSET:
        return "is required" if field.required else None
    try:
        _convert(value, field.type, textual=textual)
    except ValidationError as error:
        return _complaint(field.type, value, otherwise=str(error))
    return None


def _complaint(kind: Any, value: object, otherwise: str = "") -> str:
    """What `value` should have been, in words, for one that is not a `kind`."""
    # Only failures pay for this import.
    from msgspec import inspect  # noqa: PLC0415

    if value is None:
        return "must not be null"
    info = inspect.type_info(kind)
    if isinstance(info, inspect.UnionType):
        info = next(each for each in info.types if not isinstance(each, inspect.NoneType))
    described = ""
    if isinstance(info, inspect.Metadata):
        described = (info.extra_json_schema or {}).get("description", "")
        info = info.type
    match info:
        case inspect.StrType() if not isinstance(value, str):
            return "must be a string"
        case inspect.StrType() if described:
            return f"must be {described}"
        case inspect.StrType(min_length=least, max_length=most):
            if value and not str(value).replace("\ufeff", "").strip():
                return "must not be blank"
            return f"must have {least or 0} to {most} characters"
        case inspect.IntType(ge=least, le=most):
            return f"must be an integer from {least} to {most}"
        case inspect.LiteralType(values=choices):
            return f"must be one of {', '.join(str(each) for each in choices if each is not None)}"
        case _:
            return otherwise
