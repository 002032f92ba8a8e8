"""`make bench`: compares the app with other handlers, and prints the tables of docs/performance.md.

A figure is the median of the rounds; half of the readings are between the two numbers in brackets.
"""

import os
import platform
import sys
from pathlib import Path
from statistics import median, quantiles

from rich.progress import track

from bench import handlers, measure
from bench.events import CALLS
from bench.events import TITLES as CALL_TITLES
from bench.handlers import APP, PEERS, TITLES
from bench.measure import MB, Reading
from infra.errors import EXPECTED, error_message

# An odd number, so that the median is a reading.
ROUNDS = 15

COLUMNS = {
    "cold cpu": "cold start, CPU ms",
    "first wall": "first request, wall ms",
    **{f"{call} cpu": f"{CALL_TITLES[call]}, CPU ms" for call in CALLS},
    **{f"{call} wall": f"{CALL_TITLES[call]}, wall ms" for call in CALLS},
    "rss": "memory, MB",
}
COMPARED = ("cold cpu", *(f"{call} cpu" for call in CALLS), "rss")


def compare(rounds: int, requests: int) -> str:
    """Measure all handlers in turns. Returns two tables: the readings, and the app's share."""
    with measure.machine() as machine:
        chosen = [handlers.app(), *(handlers.peer(name) for name in PEERS)]
        variants = measure.unpacked(machine, chosen, requests)
        measure.require_equal_responses(machine, variants)
        steps = measure.rounds(machine, variants, rounds)
        readings: dict[str, list[Reading]] = {name: [] for name in TITLES}
        total = rounds * len(variants)
        for name, reading in track(steps, "", total=total, disable=not sys.stderr.isatty()):
            readings[name].append(reading)
    sizes = {each.name: each.zip.stat().st_size / MB for each in chosen}
    return "\n".join(
        [
            (
                f"{_processor()}, {len(os.sched_getaffinity(0))} cores, Python "
                f"{platform.python_version()}, {rounds} rounds of {requests} requests."
            ),
            "",
            *_table(
                ["", *COLUMNS.values(), "zip, MB"],
                [
                    [
                        TITLES[name],
                        *(_figure([each[column] for each in found], 2) for column in COLUMNS),
                        f"{sizes[name]:.3f}",
                    ]
                    for name, found in readings.items()
                ],
            ),
            "",
            *_table(
                ["Storefront's share of", *(TITLES[name] for name in PEERS)],
                [
                    [
                        COLUMNS[column].partition(" ms")[0].partition(", MB")[0],
                        *(
                            _figure(
                                [
                                    own[column] / other[column]
                                    for own, other in zip(
                                        readings[APP], readings[name], strict=True
                                    )
                                ],
                                2,
                            )
                            for name in PEERS
                        ),
                    ]
                    for column in COMPARED
                ],
            ),
        ]
    )


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _figure(values: list[float], digits: int) -> str:
    lower, _, upper = quantiles(values, n=4, method="inclusive")
    return f"{median(values):.{digits}f} ({lower:.{digits}f}-{upper:.{digits}f})"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    try:
        print(compare(ROUNDS, measure.REQUESTS))
    except KeyboardInterrupt:
        sys.exit("Interrupted. Run the same command again.")
    except EXPECTED as error:
        sys.exit(error_message(error))
