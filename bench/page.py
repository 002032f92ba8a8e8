"""docs/performance.md, made of what the last runs of the bench found."""

from pathlib import Path

from bench import chart, results, soak
from bench.candidates import APP, TITLES, TOKEN
from bench.events import CALLS
from bench.events import TITLES as CALL_TITLES
from bench.levers import LEVERS
from bench.measure import TURN, WARMING
from bench.results import Results, Spread

FILE = Path(__file__).parent.parent / "docs" / "performance.md"

# The largest allowed ratio of the app to another handler.
GOALS = {
    "cold cpu": ("cold start, CPU", {"plain": 0.80, "powertools": 0.45, "fastapi": 0.35}),
    "get cpu": ("GET one, CPU", {"plain": 1.00, "powertools": 0.80, "fastapi": 0.70}),
    "list cpu": ("list of 25, CPU", {"plain": 0.70, "powertools": 0.60, "fastapi": 0.55}),
    "rss": ("memory", {"plain": 1.10}),
}
# As GOALS, where the handlers check an access token.
TOKEN_GOALS = {
    "cold cpu": ("cold start, CPU", {"plain": 0.80, "powertools": 0.50, "fastapi": 0.40}),
    "get cpu": ("GET one, CPU", {}),
    "rss": ("memory", {"plain": 1.10}),
}
# Of a GET whose token is remembered, over one without a token.
REMEMBERED = 1.03
ZIP_MB = 6.5
GROWTH_MB = 2.0
COMPARED = ("plain", "powertools", "fastapi")

TEXT = """# Performance

Written by `make bench` and `make soak`, from bench/results.json and bench/soak.json: {machine},
Python {python}, medians of {rounds} interleaved rounds. A figure is the median; half of the
readings are between the two numbers in brackets.

Storefront does more in a request than the handlers it is compared with: it validates every field
and names each wrong one, supports ETags and preconditions, describes errors as problem documents,
adds CORS headers and a request id, and logs a JSON line. All of that is on here.

## Comparison

Storefront's reading divided by the other handler's in the same round, and the goal. All handlers
are compiled.

{goals}
![CPU of a cold start and of three requests, for Storefront and five others](performance.svg)

The other handlers are one file each, in bench/peers/, written as their documentation advises, with
the same work: read one product, create one from a validated body, list 25. `make bench`
first checks that their responses are equal.

- **{plain}**: as in AWS's tutorials, `json.dumps` and no framework.
- **{powertools}**: resolver with validation, logger, tracer, metrics.
- **{fastapi}**: models of requests and responses.
- **{chalice}**: no chalicelib, the table object made at the first request.
- **{floor}**: signs its own requests on one connection, and retries nothing. It is a lower
  bound, not a recommendation.

### With an access token

The first request has a token, RS256 of 2048 bits, and so have all others. The other handlers check
it as [PyJWT's documentation](https://pyjwt.readthedocs.io/en/stable/usage.html) advises, with the
same package; the keys are in a variable for all of them.

{token_goals}
### Cold start

From the start of the process to the first response. Lambda's /var/task is read-only, so modules
that are not compiled in the zip are compiled at each cold start. "Import" is the CPU time until the
function asks for its first event, without that of an empty handler ({nothing} ms). "First" is the
wall time of the first request after that.

{cold}
### Requests

CPU and wall time of one request, in ms, and the GETs that one environment answers in a second.
DynamoDB is a process on the same machine with constant responses, over TLS on a kept connection. A
real network adds a millisecond or two to the wall times, and no CPU.

{warm}
## Measures and what they save

Each line is the app without one measure. With all of them: {cold_ms} ms, {first_ms} ms,
{get_ms} ms, {list_ms} ms, {rss_mb} MB.

{taken}
Tried and rejected. Differences that are smaller than the brackets in the tables above are noise:

{left}
The measures use botocore's public names. They are in `chalicelib/storage/sdk.py` and
`chalicelib/init.py`; [architecture.md](architecture.md) describes them. The read that opens the
connection costs half a read unit for each cold start.

## Memory

{soaked}
## Method

`bench/function.py` starts awslambdaric, Lambda's own client for Python, in an environment with only
boto3, and sends it REST proxy events through a Runtime API, one at a time. CPU is the
process's clock, for all threads. The function has a core of its own if there are two. Each round
starts every handler once, one after the other. Then they take turns with requests, {turn} at a
time; {warming} of each call come before the {requests} that are timed. A run took {minutes}
minutes.

The measurement has no share of a core (Lambda gives one core for 1,769 MB; less memory makes all of
this slower in proportion, except the Init phase), no microVM, and no download of the zip. Compare
ratios, not milliseconds.

`make test-speed` checks budgets in CI: the modules imported in the Init phase, the ratios to the
plain handler in the same run, and memory.
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
        token_goals=_token_goals(found),
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
        turn=TURN,
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


def _token_goals(found: Results) -> str:
    rows = []
    for what, (title, goals) in TOKEN_GOALS.items():
        ratios = [found.ratios[peer + TOKEN][what] for peer in COMPARED]
        cells = [_against(r, goals.get(peer)) for r, peer in zip(ratios, COMPARED, strict=True)]
        rows.append([title, *cells])
    own = found.ratios[APP + TOKEN]
    return (
        _table(["Storefront's share of", *(TITLES[peer] for peer in COMPARED)], rows)
        + "\nStorefront's requests with a token, over those without: GET one "
        f"{_against(own['get cpu'], REMEMBERED)};\ncold start {_against(own['cold cpu'], None)}; "
        f"memory {_against(own['rss'], None)}. A token that was verified is\nremembered until it "
        "expires.\n"
    )


def _against(ratio: Spread, goal: float | None) -> str:
    text = f"**{ratio.median:.2f}** ({ratio.lower:.2f}-{ratio.upper:.2f})"
    if goal is None:
        return text
    return f"{text}, goal {goal:.2f}" + ("" if ratio.median <= goal else ": missed")


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
        f"{found.requests:,} requests to one environment, reads, creates and lists in turn: "
        f"{found.rss[soak.SETTLED]:.1f} MB\nafter the first {soak.SETTLED:,}, and at most "
        f"{growth:.2f} MB more after that (goal: {GROWTH_MB:.0f} MB{verdict}).\n"
    )
