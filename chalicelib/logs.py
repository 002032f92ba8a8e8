"""The log: one JSON object a line on standard output, which Lambda sends to CloudWatch.

No line contains what a client sent: no bodies, query strings, names or email addresses.
"""

import os
import re
import sys
from traceback import extract_tb
from typing import Any

from botocore.exceptions import ClientError
from msgspec import json


def write(level: str, **members: Any) -> None:
    """Write one line."""
    trace_id = sampled_trace_id()
    trace = {"traceId": trace_id} if trace_id else {}
    line = json.encode({"level": level, **members, **trace})
    # One call: with several, the lines of concurrent threads would mix.
    sys.stdout.write(f"{line.decode()}\n")
    sys.stdout.flush()


def sampled_trace_id() -> str | None:
    """The id of the current invocation's trace in X-Ray, or None if X-Ray does not keep it.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    header = os.environ.get("_X_AMZN_TRACE_ID", "")
    return match[1] if (match := re.match(r"Root=([^;]+).*;Sampled=1", header)) else None


def error_members(error: Exception) -> dict[str, Any]:
    """The members of a log line that describe an unexpected error: its type and stack.

    Python's messages are left out because they may quote what a client sent. AWS's own messages,
    which name a missing permission or table, are kept as `reason`.
    """
    stack = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)
    ]
    reason = {"reason": str(error)} if isinstance(error, ClientError) else {}
    return {"error": type(error).__name__, **reason, "stack": stack}
