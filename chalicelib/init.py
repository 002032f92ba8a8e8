"""The Init phase: what Lambda does once for an environment, before the first request.

It has more CPU than requests have, so what every request would find undone is done here.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import gc
import os
from contextlib import suppress
from threading import Thread

# What is imported stays: to look through it for garbage, again and again, finds none. app.py
# imports this first.
gc.disable()

CONNECT_SECONDS = 1.0


def done() -> None:
    """Say that all is imported: a request can come."""
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        # In a thread, because DynamoDB may be away: requests shall say so, and say it in time.
        connecting = Thread(target=_connect, daemon=True)
        connecting.start()
        connecting.join(CONNECT_SECONDS)
    # What is there by now is never looked through.
    gc.freeze()
    gc.enable()


def _connect() -> None:
    """Have a connection, and all that botocore makes at the first call, by asking for nothing."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415, gc is off first

    from chalicelib import claims, dynamodb  # noqa: PLC0415
    from chalicelib.errors import Unavailable  # noqa: PLC0415

    with suppress(BotoCoreError, ClientError, Unavailable):
        dynamodb.get(TableName=claims.TABLE, Key={"id": {"S": "init"}})
