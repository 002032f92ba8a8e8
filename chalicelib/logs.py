"""Logs: one JSON object a line on standard output, where Lambda and `chalice local` take it from.

What a client sent never goes in: no bodies, no names, no email addresses.
"""

import sys
from traceback import extract_tb
from typing import Any

from botocore.exceptions import ClientError
from msgspec import json


def write(level: str, **members: Any) -> None:
    """Log one line."""
    line = json.encode({"level": level, **members})
    # In one call, or the lines of two threads of `chalice local` would mix.
    sys.stdout.write(f"{line.decode()}\n")
    sys.stdout.flush()


def fault(error: Exception) -> dict[str, Any]:
    """Where an unforeseen error comes from: its type and stack, without the values in it.

    Python's messages may quote what a client sent. AWS's own say what is wrong with the
    deployment (a right or a table that is missing), so those are kept.
    """
    stack = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)
    ]
    reason = {"reason": str(error)} if isinstance(error, ClientError) else {}
    return {"error": type(error).__name__, **reason, "stack": stack}
