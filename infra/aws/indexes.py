"""The order in which a stack's update creates and deletes indexes.

CloudFormation creates or deletes one index of a table in an update, and does not wait until a new
one can be queried. So the new indexes come first, in updates that change nothing else, then the
code that reads them, and at last the indexes go that no code reads any more.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
"""

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from infra.aws import tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Template = dict[str, Any]
INDEXES = "GlobalSecondaryIndexes"


class Update(Struct, frozen=True):
    """One update of a stack: its template, and the new indexes, by the name of their table.

    `brings_code`: it has the rest of the new template, and the new values of its parameters.
    """

    template: Template
    created: dict[str, str]
    brings_code: bool


def updates(deployed: Template | None, wanted: Template) -> list[Update]:
    """The updates that lead from a deployed template (None: no stack) to another one."""
    if deployed is None:
        return [Update(wanted, {}, brings_code=True)]
    made: list[Update] = []
    current = deployed
    while created := _first(_differences(wanted, current)):
        current = _with_indexes(current, {name: [each] for name, each in created.items()}, wanted)
        names = {_table_name(wanted, table): each["IndexName"] for table, each in created.items()}
        made.append(Update(current, names, brings_code=False))
    obsolete = _differences(current, wanted)
    # The first index that goes may go with the code.
    current = _with_indexes(wanted, {name: each[1:] for name, each in obsolete.items()}, current)
    made.append(Update(current, {}, brings_code=True))
    while deleted := _first(_differences(current, wanted)):
        kept = {
            name: [each for each in indexes if each != deleted.get(name)]
            for name, indexes in _differences(current, wanted).items()
        }
        current = _with_indexes(wanted, kept, current)
        made.append(Update(current, {}, brings_code=False))
    return made


def delete_leftovers(client: "DynamoDBClient", update: Update) -> None:
    """Delete indexes that an update would create, and that an earlier one has left.

    CloudFormation rolls a stack back without them, and could then not create them again.
    """
    for name, index in update.created.items():
        there = tables.described(client, name) or {}
        if index in {each["IndexName"] for each in there.get(INDEXES, [])}:
            print(
                f"The index {index} of {name} is left of a deployment that was rolled back: it is "
                "deleted, and created again.",
                flush=True,
            )
            client.update_table(
                TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": index}}]
            )
            tables.wait(client, name)


def wait(client: "DynamoDBClient", update: Update) -> None:
    """Wait until the new indexes of an update can be queried."""
    for name, index in update.created.items():
        print(f"DynamoDB builds the index {index} of {name} ...", flush=True)
        tables.wait(client, name)


def _indexes(template: Template) -> dict[str, dict[str, Any]]:
    """The indexes by name, of each table by logical id."""
    return {
        name: {each["IndexName"]: each for each in resource["Properties"].get(INDEXES, [])}
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::DynamoDB::Table"
    }


def _differences(one: Template, other: Template) -> dict[str, list[Any]]:
    """The indexes of tables of both templates that only the first one has."""
    others = _indexes(other)
    found = {
        table: [each for name, each in indexes.items() if name not in others[table]]
        for table, indexes in _indexes(one).items()
        if table in others
    }
    return {table: indexes for table, indexes in found.items() if indexes}


def _first(indexes: dict[str, list[Any]]) -> dict[str, Any]:
    return {table: each[0] for table, each in indexes.items()}


def _table_name(template: Template, table: str) -> str:
    name: str = template["Resources"][table]["Properties"]["TableName"]
    return name


def _with_indexes(template: Template, more: dict[str, list[Any]], source: Template) -> Template:
    """A template whose tables have more indexes, with the types of their keys from another one."""
    changed = deepcopy(template)
    for table, indexes in more.items():
        properties = changed["Resources"][table]["Properties"]
        properties[INDEXES] = [*properties.get(INDEXES, []), *indexes]
        types = {
            each["AttributeName"]: each
            for origin in (source, template)
            for each in origin["Resources"][table]["Properties"]["AttributeDefinitions"]
        }
        keys = [
            *properties["KeySchema"],
            *(k for each in properties[INDEXES] for k in each["KeySchema"]),
        ]
        names = dict.fromkeys(key["AttributeName"] for key in keys)
        properties["AttributeDefinitions"] = [types[name] for name in names]
    return changed
