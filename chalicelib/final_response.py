"""Responses of http.client without the informational ones that may come before them.

A server may send any number of them (RFC 9110 section 15.2), such as 103 Early Hints. http.client
skips 100 alone, and takes another one for the response (HTTPResponse.begin):
https://github.com/python/cpython/blob/3.13/Lib/http/client.py
"""

from http import HTTPStatus
from http.client import HTTPResponse


class FinalResponse(HTTPResponse):
    """The `response_class` of a connection: a response whose status is 200 or more, or 101."""

    def begin(self) -> None:
        """Read the heads of responses up to the final one. Raises HTTPException or OSError."""
        super().begin()
        while self.status < HTTPStatus.OK and self.status != HTTPStatus.SWITCHING_PROTOCOLS:
            # Without it, the next head would not be read.
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()
