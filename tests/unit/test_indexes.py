"""The updates of a stack that create and delete indexes: one of a table at a time."""

from copy import deepcopy
from typing import Any

import pytest

from infra.deploy.indexes import updates

ATTRIBUTES = {name: {"AttributeName": name, "AttributeType": "S"} for name in ("id", *"abcd")}


def template(version: int, **tables: str) -> dict[str, Any]:
    """A template with a function of a version, and tables with indexes on these attributes."""
    resources: dict[str, Any] = {
        name: {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": f"shop-{name}",
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "AttributeDefinitions": [ATTRIBUTES[each] for each in ("id", *indexes)],
                "GlobalSecondaryIndexes": [
                    {"IndexName": f"by-{each}", "KeySchema": [{"AttributeName": each}]}
                    for each in indexes
                ],
            },
        }
        for name, indexes in tables.items()
    }
    resources["Function"] = {"Type": "AWS::Serverless::Function", "Properties": {"Is": version}}
    return {"Resources": resources}


def steps_of(deployed: dict[str, Any] | None, wanted: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Of each update: the version of the function, the indexes of each table, what is created."""
    before = deepcopy((deployed, wanted))
    result = updates(deployed, wanted)
    assert (deployed, wanted) == before
    assert result[-1].template["Resources"].keys() == wanted["Resources"].keys()
    steps: list[tuple[Any, ...]] = []
    for each in result:
        resources = dict(each.template["Resources"])
        version = resources.pop("Function")["Properties"]["Is"]
        assert each.is_code_update is (version == 2 and all(step[0] == 1 for step in steps))
        indexes = {}
        for name, table in resources.items():
            properties = table["Properties"]
            keys = [
                i["KeySchema"][0]["AttributeName"] for i in properties["GlobalSecondaryIndexes"]
            ]
            defined = [a["AttributeName"] for a in properties["AttributeDefinitions"]]
            assert defined == ["id", *keys]
            indexes[name] = "".join(keys)
        steps.append((version, indexes, each.created))
    return steps


def test_new_stack() -> None:
    """Everything is created at once."""
    assert steps_of(None, template(2, T="ab")) == [(2, {"T": "ab"}, {})]


def test_no_change_of_indexes() -> None:
    """One update, also with a new table."""
    assert steps_of(template(1, T="ab"), template(2, T="ab", U="cd")) == [
        (2, {"T": "ab", "U": "cd"}, {})
    ]


def test_indexes_are_created_before_the_code_that_reads_them() -> None:
    """Those of different tables at the same time, of one table one after another."""
    assert steps_of(template(1, T="a", U=""), template(2, T="abc", U="d")) == [
        (1, {"T": "ab", "U": "d"}, {"shop-T": "by-b", "shop-U": "by-d"}),
        (1, {"T": "abc", "U": "d"}, {"shop-T": "by-c"}),
        (2, {"T": "abc", "U": "d"}, {}),
    ]


def test_indexes_are_deleted_after_the_code_that_reads_them() -> None:
    """With the code, none goes: the old code reads them until all requests have moved."""
    assert steps_of(template(1, T="abcd"), template(2, T="a")) == [
        (2, {"T": "abcd"}, {}),
        (2, {"T": "acd"}, {}),
        (2, {"T": "ad"}, {}),
        (2, {"T": "a"}, {}),
    ]


def test_replaced_index() -> None:
    """An update creates or deletes, and never both."""
    assert steps_of(template(1, T="ab"), template(2, T="ac")) == [
        (1, {"T": "abc"}, {"shop-T": "by-c"}),
        (2, {"T": "acb"}, {}),
        (2, {"T": "ac"}, {}),
    ]


@pytest.mark.parametrize("is_provisioned", [False, True])
def test_billing_mode_that_changes_with_an_index(is_provisioned: bool) -> None:
    """In each update, the indexes have capacity if the table has: DynamoDB refuses others."""
    templates = template(1, T="ab"), template(2, T="ac")
    capacity = {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}
    table = templates[is_provisioned]["Resources"]["T"]["Properties"]
    for each in (table, *table["GlobalSecondaryIndexes"]):
        each.update(capacity)

    for update in updates(*templates):
        table = update.template["Resources"]["T"]["Properties"]
        for index in table["GlobalSecondaryIndexes"]:
            assert index.get("ProvisionedThroughput") == table.get("ProvisionedThroughput")
