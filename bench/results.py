"""What was measured, in numbers: bench/results.json."""

import os
import platform
import time
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from statistics import median, quantiles
from zipfile import ZIP_DEFLATED, ZipFile

import msgspec
from msgspec import Struct
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench import measure
from bench.candidates import APP, TOKEN, Candidate
from bench.measure import MB, Reading

FILE = Path(__file__).with_name("results.json")


class Spread(Struct, frozen=True):
    """The middle of some readings, and the quarter below and above which the outer ones lie."""

    median: float
    lower: float
    upper: float


class Results(Struct, frozen=True, kw_only=True):
    """What one run of the bench found.

    `figures` are milliseconds and MB, by variant and by what was read. `ratios` are the app's
    readings over another variant's of the same round: those of the app with a token, over a peer's
    with a token and over its own without. `zips` are MB, compiled and not.
    """

    machine: str
    python: str
    rounds: int
    requests: int
    seconds: float
    figures: dict[str, dict[str, Spread]]
    ratios: dict[str, dict[str, Spread]]
    zips: dict[str, float]


def run(rounds: int, requests: int) -> Results:
    """Measure everything in `rounds` rounds, with `requests` requests of each call in each."""
    began = time.monotonic()
    with measure.machine() as machine:
        measured = measure.variants(machine, requests)
        measure.same_answers(machine, measured)
        name = TextColumn("{task.description}")
        with Progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), name) as progress:
            task = progress.add_task("", total=rounds * len(measured))

            def step(name: str) -> None:
                progress.update(task, advance=1, description=name)

            readings = measure.rounds(machine, measured, rounds, step)
    return results(
        readings,
        {variant.name: variant.candidate for variant in measured},
        requests=requests,
        seconds=time.monotonic() - began,
    )


def results(
    readings: Mapping[str, Sequence[Reading]],
    measured: Mapping[str, Candidate],
    *,
    requests: int,
    seconds: float,
) -> Results:
    """The results of a run, which took `seconds`. `measured` are the candidates by variant."""
    ours = readings[APP]
    compared = {
        name: (readings[APP + TOKEN if name.endswith(TOKEN) else APP], theirs)
        for name, theirs in readings.items()
        if name not in (APP, APP + TOKEN)
    }
    if APP + TOKEN in readings:
        compared[APP + TOKEN] = (readings[APP + TOKEN], ours)
    return Results(
        machine=f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        python=platform.python_version(),
        rounds=len(ours),
        requests=requests,
        seconds=round(seconds),
        figures={
            name: {what: _spread([each[what] for each in found], 3) for what in found[0]}
            for name, found in readings.items()
        },
        ratios={
            name: {
                what: _spread([a[what] / b[what] for a, b in zip(own, others, strict=True)], 4)
                for what in others[0]
                # A reading below the resolution of the process's clock is 0.
                if all(each[what] for each in others)
            }
            for name, (own, others) in compared.items()
        },
        zips={
            name: round(_size(each, compiled="not compiled" not in name) / MB, 4)
            for name, each in measured.items()
        },
    )


def write(found: Results) -> None:
    """Write the file."""
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


def read() -> Results:
    """What the last run wrote."""
    return msgspec.json.decode(FILE.read_bytes(), type=Results)


def _spread(values: list[float], digits: int) -> Spread:
    lower, _, upper = quantiles(values, n=4, method="inclusive")
    return Spread(*(round(each, digits) for each in (median(values), lower, upper)))


def _size(candidate: Candidate, *, compiled: bool) -> int:
    if compiled:
        return candidate.zip.stat().st_size
    smaller = BytesIO()
    with ZipFile(candidate.zip) as whole, ZipFile(smaller, "w", ZIP_DEFLATED, compresslevel=9) as z:
        for name in whole.namelist():
            if not name.endswith(".pyc"):
                z.writestr(name, whole.read(name))
    return len(smaller.getvalue())


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
