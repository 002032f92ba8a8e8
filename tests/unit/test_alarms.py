"""Alarms of a project that has grown, and what docs/runbook.md says of them."""

import json
import re
from typing import Any, Literal

import pytest
from msgspec import Struct

from chalicelib.schema import Resource
from infra import stages
from infra.data import tables
from infra.settings import StageSettings, Webhook
from infra.stages import Stage
from infra.template import alarms, app_functions, canary, events, webhooks
from tests.conftest import PROJECT

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
MAX_METRICS = 10


Choice = Literal["x", "y"]


class Part(Struct, forbid_unknown_fields=True):
    """Fields enough for six indexes."""

    a: Choice = "x"
    b: Choice = "x"
    c: Choice = "x"
    d: Choice = "x"
    e: Choice = "x"


def metrics_of(alarm: dict[str, Any]) -> list[str]:
    """The ids of the metrics of an alarm."""
    queries = alarm["Properties"].get("Metrics", [])
    return [query["Id"] for query in queries if "MetricStat" in query]


@pytest.fixture
def stage() -> Stage:
    """A stage with alarms."""
    infra = StageSettings(
        alarms=True,
        deployment="Canary10Percent5Minutes",
        events=True,
        webhooks={"mail": Webhook(url="https://mail.example.com/", secret="mail")},
        runbook="https://a.example/b",
    )
    return Stage("prod", stages.load("prod").config, infra)


def test_twelve_resources_with_six_indexes(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """No alarm has more metrics than CloudWatch takes, and every table and index has one."""
    grown = tuple(
        Resource(name=f"parts{n}", noun="part", fields=Part, filters=("a", "b", "c", "d", "e"))
        for n in range(12)
    )
    assert {len(resource.indexes) for resource in grown} == {6}
    monkeypatch.setattr(tables, "RESOURCES", grown)

    made = alarms.part(stage).alarms

    counts = [len(metrics_of(each)) for each in made.values()]
    assert max(counts) == MAX_METRICS
    throttles = [each for name, each in made.items() if "TableThrottles" in name]
    # Reads and writes of 12 tables, of their 72 indexes, and of the claims.
    assert sum(len(metrics_of(each)) for each in throttles) == 2 * (12 + 72 + 1)
    for each in throttles:
        # The sum of all that have data.
        assert each["Properties"]["Metrics"][-1]["Expression"] == "SUM(METRICS())"


def test_every_alarm_has_an_entry_in_the_runbook(stage: Stage) -> None:
    """The description links to it: what the alarm means, what to look at, what to do."""
    page = (PROJECT / "docs" / "runbook.md").read_text()
    anchors = {
        heading.lower().replace(" ", "-")
        for heading in re.findall(r"^### (.+)$", page, re.MULTILINE)
    }
    alarms_of_parts = [
        alarms.part(stage).alarms,
        canary.part(stage).resources,
        events.part(stage).alarms,
        webhooks.part(stage).alarms,
        app_functions.dead_letters_alarm(stage),
    ]
    linked = set(re.findall(r"https://a\.example/b#([\w-]+)", json.dumps(alarms_of_parts)))

    assert linked == {
        "api-errors",
        "api-latency",
        "change-events",
        "dead-letters",
        "function-throttles",
        "new-version",
        "table-errors",
        "table-throttles",
        "webhooks",
    }
    assert linked <= anchors


def test_alarms_need_a_receiver(stage: Stage) -> None:
    """CloudFormation checks it before it creates anything, also without make stack."""
    part = alarms.part(stage)
    rule = part.rules[alarms.RULE]["Assertions"][0]["Assert"]

    named = {condition["Fn::Not"][0]["Fn::Equals"][0]["Ref"] for condition in rule["Fn::Or"]}
    assert named == set(part.parameters) == set(alarms.RECEIVERS)
    assert alarms.part(Stage("dev", stage.config, StageSettings())).rules == {}
