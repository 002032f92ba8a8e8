"""`make bench`: measures the app and its peers, for bench/results.json and docs/performance.md."""

import sys
import time

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench import measure, page, results
from infra import command

# An odd number: the median is a reading.
ROUNDS = 15


def main() -> None:
    """Measure, and write what was found."""
    found = run(ROUNDS, measure.REQUESTS)
    results.write(found)
    page.write()
    print(f"bench/results.json, docs/performance.md and its chart: {found.seconds:.0f} s")


def run(rounds: int, requests: int) -> results.Results:
    """Measure everything in some rounds, with so many requests of each call in each."""
    began = time.monotonic()
    with measure.machine() as (machine, certificate):
        measured = measure.variants(certificate, requests)
        measure.same_answers(machine, measured)
        name = TextColumn("{task.description}")
        with Progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), name) as progress:
            task = progress.add_task("", total=rounds * len(measured))

            def step(name: str) -> None:
                progress.update(task, advance=1, description=name)

            readings = measure.rounds(machine, measured, rounds, step)
    return results.results(
        readings,
        {variant.name: variant.candidate for variant in measured},
        requests=requests,
        seconds=time.monotonic() - began,
    )


if __name__ == "__main__":
    sys.exit(command.run(main))
