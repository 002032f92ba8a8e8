"""Measures handlers in interleaved rounds, and yields each reading.

One round starts each candidate once, in another order each time, so that a machine that gets
slower does so for all of them. The function has its own core; DynamoDB and the Runtime API
share another.
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, NamedTuple, cast

import botocore
import msgspec
import trustme
from msgspec import Struct

from bench import handlers
from bench.events import BODY, CALLS, events
from bench.handlers import APP, BUILT, Candidate
from infra.errors import CommandError
from infra.stages import PROJECT
from tests.lambda_runtime import Function

# How many requests of each call one environment answers before it is timed, and while it is.
WARMING = 30
REQUESTS = 100
# How many requests an environment answers before it is the next one's turn.
TURN = 25
KEPT = {"name", "price", "description", "id", "createdAt", "updatedAt", "etag"}

MILLISECONDS = 1000
MB = 1_000_000


# Readings by name: milliseconds, MB, all floats.
Reading = dict[str, float]


class Variant(Struct, frozen=True, kw_only=True):
    """One of the things that are started in each round: code in a folder."""

    name: str
    candidate: Candidate
    task: Path
    # How many warm requests of each call are timed.
    requests: int


class Environment(NamedTuple):
    """A running environment of a variant, and its readings so far."""

    variant: Variant
    function: Function
    reading: Reading


class Different(CommandError):
    """A candidate does not answer as the others do."""


class Machine(Struct, frozen=True, kw_only=True):
    """Where functions run: their Python, their code, their DynamoDB, the cores for each.

    `authority` is the certificate of the authority that DynamoDB's certificate comes from, `roots`
    a file with it and with botocore's. `tasks` is the folder of the functions' code.
    """

    python: Path
    port: int
    authority: bytes
    roots: Path
    tasks: Path
    cpus: set[int]

    def start(self, variant: Variant) -> Function:
        """A new environment of a variant."""
        candidate = variant.candidate
        environment = {
            **candidate.variables,
            "AWS_ENDPOINT_URL_DYNAMODB": f"https://127.0.0.1:{self.port}",
            # The app has its own.
            **({} if candidate.name == APP else {"AWS_CA_BUNDLE": str(self.roots)}),
        }
        return Function(
            variant.task,
            candidate.handler,
            python=self.python,
            environment=environment,
            cpus=self.cpus,
        )


@contextmanager
def machine(group: str = handlers.RUNTIME) -> Iterator[Machine]:
    """A machine for a while, whose Python has the packages of a group of pyproject.toml.

    Several at one time have separate folders and certificates.
    """
    if sys.platform != "linux":
        raise CommandError("Functions are run here as Lambda runs them, on Linux alone.")
    BUILT.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    own = authority.cert_pem.bytes()
    available = sorted(os.sched_getaffinity(0))
    with TemporaryDirectory(prefix="machine-", dir=BUILT) as folder:
        server, roots = Path(folder) / "server.pem", Path(folder) / "roots.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(server))
        roots.write_bytes((Path(botocore.__file__).parent / "cacert.pem").read_bytes() + own)
        with subprocess.Popen(
            [sys.executable, "-m", "bench.dynamodb", server],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C is for the bench, which ends it.
            start_new_session=True,
        ) as database:
            try:
                port = int(cast("IO[str]", database.stdout).readline())
                for process in (0, database.pid):
                    os.sched_setaffinity(process, available[:1])
                yield Machine(
                    python=handlers.runtime(group),
                    port=port,
                    authority=own,
                    roots=roots,
                    tasks=Path(folder) / "tasks",
                    cpus=set(available[-1:]),
                )
            finally:
                os.sched_setaffinity(0, available)
                cast("IO[str]", database.stdin).close()


def unpacked(machine: Machine, chosen: list[Candidate], requests: int = 0) -> list[Variant]:
    """Candidates, in a folder each. `requests`: how many warm ones of each call are timed."""
    variants = []
    for candidate in chosen:
        task = machine.tasks / candidate.name
        handlers.unpack(candidate, task)
        roots = task / "chalicelib" / "storage" / "amazon_roots.pem"
        if roots.exists():
            roots.write_bytes(roots.read_bytes() + machine.authority)
        variants.append(
            Variant(name=candidate.name, candidate=candidate, task=task, requests=requests)
        )
    return variants


def require_equal_responses(machine: Machine, variants: list[Variant]) -> None:
    """Raise Different unless all candidates respond alike to each call."""
    seen: dict[str, Any] = {}
    for variant in variants:
        with machine.start(variant) as function:
            for call, event in events(variant.candidate).items():
                body, _ = function.invoke(event)
                response = msgspec.json.decode(body)
                content = msgspec.json.decode(response["body"])
                if call == "post":
                    if content.keys() != KEPT or not BODY.items() <= content.items():
                        raise Different(f"{variant.name} creates {content}")
                    content = None
                result = (response["statusCode"], content)
                if seen.setdefault(call, result) != result:
                    raise Different(f"{variant.name} responds to {call} with {result}")


def rounds(machine: Machine, variants: list[Variant], count: int) -> Iterator[tuple[str, Reading]]:
    """Yields `count` readings of each variant, with its name.

    What is compared is measured within seconds, so that other load on the machine affects all of
    it: a round starts all environments, one after the other, and they take turns with requests.
    """
    shuffled = random.Random(count)  # noqa: S311, nothing to guess
    for _ in range(count):
        with ExitStack() as environments:
            running = []
            # What ran before leaves its mark on the caches: each follows each.
            for variant in shuffled.sample(variants, len(variants)):
                function = environments.enter_context(machine.start(variant))
                reading = cold_reading(function, events(variant.candidate)["get"])
                running.append(Environment(variant, function, reading))
            for call in CALLS:
                time_requests(running, call)
            for each in running:
                each.reading["rss"] = each.function.resident_bytes() / MB
                yield each.variant.name, each.reading


def cold_reading(function: Function, event: bytes) -> Reading:
    """The cold start of an environment that has just been started, and its memory."""
    _, response = function.invoke(event)
    first = response.since(function.ready)
    return {
        "cold cpu": response.cpu * MILLISECONDS,
        "cold wall": response.wall * MILLISECONDS,
        "init cpu": function.ready.cpu * MILLISECONDS,
        "first cpu": first.cpu * MILLISECONDS,
        "first wall": first.wall * MILLISECONDS,
        "rss": function.resident_bytes() / MB,
    }


def time_requests(running: list[Environment], call: str) -> None:
    """Send all requests of one call to each environment, in turns, and add what one took."""
    for variant, function, reading in running:
        for _ in range(min(WARMING, variant.requests)):
            function.invoke(events(variant.candidate)[call])
        reading |= {f"{call} cpu": 0.0, f"{call} wall": 0.0}
    for begin in range(0, max((each.variant.requests for each in running), default=0), TURN):
        for variant, function, reading in running:
            event = events(variant.candidate)[call]
            began = function.moment()
            for _ in range(min(TURN, variant.requests - begin)):
                function.invoke(event)
            took = function.moment().since(began)
            reading[f"{call} cpu"] += took.cpu / variant.requests * MILLISECONDS
            reading[f"{call} wall"] += took.wall / variant.requests * MILLISECONDS
