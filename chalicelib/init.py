"""The Init phase: what Lambda does once for each environment, before the first request.

It has more CPU than requests have, so the connection to DynamoDB is opened here.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import gc
import os
from threading import Thread

# Imported modules are never garbage, so collecting during the imports only costs time. app.py
# imports this module first.
gc.disable()

CONNECT_SECONDS = 1.0


def finish() -> None:
    """End the Init phase. Called when everything is imported.

    Raises SettingError where the API is about to run, or to be deployed by Chalice's own commands,
    and has no issuer of access tokens that can be used.
    """
    if "AWS_LAMBDA_RUNTIME_API" in os.environ or "AWS_CHALICE_CLI_MODE" in os.environ:
        from chalicelib import settings  # noqa: PLC0415, as below

        settings.check_oidc()
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        # Imported here, because at the top it would be imported before the collector is off.
        from chalicelib.storage import dynamodb  # noqa: PLC0415

        # In a thread with a time limit: if DynamoDB cannot be reached, a request must report that
        # before its own timeout.
        connecting = Thread(target=dynamodb.connect, daemon=True)
        connecting.start()
        connecting.join(CONNECT_SECONDS)
    # The collector never visits what exists by now.
    gc.freeze()
    gc.enable()
