"""Validation: JSON values and query parameters as Structs, or every wrong field by name.

msgspec stops at the first error, which makes valid input fast. Only invalid input gets a second
pass, field by field, that finds and words every error.
"""

import re
from collections.abc import Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import UNSET, Struct, ValidationError, convert
from msgspec.structs import FieldInfo, fields

from chalicelib.errors import FieldError, Invalid
from chalicelib.schema import Key, Number

if TYPE_CHECKING:
    from msgspec.inspect import Type

S = TypeVar("S", bound=Struct)

# Longer integers stay Decimal: converting them to int takes quadratic time, and none is valid.
INTEGER_DIGITS = 38
# More digits than a body has, and every exponent, so that nothing is rounded.
EXACT = Context(prec=100_000, Emin=MIN_EMIN, Emax=MAX_EMAX)


def parse(kind: type[S], values: Mapping[str, Any], *, noun: str) -> S:
    """The JSON object `values` as a `kind`. Raises Invalid, which names every wrong field."""
    return _parse(kind, values, noun, textual=False)


def parse_query(kind: type[S], values: Mapping[str, str], *, noun: str) -> S:
    """The query parameters `values` as a `kind`. Raises Invalid, which names every wrong one."""
    return _parse(kind, values, noun, textual=True)


def key_problems(name: str, value: object) -> list[FieldError]:
    """What is wrong with `value` as an item's key: no problem or one, for the field `name`."""
    if value is None:
        return [FieldError(name, "is required")]
    try:
        convert(value, Key)
    except ValidationError:
        return [FieldError(name, _message(Key, value))]
    return []


def parse_number(text: str) -> int | Decimal:
    """The exact number of a JSON text, normalized: 5.0 is 5, and 1.50 is 1.5.

    Raises ValueError if the exponent is out of Decimal's range.
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
    return kind.parse(parse_number(value))


def _problems(
    kind: type[Struct], values: Mapping[str, Any], noun: str, *, textual: bool
) -> list[FieldError]:
    declared = {field.encode_name: field for field in fields(kind)}
    return [
        FieldError(name, message)
        for name, field in declared.items()
        if (message := _field_problem(field, values.get(name, UNSET), textual=textual))
    ] + [
        FieldError(
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
        return _message(field.type, value, otherwise=str(error))
    return None


def _message(kind: Any, value: object, otherwise: str = "") -> str:
    """The rule of a field of type `kind` that `value` breaks."""
    # Imported here because only invalid input needs it.
    from msgspec import inspect  # noqa: PLC0415

    if value is None:
        return "must not be null"
    info, description = _type_and_description(inspect.type_info(kind))
    for json_type, python_type, name in (
        (inspect.StrType, str, "a string"),
        (inspect.ListType, list, "a list"),
        (inspect.DictType, dict, "an object"),
    ):
        if isinstance(info, json_type) and not isinstance(value, python_type):
            return f"must be {name}"
    match info:
        case inspect.StrType() if description:
            return f"must be {description}"
        case inspect.StrType(min_length=minimum, max_length=maximum):
            return _text_message(str(value), minimum or 0, maximum)
        case inspect.IntType(ge=minimum, le=maximum):
            return f"must be an integer{_bounds(minimum, maximum)}"
        case inspect.BoolType():
            return "must be true or false"
        case inspect.ListType() | inspect.DictType():
            return "has an element of a wrong type"
        case inspect.LiteralType(values=choices):
            return f"must be one of {', '.join(str(each) for each in choices if each is not None)}"
        case _:
            return otherwise


def _type_and_description(info: "Type") -> "tuple[Type, str]":
    """What msgspec knows of a field's type: without null, and with its Meta's description."""
    from msgspec import inspect  # noqa: PLC0415

    if isinstance(info, inspect.UnionType):
        info = next(each for each in info.types if not isinstance(each, inspect.NoneType))
    if isinstance(info, inspect.Metadata):
        return info.type, (info.extra_json_schema or {}).get("description", "")
    return info, ""


def _text_message(value: str, minimum: int, maximum: int | None) -> str:
    if minimum <= len(value) <= (len(value) if maximum is None else maximum):
        # The length is right, so the pattern did not match.
        return "has a wrong format" if re.search(r"[A-Za-z0-9]", value) else "must not be blank"
    return f"must have {minimum} {'or more' if maximum is None else f'to {maximum}'} characters"


def _bounds(minimum: int | None, maximum: int | None) -> str:
    if minimum is None and maximum is None:
        return ""
    if minimum is None or maximum is None:
        return f" of at most {maximum}" if minimum is None else f" of at least {minimum}"
    return f" from {minimum} to {maximum}"
