"""Counts the instructions of the packed app: `.venv/bin/python -m bench.instructions`.

Valgrind's callgrind counts, so that a difference of 1 % is no noise. A measure for speed stays if
it saves 3 % of a cold start or of a request. Needs valgrind (apt-get install valgrind).
https://valgrind.org/docs/manual/cl-manual.html
"""

import re
import sys
from shutil import which

from msgspec import structs

from bench import handlers, measure
from bench.events import CALLS, events
from bench.measure import Machine, Variant

REQUESTS = 40
MILLION = 1_000_000


def count(machine: Machine, app: Variant, requests: list[bytes]) -> float:
    """The instructions, in millions, of an environment that responds to some requests."""
    output = machine.tasks / "callgrind.out"
    python = machine.tasks / "python"
    options = f"--quiet --tool=callgrind --callgrind-out-file={output}"
    python.write_text(f'#!/bin/sh\nexec valgrind {options} {machine.python} "$@"\n')
    python.chmod(0o755)
    with structs.replace(machine, python=python).start(app) as function:
        for each in requests:
            function.invoke(each)
        # Callgrind writes its file when the process ends, but not if it is killed.
        function.process.terminate()
        function.process.wait()
    (total,) = re.findall(r"^(?:summary|totals): (\d+)$", output.read_text(), re.MULTILINE)[:1]
    return int(total) / MILLION


def main() -> None:
    """Print the instructions of a cold start, and of a warm request of each kind."""
    if not which("valgrind"):
        sys.exit("There is no valgrind: apt-get install valgrind installs it.")
    with measure.machine() as machine:
        (app,) = measure.unpacked(machine, [handlers.app()])
        sent = events(app.candidate)
        cold = count(machine, app, [sent["get"]])
        print(f"cold start with a GET: {cold:.1f} million instructions", flush=True)
        for call in CALLS:
            before = count(machine, app, [sent[call]] * 10)
            after = count(machine, app, [sent[call]] * (10 + REQUESTS))
            print(f"{call}: {(after - before) / REQUESTS:.3f} million instructions", flush=True)


if __name__ == "__main__":
    main()
