"""`python -m infra COMMAND`: the project's commands. `python -m infra --help` lists them."""

# Until a command handles it, Ctrl-C ends the process without a stack trace. `_signal` is part of
# the interpreter; `signal` would be read from a file first, which takes milliseconds.
import _signal  # type: ignore[import-not-found]

_signal.signal(_signal.SIGINT, _signal.SIG_DFL)

import sys  # noqa: E402

from infra.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
