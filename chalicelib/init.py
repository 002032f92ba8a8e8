"""The Init phase: what Lambda does once for an environment, before the first request.

It has more CPU than requests have, so what every request would find undone is done here.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import gc
import os
from threading import Thread

# What is imported stays: to look through it for garbage, again and again, finds none. app.py
# imports this first.
gc.disable()

CONNECT_SECONDS = 1.0


def done() -> None:
    """Say that all is imported: a request can come."""
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        # Only now: at the top, it would be imported before the collector is off.
        from chalicelib import dynamodb  # noqa: PLC0415

        # In a thread, because DynamoDB may be away: requests shall say so, and say it in time.
        connecting = Thread(target=dynamodb.connect, daemon=True)
        connecting.start()
        connecting.join(CONNECT_SECONDS)
    # What is there by now is never looked through.
    gc.freeze()
    gc.enable()
