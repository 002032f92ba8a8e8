"""DynamoDB's attribute values, from JSON values and back.

boto3's own conversion (`boto3.dynamodb.types`) would import boto3 at every cold start.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

AttributeValue = dict[str, Any]
Row = dict[str, AttributeValue]


def encode(value: Any) -> AttributeValue:
    """The attribute value of a JSON value, whose numbers are int or Decimal.

    Raises TypeError for what JSON does not have, and for a binary float.
    """
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case Decimal():
            return {"N": _digits(value)}
        case None:
            return {"NULL": True}
        case list():
            return {"L": [encode(each) for each in value]}
        case dict():
            return {"M": encode_row(value)}
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
    return {name: decode(row[name]) for name in names if name in row}


def _digits(number: Decimal) -> str:
    # DynamoDB trims zeros, too: a number that is written must read the same as one that is stored.
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
