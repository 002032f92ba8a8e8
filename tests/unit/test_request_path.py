"""How often a request enters another module: what somebody who follows its way has to open."""

import sys
from collections.abc import Callable
from itertools import groupby
from types import FrameType
from typing import Any
from uuid import uuid4

from tests.client import Client, Response
from tests.conftest import PROJECT

ROOTS = (f"{PROJECT}/app.py", f"{PROJECT}/chalicelib/")


def module_visits(send: Callable[[], Response]) -> int:
    """Send a request in this process, and count the unbroken runs of calls in one module."""
    modules: list[str] = []

    def note_call(frame: FrameType, event: str, argument: Any) -> None:
        del argument
        if event == "call" and frame.f_code.co_filename.startswith(ROOTS):
            modules.append(frame.f_code.co_filename)

    sys.setprofile(note_call)
    try:
        response = send()
    finally:
        sys.setprofile(None)
    assert response.status < 400
    return len(list(groupby(modules)))


def test_module_visits(in_process: Client) -> None:
    """The second request is counted: the first one imports, and verifies the token."""
    # Other tests leave products, too: each in the list is one more to decode.
    for other in list(in_process.walk("/products", {"minPrice": 999_999_999})):
        in_process.delete(f"/products/{other['id']}")
    product = in_process.create("/products", {"name": "Teapot", "price": 999_999_999})
    review = {"productId": product["id"], "review": "Pours."}

    def read() -> Response:
        return in_process.get("/products", {"minPrice": 999_999_999})

    def write() -> Response:
        return in_process.post("/reviews", review, **{"Idempotency-Key": str(uuid4())})

    read(), write()

    assert module_visits(read) < 45
    assert module_visits(write) <= 65
