"""Answers that a network, a gateway or a database in trouble gives, in place of the API's own."""

from typing import Any

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After, X-Request-Id",
}
SENTENCE = "The shop's database cannot be reached."


class ErrorResponse:
    """A handler of requests: the first `times` are answered with `status`, or with nothing (0).

    With `lost`, the request reaches the API, and its answer gets lost.
    """

    def __init__(
        self, status: int = 0, *, times: int = 1, lost: bool = False, **headers: str
    ) -> None:
        self.status = status
        self.left = times
        self.lost = lost
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        # The requests that came, with those that were answered by the API.
        self.requests: list[Any] = []

    def __call__(self, route: Any) -> None:
        """Handle a request."""
        self.requests.append(route.request)
        if self.left == 0:
            route.continue_()
            return
        self.left -= 1
        if self.lost:
            route.fetch()
        if self.status == 0:
            route.abort()
            return
        problem = {
            "title": "Trouble",
            "status": self.status,
            "detail": SENTENCE,
            "requestId": "request-1",
        }
        route.fulfill(status=self.status, json=problem, headers=CORS | self.headers)

    def header(self, name: str) -> list[str]:
        """The values of a header, one for each request."""
        return [request.headers[name] for request in self.requests]
