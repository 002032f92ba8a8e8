"""200,000 requests to one environment, to measure whether its memory grows."""

import sys
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.progress import track

from bench import candidates, measure
from bench.events import CALLS, events
from bench.measure import MB

FILE = Path(__file__).with_name("soak.json")
REQUESTS = 200_000
# What an environment still makes with its first requests.
SETTLED = 1_000
EVERY = 10_000


class Soak(Struct, frozen=True):
    """What an environment had in memory, in MB, after how many requests."""

    rss: dict[int, float]

    @property
    def requests(self) -> int:
        """How many there were."""
        return max(self.rss)

    @property
    def growth(self) -> float:
        """The largest growth after the first SETTLED requests, in MB."""
        settled = self.rss[SETTLED]
        return max(value - settled for count, value in self.rss.items() if count >= SETTLED)


def run() -> Soak:
    """Soak the packaged app."""
    with measure.machine() as machine:
        (app,) = measure.unpacked(machine, [candidates.app()], 0, (True,))
        return soak(machine, app, REQUESTS, EVERY)


def write(found: Soak) -> None:
    """Write the file."""
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


def soak(machine: measure.Machine, variant: measure.Variant, requests: int, every: int) -> Soak:
    """Send requests of all three calls in turn, and look at the memory again and again."""
    sent = [events(variant.candidate)[call] for call in CALLS]
    rss = {}
    with machine.start(variant) as function:
        for count in track(range(1, requests + 1), "", disable=not sys.stderr.isatty()):
            function.invoke(sent[count % len(sent)])
            if count == SETTLED or count % every == 0:
                rss[count] = round(function.resident_bytes() / MB, 3)
    return Soak(rss)


def read() -> Soak:
    """What the last run found."""
    return msgspec.json.decode(FILE.read_bytes(), type=Soak)
