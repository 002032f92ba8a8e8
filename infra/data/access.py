"""What the data commands share: their caller, a staff member for any owner, and progress bars."""

import sys
from typing import TYPE_CHECKING, Any

import click

from chalicelib.auth import NO_AUTH_CALLER
from chalicelib.context import CallContext

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    Bar = ProgressBar[Any]

# The subject of an open stage keeps its meaning in commands.
OPERATOR = NO_AUTH_CALLER


def context(owner: str | None = None) -> CallContext:
    """The context of a call about the items of an owner, if the resource is owned."""
    return CallContext(caller=OPERATOR, owner=owner)


def progress(label: str, length: int) -> "Bar":
    """A progress bar on a terminal; nothing elsewhere."""
    return click.progressbar(
        length=max(length, 1), label=label, file=sys.stderr, hidden=not sys.stderr.isatty()
    )
