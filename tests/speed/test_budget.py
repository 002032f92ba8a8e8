"""What a cold start and a request may cost, with a margin over what they do.

How many calls to DynamoDB a request makes is tests/system/test_costs.py's, and how large the zip
is, tests/deployed/test_package.py's.
"""

import os
import re
import subprocess
from pathlib import Path
from statistics import median

import pytest

from bench import measure
from bench.events import CALLS, events
from bench.measure import MB, Machine, Reading, Variant

# CPU and memory relative to the plain handler's at the same time: docs/performance.md.
# Which Python it is makes a difference of some percent.
LIMITS = {"cold cpu": 0.75, "get cpu": 1.05, "post cpu": 1.10, "list cpu": 0.80, "rss": 0.95}
ROUNDS = 15

# What Lambda's own client and boto3's kind of client take is there anyway.
BASELINE = (
    "import awslambdaric.bootstrap, botocore.session;"
    "botocore.session.get_session().create_client('dynamodb')"
)
APP = "import awslambdaric.bootstrap, app"
# What the app adds: a name stands for all within it.
ADDED = {
    "app",
    "chalice",
    "chalicelib",
    "chalicelib.access",
    "chalicelib.aws_clients",
    "chalicelib.cold_start",
    "chalicelib.framework",
    "chalicelib.results",
    # Without chalicelib.auth.keys and tokens, which the first token imports.
    "chalicelib.auth",
    "chalicelib.context",
    "chalicelib.errors",
    "chalicelib.http",
    "chalicelib.http.api",
    "chalicelib.http.operations",
    "chalicelib.http.problems",
    "chalicelib.http.requests",
    "chalicelib.http.responses",
    "chalicelib.logs",
    "chalicelib.models",
    "chalicelib.oidc",
    "chalicelib.schema",
    "chalicelib.settings",
    "chalicelib.storage",
    "chalicelib.storage.attributes",
    "chalicelib.storage.claims",
    "chalicelib.storage.collection",
    "chalicelib.storage.cursors",
    "chalicelib.storage.dynamodb",
    "chalicelib.storage.expressions",
    "chalicelib.storage.idempotency",
    "chalicelib.storage.queries",
    "chalicelib.storage.retries",
    "chalicelib.storage.transactions",
    "chalicelib.validation",
    "gc",
    "msgspec",
    # msgspec looks whether it is there.
    "typing_extensions",
}


def imported(python: Path, task: Path, code: str) -> dict[str, int]:
    """The modules that some code imports, each with its own microseconds."""
    environment = {"PYTHONPATH": str(task), "AWS_DEFAULT_REGION": "us-east-1", "STAGE": "prod"}
    output = subprocess.run(
        [python, "-X", "importtime", "-c", code],
        cwd=task,
        env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"} | environment,
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    lines = re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", output, re.MULTILINE)
    return {name: int(cost) for cost, name in lines}


def budgeted(name: str) -> bool:
    """Whether a module is one of those that the Init phase may import."""
    package, _, _ = name.partition(".")
    return name in ADDED or (package in ADDED and package != "chalicelib")


def test_imports_of_the_init_phase(machine: Machine, measured: list[Variant]) -> None:
    """Every environment pays for each import: a new one belongs in ADDED, or where it is used."""
    app, _ = measured
    baseline = imported(machine.python, app.task, BASELINE)

    found = imported(machine.python, app.task, APP)

    added = {name: cost for name, cost in found.items() if name not in baseline}
    new = {name: f"{cost} µs" for name, cost in added.items() if not budgeted(name)}
    assert new == {}
    assert {name for name in ADDED if name.startswith("chalicelib")} <= added.keys()


@pytest.mark.timeout(240)
def test_cpu_and_memory_ratios_to_a_plain_handler(
    machine: Machine, measured: list[Variant]
) -> None:
    """Cold starts, requests and memory: medians of the ratios within each round."""
    readings: dict[str, list[Reading]] = {variant.name: [] for variant in measured}
    for name, reading in measure.rounds(machine, measured, ROUNDS):
        readings[name].append(reading)

    ours, theirs = (readings[variant.name] for variant in measured)
    ratios = {
        what: median(a[what] / b[what] for a, b in zip(ours, theirs, strict=True))
        for what in LIMITS
    }
    dearer = {what: ratio for what, ratio in ratios.items() if ratio > LIMITS[what]}
    assert dearer == {}


@pytest.mark.timeout(240)
def test_memory_does_not_grow(machine: Machine, measured: list[Variant]) -> None:
    """At most by 1 MB, after the first 1,000 of 10,000 requests."""
    app, _ = measured
    sent = [events(app.candidate)[call] for call in CALLS]
    memory = []
    with machine.start(app) as function:
        for number in range(10_000):
            function.invoke(sent[number % len(sent)])
            if number % 1_000 == 999:
                memory.append(function.resident_bytes() / MB)
    growth = max(memory) - memory[0]
    print(f"{memory[0]:.1f} MB after 1,000 requests, and at most {growth:.2f} MB more.")

    assert growth < 1
