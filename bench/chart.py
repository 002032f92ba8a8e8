"""The chart of docs/performance.md: a cold start and three requests, the app beside its peers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

from bench.candidates import APP, TITLES
from bench.events import CALLS
from bench.events import TITLES as CALL_TITLES
from bench.results import Results, Spread
from infra.stages import PROJECT

FILE = PROJECT / "docs" / "performance.svg"

OWN = "#0b6e4f"
OTHER = "#9aa5b1"
STYLE: Any = {"svg.hashsalt": "storefront", "svg.fonttype": "path", "font.size": 9}
SHADES = {"get": 0.55, "post": 0.8, "list": 1.0}


def draw(found: Results) -> None:
    """Write the chart of a run."""
    names = [name for name in TITLES if name != "nothing"][::-1]
    with panels(FILE, height=3.8, share_y=True) as (cold, warm):
        for place, name in enumerate(names):
            compiled, plain = found.figures[name], found.figures[f"{name}, not compiled"]
            colour = OWN if name == APP else OTHER
            _bar(cold, place, 0.5, plain["cold cpu"], color=colour, alpha=0.35)
            _bar(cold, place, 0.5, compiled["cold cpu"], color=colour)
            for offset, call in zip((0.27, 0, -0.27), CALLS, strict=True):
                shade = SHADES[call]
                _bar(warm, place + offset, 0.25, compiled[f"{call} cpu"], color=colour, alpha=shade)
        cold.set_yticks(range(len(names)), [TITLES[name] for name in names])
        cold.set_title("Cold start: CPU until the first answer, ms\n(pale: not compiled)")
        calls = ", ".join(CALL_TITLES[call] for call in CALLS)
        warm.set_title(f"Warm: CPU per request, ms\n({calls})")


def _bar(axes: Any, place: float, height: float, value: Spread, **style: Any) -> None:
    error = [[value.median - value.lower], [value.upper - value.median]]
    axes.barh(place, value.median, height, xerr=error, error_kw={"lw": 0.8}, **style)


@contextmanager
def panels(file: Path, *, height: float, share_y: bool = False) -> Iterator[tuple[Any, Any]]:
    """Two panels, `height` inches high, side by side; they are written to a file at the end."""
    mpl.use("svg")
    with mpl.rc_context(STYLE):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(10, height), sharey=share_y, layout="tight"
        )
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
        yield left, right
        figure.savefig(file, metadata={"Date": None})
        plt.close(figure)
