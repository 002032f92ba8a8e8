"""Imported by Python at its start, through PYTHONPATH: AWS's hosts are the emulator.

The commands of the project run as they are, in processes of their own. AWS_ENDPOINT_URL leads
boto3 to the emulator; here the deployed API's own URL leads there too, and nobody waits for what
takes AWS a while and the emulator no time.
"""

import os
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, Request, build_opener, install_opener

from botocore.waiter import SingleWaiterConfig

WAIT_SECONDS = 0.05

initialise = SingleWaiterConfig.__init__


def impatient(self: Any, config: Any) -> None:
    """A waiter's configuration, with a short delay."""
    initialise(self, config)
    self.delay = WAIT_SECONDS


class Emulated(HTTPSHandler):
    """Opens https:// URLs on the emulator, with the host in the request."""

    def https_open(self, request: Request) -> Any:
        emulator = urlsplit(os.environ["AWS_ENDPOINT_URL"])

        def connection(_: str, **options: Any) -> HTTPConnection:
            return HTTPConnection(emulator.netloc, timeout=options["timeout"])

        return self.do_open(connection, request)


setattr(SingleWaiterConfig, "__init__", impatient)  # noqa: B010, mypy refuses the assignment
install_opener(build_opener(Emulated))
