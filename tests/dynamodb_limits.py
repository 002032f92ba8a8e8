"""What DynamoDB refuses and both emulators accept, refused by every client of the tests' process.

Each rule is in AWS's documentation, "Service, account, and table quotas" and "Expressions":
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from botocore import handlers

MAX_OPERANDS = 100
MAX_OPERATORS = 300
MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES = 2048, 1024
MAX_EXPRESSION_BYTES = 4096
OPERATOR = re.compile(r"<>|<=|>=|[=<>+-]|\b(?:AND|OR|NOT|IN|BETWEEN|\w+(?=\s*\())\b")
EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)


class RefusedByDynamoDB(AssertionError):
    """A request that DynamoDB answers with a ValidationException or a LimitExceededException."""


# The tables whose time to live is on, and the types of the keys of tables and indexes.
_expiring: set[str] = set()
_key_types: dict[str, dict[str, str]] = {}


def install() -> None:
    """Check the requests of all clients that are made from now on."""
    handlers.BUILTIN_HANDLERS.append(("provide-client-params.dynamodb", check_request))
    handlers.BUILTIN_HANDLERS.append(("after-call.dynamodb", note_success))


def check_request(params: Mapping[str, Any], model: Any, context: Any, **_: Any) -> None:
    """Check a request of botocore's."""
    for sentence in problems(model.name, params):
        raise RefusedByDynamoDB(f"{model.name}: {sentence}")
    context["checked_request"] = (model.name, params)


def note_success(http_response: Any, context: Any, **_: Any) -> None:
    """Remember what depends on earlier requests."""
    if http_response.status_code == HTTPStatus.OK and "checked_request" in context:
        note(*context["checked_request"])


def note(action: str, request: Mapping[str, Any]) -> None:
    """Remember the key types of a table, and that its time to live is on."""
    table = str(request.get("TableName", ""))
    if action == "CreateTable":
        _expiring.discard(table)
        _key_types.pop(table, None)
    if action in ("CreateTable", "UpdateTable"):
        types = _key_types.setdefault(table, {})
        for each in request.get("AttributeDefinitions", []):
            types[each["AttributeName"]] = each["AttributeType"]
    if action == "UpdateTimeToLive" and request["TimeToLiveSpecification"]["Enabled"]:
        _expiring.add(table)


def problems(action: str, request: Mapping[str, Any]) -> Iterator[str]:
    """Why DynamoDB refuses a request."""
    table = str(request.get("TableName", ""))
    match action:
        case "UpdateTable":
            changes = request.get("GlobalSecondaryIndexUpdates", [])
            if sum("Create" in each or "Delete" in each for each in changes) > 1:
                yield "only one index can be created or deleted at a time"
        case "UpdateTimeToLive" if request["TimeToLiveSpecification"]["Enabled"]:
            if table in _expiring:
                yield "TimeToLive is already enabled"
        case "TransactWriteItems":
            for write in request["TransactItems"]:
                ((kind, inner),) = write.items()
                yield from problems(f"{kind}Item" if kind != "ConditionCheck" else kind, inner)
        case "Query":
            yield from _query_problems(request)
    yield from _expression_problems(request)
    if action == "UpdateItem":
        yield from _update_problems(request)


def _query_problems(request: Mapping[str, Any]) -> Iterator[str]:
    # The app's conditions begin with the partition key; DynamoDB allows any order.
    condition = request.get("KeyConditionExpression", "")
    values = request.get("ExpressionAttributeValues", {})
    for number, name in enumerate(re.findall(r":\w+", condition)):
        ((kind, value),) = values[name].items()
        limit = MAX_SORT_KEY_BYTES if number else MAX_PARTITION_KEY_BYTES
        if kind == "S" and not 0 < len(value.encode()) <= limit:
            yield f"a key of {len(value.encode())} bytes; 1 to {limit} are allowed"
    types = _key_types.get(str(request["TableName"]), {})
    for name, attribute in request.get("ExclusiveStartKey", {}).items():
        ((kind, _),) = attribute.items()
        if kind != types.get(name, kind):
            yield f"the ExclusiveStartKey has {name} as {kind}, and the table as {types[name]}"


def _expression_problems(request: Mapping[str, Any]) -> Iterator[str]:
    for name in EXPRESSIONS:
        text = request.get(name, "")
        if len(OPERATOR.findall(text)) > MAX_OPERATORS:
            yield f"{name} has more than {MAX_OPERATORS} operators"
        if len(text.encode()) > MAX_EXPRESSION_BYTES:
            yield f"{name} has more than {MAX_EXPRESSION_BYTES} bytes"
        for operands in re.findall(r"\bIN\s*\(([^)]*)\)", text):
            if operands.count(",") + 1 > MAX_OPERANDS:
                yield f"{name} has IN with more than {MAX_OPERANDS} operands"


def _update_problems(request: Mapping[str, Any]) -> Iterator[str]:
    names = request.get("ExpressionAttributeNames", {})
    clauses = re.split(r"\b(?:SET|REMOVE|ADD|DELETE)\b", request.get("UpdateExpression", ""))
    paths = [
        names.get(path, path)
        for clause in clauses
        for part in _parts(clause)
        for path in re.findall(r"[#\w][\w.]*", part)[:1]
    ]
    for path in sorted({each for each in paths if paths.count(each) > 1}):
        yield f"two document paths overlap: {path}"
    for path in sorted(set(paths) & request["Key"].keys()):
        yield f"cannot update attribute {path}: it is part of the key"


def _parts(clause: str) -> list[str]:
    """The actions of a clause, which are separated by commas outside of functions."""
    return [each for each in re.split(r",(?![^(]*\))", clause) if each.strip()]
