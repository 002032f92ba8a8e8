"""A progress bar on a terminal, and a line every few seconds elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

LINE_SECONDS = 10


class Bar:
    """The progress of one step: how much of `total` is done, and what to say of it."""

    def __init__(self, name: str, total: int | None, display: Progress | None) -> None:
        self.name = name
        self.total = total
        self.done = 0
        self._display = display
        self._task = display.add_task(name, total=total, state="") if display else None
        self._line = monotonic()

    def advance(self, amount: int, state: str) -> None:
        """Note that more is done; `state` is the number of items so far, in words."""
        self.done += amount
        if self._display and self._task is not None:
            self._display.update(self._task, advance=amount, state=state)
        elif monotonic() - self._line > LINE_SECONDS:
            self._line = monotonic()
            share = f" ({self.done / self.total:.0%})" if self.total else ""
            print(f"{self.name}{share}: {state} ...", flush=True)


@contextmanager
def bar(name: str, total: int | None) -> Iterator[Bar]:
    """Show the progress of one step. `total` is None if it is not known."""
    if not sys.stderr.isatty():
        yield Bar(name, total, None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        yield Bar(name, total, display)
