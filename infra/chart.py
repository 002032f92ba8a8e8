"""Charts for the docs: two panels in one SVG, the same file for the same figures."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl

OWN = "#0b6e4f"
OTHER = "#9aa5b1"
STYLE: Any = {"svg.hashsalt": "storefront", "svg.fonttype": "path", "font.size": 9}


@contextmanager
def panels(file: Path, *, height: float, share_y: bool = False) -> Iterator[tuple[Any, Any]]:
    """Two panels beside each other, `height` inches high, that are written to a file at the end."""
    mpl.use("svg")
    # Only now: it takes a second.
    from matplotlib import pyplot as plt

    with mpl.rc_context(STYLE):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(10, height), sharey=share_y, layout="tight"
        )
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
        yield left, right
        figure.savefig(file, metadata={"Date": None})
        plt.close(figure)
