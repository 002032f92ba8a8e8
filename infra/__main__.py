"""`python -m infra COMMAND`: the project's commands. `python -m infra --help` lists them."""

import signal
import sys

# Until a command handles it, Ctrl-C ends the process without a stack trace.
signal.signal(signal.SIGINT, signal.SIG_DFL)

from infra.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
