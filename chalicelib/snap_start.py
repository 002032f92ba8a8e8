"""SnapStart: what an environment does before Lambda takes a snapshot of it, and after a restore.

Imported only where SnapStart is on. The runtime brings the module `snapshot_restore_py`.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
"""

import random
from collections.abc import Callable

from snapshot_restore_py import register_after_restore, register_before_snapshot

from chalicelib import logs


def register(close: Callable[[], None], connect: Callable[[], None]) -> None:
    """Register the hooks, with the functions that close and open the connection to DynamoDB.

    The server's side of a connection does not outlive the snapshot: the first request after a
    restore would wait for a timeout. Connecting also renews credentials that have expired.
    """
    register_before_snapshot(_run, "close", close)
    # Every restored environment would make the same choices: secrets and uuid ask the kernel.
    register_after_restore(_run, "seed", random.seed)
    register_after_restore(_run, "connect", connect)


def _run(name: str, hook: Callable[[], None]) -> None:
    """Run a hook. An exception would end the environment, so that it is logged only."""
    try:
        hook()
    except Exception as error:  # noqa: BLE001, no error of a hook may end it
        logs.write("ERROR", hook=name, **logs.error_members(error))
