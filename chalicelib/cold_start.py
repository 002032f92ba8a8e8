"""The Init phase: what Lambda does once for each environment, before the first request.

It has more CPU than requests have, so the connection to DynamoDB is opened here.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import gc
import os
import sys
from threading import Thread

# Imported modules are never garbage, so collecting during the imports only costs time. app.py
# imports this module first.
gc.disable()

CONNECT_SECONDS = 1.0


def finish() -> None:
    """End the Init phase. Called when everything is imported.

    Raises SettingError on Lambda, and SystemExit in Chalice's commands, if there is no issuer of
    access tokens that can be used.
    """
    if "AWS_LAMBDA_RUNTIME_API" in os.environ or "AWS_CHALICE_CLI_MODE" in os.environ:
        _check_settings()
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        _connect()
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        # Imported here, because it costs time that other environments need not spend.
        from chalicelib import snap_start  # noqa: PLC0415
        from chalicelib.storage import dynamodb  # noqa: PLC0415

        snap_start.register(dynamodb.client.close, _connect)
    # The collector never visits what exists by now.
    gc.freeze()
    gc.enable()


def _connect() -> None:
    """Open the connection to DynamoDB.

    In a thread with a time limit: if DynamoDB cannot be reached, a request must report that before
    its own timeout.
    """
    # Imported here, because at the top it would be imported before the collector is off.
    from chalicelib.storage import dynamodb  # noqa: PLC0415

    connecting = Thread(target=dynamodb.connect, daemon=True)
    connecting.start()
    connecting.join(CONNECT_SECONDS)


def _check_settings() -> None:
    from chalicelib import settings  # noqa: PLC0415, as above
    from chalicelib.errors import SettingError  # noqa: PLC0415, as above

    try:
        settings.check_oidc()
    except SettingError as error:
        if "AWS_CHALICE_CLI_MODE" in os.environ:
            # Chalice would print a stack trace; chalice local would not print a SystemExit.
            print(error, file=sys.stderr)
            raise SystemExit(1) from None
        raise
