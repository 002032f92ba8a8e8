"""docs/performance.md, made of what the last runs of the bench found."""

from pathlib import Path

from bench import chart, results, soak
from bench.candidates import APP, TITLES
from bench.events import CALLS
from bench.events import TITLES as CALL_TITLES
from bench.levers import LEVERS
from bench.measure import WARMING
from bench.results import Results, Spread

FILE = Path(__file__).parent.parent / "docs" / "performance.md"

# What the app is to be, at the most, of a peer.
GOALS = {
    "cold cpu": ("cold start, CPU", {"plain": 0.80, "powertools": 0.45, "fastapi": 0.35}),
    "get cpu": ("GET one, CPU", {"plain": 1.00, "powertools": 0.80, "fastapi": 0.70}),
    "list cpu": ("list of 25, CPU", {"plain": 0.70, "powertools": 0.60, "fastapi": 0.55}),
    "rss": ("memory", {"plain": 1.10}),
}
ZIP_MB = 0.6
GROWTH_MB = 2.0
COMPARED = ("plain", "powertools", "fastapi")

TEXT = """# What it costs to run

Written by `make bench` and `make soak`, from bench/results.json and bench/soak.json: {machine},
Python {python}, medians of {rounds} interleaved rounds. Of each three numbers below, the first is
the median, and half of the readings lie between the two in brackets.

Storefront does more with a request than its peers: it validates every field and names each that
is wrong, gives ETags and takes preconditions, answers errors as problem documents, adds CORS
headers and a request id, and logs a line of JSON. All of it is on here.

## Against others, in the same run

Storefront's reading over the peer's of the same round, and the goal; peers are compiled as
Storefront is.

{goals}
![A cold start, and three requests, of Storefront and five others](performance.svg)

The peers are one file each, in bench/peers/, written as their documentation advises, with the
same work: read one product, create one from a validated body, list 25. `make bench` first
compares what they answer. They bring pinned versions of what they need; boto3 is the runtime's
for all.

- **{plain}**: as AWS's tutorials, `json.dumps` and no framework.
- **{powertools}**: resolver with validation, logger, tracer, metrics.
- **{fastapi}**: models for what comes in and what goes out.
- **{chalice}**: no chalicelib, the table made at the first request.
- **{floor}**: signs its own requests, on one connection. What is possible, and not
  advisable: it retries nothing.

### A cold start

From the start of the process to the first answer. Lambda's read-only /var/task keeps no `.pyc`
files, so what is not compiled in the zip is compiled at each cold start. «Import» is CPU until
the function asks for its first event, less that of an empty handler ({nothing} ms); «first» is
the wall time of the first request after that.

{cold}
### Requests

CPU and wall time of each, in ms, and how many GETs one environment answers in a second. DynamoDB
is a process on the same machine that always has the same answers, over TLS on a kept connection:
the network's millisecond or two comes on top of the wall times, and takes no CPU.

{warm}
## What makes it quick

Each line is the app without one thing, beside the app as it is ({cold_ms} ms, {first_ms} ms,
{get_ms} ms, {list_ms} ms, {rss_mb} MB).

{taken}
Tried, and left, because it does not pay:

{left}
All of it uses what botocore offers, nothing with a leading underscore. `chalicelib/sdk.py` and
`chalicelib/init.py` are the place; [architecture.md](architecture.md) says what to know of them.
A read that finds nothing opens the connection; it costs half a read unit for each cold start.

## Memory

{soaked}
## How it is measured

`bench/function.py` starts awslambdaric, Lambda's own client for Python, in an environment that
has nothing but it and boto3, and gives it REST proxy events through a Runtime API of its own, one
at a time. CPU is the process's clock, all threads included. The function has a core for itself
where there are two. Each round starts every candidate once; {warming} requests of each call come
before the {requests} that are timed. A run took {minutes} minutes.

What it does not have: Lambda's share of a core (1,769 MB are one; less memory makes all of this
slower in proportion, but for the Init phase), its microVM, and the time to fetch the zip. Compare
ratios, not milliseconds.

`make test-speed` holds what matters in CI: what may be imported in the Init phase and what a new
import costs, the ratios to the plain handler in the same run, and memory.
"""


def write() -> None:
    """Write the page and its chart."""
    found = results.read()
    chart.draw(found)
    FILE.write_text(text(found, soak.read()))


def text(found: Results, soaked: soak.Soak) -> str:
    """The page."""
    own = found.figures[APP]
    return TEXT.format(
        machine=found.machine,
        python=found.python,
        rounds=found.rounds,
        goals=_goals(found),
        **{name: title for name, title in TITLES.items() if name not in {APP, "nothing"}},
        nothing=f"{found.figures['nothing']['init cpu'].median:.0f}",
        cold=_cold(found),
        warm=_warm(found),
        taken=_levers(found, taken=True),
        left=_levers(found, taken=False),
        cold_ms=f"{own['cold cpu'].median:.0f}",
        first_ms=f"{own['first wall'].median:.1f}",
        get_ms=f"{own['get cpu'].median:.2f}",
        list_ms=f"{own['list cpu'].median:.2f}",
        rss_mb=f"{own['rss'].median:.1f}",
        soaked=_soaked(soaked),
        warming=WARMING,
        requests=found.requests,
        minutes=f"{found.seconds / 60:.1f}",
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _goals(found: Results) -> str:
    rows = []
    for what, (title, goals) in GOALS.items():
        cells = [_against(found.ratios[peer][what], goals.get(peer)) for peer in COMPARED]
        rows.append([title, *cells])
    size = found.zips[APP]
    verdict = "" if size <= ZIP_MB else ", missed"
    return (
        _table(["Storefront's share of", *(TITLES[peer] for peer in COMPARED)], rows)
        + f"\nThe zip has {size:.2f} MB (goal: {ZIP_MB} MB{verdict}).\n"
    )


def _against(ratio: Spread, goal: float | None) -> str:
    said = f"**{ratio.median:.2f}** ({ratio.lower:.2f}-{ratio.upper:.2f})"
    if goal is None:
        return said
    return f"{said}, goal {goal:.2f}" + ("" if ratio.median <= goal else ": missed")


def _cold(found: Results) -> str:
    empty = found.figures["nothing"]["init cpu"].median
    rows = []
    for name, title in TITLES.items():
        for variant in (name, f"{name}, not compiled"):
            read = found.figures[variant]
            rows.append(
                [
                    title if variant == name else "... not compiled",
                    _spread(read["cold cpu"], 0),
                    _spread(read["cold wall"], 0),
                    f"{read['init cpu'].median - empty:.0f}",
                    f"{read['first wall'].median:.1f}",
                    f"{read['rss'].median:.0f}",
                    f"{found.zips[variant]:.3f}",
                ]
            )
    head = ["", "CPU, ms", "wall, ms", "import, ms", "first, ms", "memory, MB", "zip, MB"]
    return _table(head, rows)


def _warm(found: Results) -> str:
    rows = []
    for name, title in TITLES.items():
        read = found.figures[name]
        if "get cpu" not in read:
            continue
        times = [_spread(read[f"{call} {kind}"], 2) for kind in ("cpu", "wall") for call in CALLS]
        rows.append([title, *times, f"{1000 / read['get wall'].median:.0f}"])
    head = [f"{CALL_TITLES[call]}, {kind}" for kind in ("CPU", "wall") for call in CALLS]
    return _table(["", *head, "GETs/s"], rows)


def _levers(found: Results, *, taken: bool) -> str:
    own = found.figures[APP]
    columns = {"cold cpu": 0, "first wall": 1, "get cpu": 2, "list cpu": 2, "rss": 1}
    rows = []
    for lever in LEVERS:
        if lever.taken is not taken:
            continue
        read = found.figures[lever.variant]
        cells = [
            f"{read[what].median:.{digits}f} ({_change(read[what].median / own[what].median)})"
            for what, digits in columns.items()
        ]
        rows.append([lever.title, *cells])
    head = [
        "without" if taken else "with",
        "cold CPU, ms",
        "first, ms",
        "GET, CPU ms",
        "list, CPU ms",
        "memory, MB",
    ]
    return _table(head, rows)


def _change(ratio: float) -> str:
    return f"x {ratio:.1f}" if ratio >= 2 else f"{(ratio - 1) * 100:+.0f} %"  # noqa: PLR2004


def _spread(value: Spread, digits: int) -> str:
    middle, lower, upper = (
        f"{each:.{digits}f}" for each in (value.median, value.lower, value.upper)
    )
    return f"{middle} ({lower}-{upper})"


def _soaked(found: soak.Soak) -> str:
    growth = found.growth
    verdict = "" if growth < GROWTH_MB else ": missed"
    return (
        f"{found.requests:,} requests through one environment, reads, creates and lists in turn: "
        f"{found.rss[soak.SETTLED]:.1f} MB\nafter the first {soak.SETTLED:,}, and at the most "
        f"{growth:.2f} MB more after that (goal: {GROWTH_MB:.0f} MB{verdict}).\n"
    )
