"""The order in which a stack's update creates and deletes indexes.

CloudFormation creates or deletes one index of a table in an update, and does not wait until a new
one can be queried. So the new indexes come first, in updates that change nothing else, then the
code that reads them, and at last the indexes go that no code reads any more.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
"""

from copy import deepcopy
from time import sleep
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from infra.data import tables
from infra.errors import CommandError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Template = dict[str, Any]
INDEXES = "GlobalSecondaryIndexes"
THROUGHPUT = "ProvisionedThroughput"
POLL_SECONDS = 2


class Update(Struct, frozen=True):
    """One update of a stack: its template, and the new indexes, by the name of their table.

    `is_code_update`: it has the rest of the new template, and the new values of its parameters.
    """

    template: Template
    created: dict[str, str]
    is_code_update: bool


def updates(deployed: Template | None, wanted: Template) -> list[Update]:
    """The updates that lead from a deployed template (None: no stack) to another one.

    Indexes are compared by name, which has the attributes of an index's keys.
    """
    if deployed is None:
        return [Update(wanted, {}, is_code_update=True)]
    result: list[Update] = []
    current = deployed
    while next_creations := _first(_differences(wanted, current)):
        current = _with_indexes(
            current, {table: [index] for table, index in next_creations.items()}, wanted
        )
        names = {
            _table_name(wanted, table): index["IndexName"]
            for table, index in next_creations.items()
        }
        result.append(Update(current, names, is_code_update=False))
    obsolete = _differences(current, wanted)
    # With the code, none goes: the old code reads them until all requests have moved, and again
    # after a roll back.
    current = _with_indexes(wanted, obsolete, current)
    result.append(Update(current, {}, is_code_update=True))
    while obsolete:
        obsolete = {table: indexes[1:] for table, indexes in obsolete.items() if indexes[1:]}
        current = _with_indexes(wanted, obsolete, current)
        result.append(Update(current, {}, is_code_update=False))
    return result


def check_imports(
    client: "DynamoDBClient", deployed: Template | None, wanted: Template, stage: str
) -> None:
    """Check that a table that the stack will import has its indexes. Raises CommandError.

    CloudFormation imports a table as it is, and takes the template for its state.
    """
    known = _indexes(deployed) if deployed else {}
    for table, indexes in _indexes(wanted).items():
        name = _table_name(wanted, table)
        if table in known or not (description := tables.described(client, name)):
            continue
        if missing := sorted(indexes.keys() - _names(description)):
            raise CommandError(
                f"The table {name} exists, and the stack imports it as it is, without the index "
                f"{', '.join(missing)}: make tables STAGE={stage} adds what it lacks."
            )


def delete_leftovers(client: "DynamoDBClient", update: Update, *, is_rolled_back: bool) -> None:
    """Delete indexes that an update would create, and that one that was rolled back has left.

    CloudFormation rolls a stack back without them, and could then not create them again. Raises
    CommandError for an index that comes from elsewhere.
    """
    for name, index in update.created.items():
        if index not in _names(tables.described(client, name) or {}):
            continue
        if not is_rolled_back:
            raise CommandError(
                f"The index {index} of {name} exists, and CloudFormation did not create it: it can "
                "neither import nor create it. Delete it, and make stack builds it again: aws "
                f"dynamodb update-table --table-name {name} --global-secondary-index-updates "
                f"'Delete={{IndexName={index}}}'"
            )
        print(
            f"The index {index} of {name} is left of a deployment that was rolled back: it is "
            "deleted, and created again.",
            flush=True,
        )
        # DynamoDB deletes no index that it is creating, and none of a table that is changing.
        tables.wait(client, name)
        client.update_table(
            TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": index}}]
        )
        # DescribeTable may show the table as it was before.
        while index in _names(tables.described(client, name)):
            sleep(POLL_SECONDS)
        tables.wait(client, name)


def wait(client: "DynamoDBClient", update: Update) -> None:
    """Wait until the new indexes of an update can be queried."""
    for name, index in update.created.items():
        print(f"DynamoDB builds the index {index} of {name} ...", flush=True)
        tables.wait(client, name)


def _names(description: Any) -> set[str]:
    """The names of a table's indexes, from DescribeTable."""
    return {index["IndexName"] for index in description.get(INDEXES, [])}


def _indexes(template: Template) -> dict[str, dict[str, Any]]:
    """The indexes by name, of each table by logical id."""
    return {
        table: {index["IndexName"]: index for index in resource["Properties"].get(INDEXES, [])}
        for table, resource in template["Resources"].items()
        if resource["Type"] == "AWS::DynamoDB::Table"
    }


def _differences(one: Template, other: Template) -> dict[str, list[Any]]:
    """The indexes of tables of both templates that only the first one has."""
    others = _indexes(other)
    differences = {
        table: [index for name, index in indexes.items() if name not in others[table]]
        for table, indexes in _indexes(one).items()
        if table in others
    }
    return {table: indexes for table, indexes in differences.items() if indexes}


def _first(indexes: dict[str, list[Any]]) -> dict[str, Any]:
    return {table: of_table[0] for table, of_table in indexes.items()}


def _table_name(template: Template, table: str) -> str:
    name: str = template["Resources"][table]["Properties"]["TableName"]
    return name


def _with_indexes(template: Template, more: dict[str, list[Any]], source: Template) -> Template:
    """A template whose tables have more indexes, with the types of their keys from another one.

    The capacity of an index is of its table's billing mode, which the other template may change.
    """
    result = deepcopy(template)
    for table, indexes in more.items():
        properties = result["Resources"][table]["Properties"]
        throughput = {THROUGHPUT: properties[THROUGHPUT]} if THROUGHPUT in properties else {}
        added = [
            {name: value for name, value in index.items() if name != THROUGHPUT} | throughput
            for index in indexes
        ]
        properties[INDEXES] = [*properties.get(INDEXES, []), *added]
        types = {
            attribute["AttributeName"]: attribute
            for origin in (source, template)
            for attribute in origin["Resources"][table]["Properties"]["AttributeDefinitions"]
        }
        keys = [
            *properties["KeySchema"],
            *(key for index in properties[INDEXES] for key in index["KeySchema"]),
        ]
        names = dict.fromkeys(key["AttributeName"] for key in keys)
        properties["AttributeDefinitions"] = [types[name] for name in names]
    return result
