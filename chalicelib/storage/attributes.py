"""DynamoDB's attribute values, from JSON values and back.

boto3's own conversion (`boto3.dynamodb.types`) would import boto3 at every cold start.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

AttributeValue = dict[str, Any]
Row = dict[str, AttributeValue]

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_DIGITS = 38
LARGEST_INT = 10**MAX_DIGITS - 1
SMALLEST_EXPONENT, LARGEST_EXPONENT = -130, 125
MAX_DEPTH = 32


class NotStorable(ValueError):
    """DynamoDB cannot store a value; the message completes a sentence about its field."""


def encode(value: Any, depth: int = 1) -> AttributeValue:
    """The attribute value of a JSON value, whose numbers are int or Decimal.

    Raises NotStorable for a number of more than MAX_DIGITS digits or out of DynamoDB's range, and
    for lists and objects in more than MAX_DEPTH levels. Raises TypeError for what JSON does not
    have, and for a binary float.
    """
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            if abs(value) > LARGEST_INT:
                raise NotStorable(f"has a number of more than {MAX_DIGITS} digits")
            return {"N": str(value)}
        case Decimal():
            return {"N": _digits(value)}
        case None:
            return {"NULL": True}
        case list() | dict() if depth > MAX_DEPTH:
            raise NotStorable(f"is nested in more than {MAX_DEPTH} levels")
        case list():
            return {"L": [encode(each, depth + 1) for each in value]}
        case dict():
            return {"M": {name: encode(each, depth + 1) for name, each in value.items()}}
    raise TypeError(f"{type(value).__name__} has no attribute value")


def decode(attribute: AttributeValue) -> Any:
    """The JSON value of an attribute value that `encode` returned. Raises TypeError for others."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value) if value.lstrip("-").isdigit() else Decimal(value)
        case "NULL":
            return None
        case "L":
            return [decode(each) for each in value]
        case "M":
            return {name: decode(each) for name, each in value.items()}
    raise TypeError(f"attribute values of type {kind} are not used here")


def encode_row(values: Mapping[str, Any]) -> Row:
    """The attribute values of a JSON object, by name."""
    return {name: encode(value) for name, value in values.items()}


def decode_row(row: Row, names: Iterable[str]) -> dict[str, Any]:
    """The JSON values of those attributes in `names` that the row has, in the order of `names`."""
    # Most are strings, which `decode` would return as they are.
    return {
        name: row[name]["S"] if "S" in row[name] else decode(row[name])
        for name in names
        if name in row
    }


def _digits(number: Decimal) -> str:
    if len(number.as_tuple().digits) > MAX_DIGITS:
        raise NotStorable(f"has a number of more than {MAX_DIGITS} digits")
    if number and not SMALLEST_EXPONENT <= number.adjusted() <= LARGEST_EXPONENT:
        raise NotStorable("has a number that is too large, or too close to 0")
    # DynamoDB trims zeros, too: a number that is written must read the same as one that is stored.
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
