"""What a schema cannot say of a valid request, said to Schemathesis.

It makes values up one by one; some of them belong together.
"""

from typing import Any

import requests
import schemathesis

KEYS = ("id", "userId")
BOUNDS = {"minPrice", "maxPrice"}
# A product of the sample data, which the requests themselves may have deleted.
PRODUCT = {"id": "teapot", "name": "Teapot", "price": 34.5}


@schemathesis.hook
def before_call(ctx: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Make a valid request consistent with itself; leave those alone that are to be refused."""
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return
    query = case.query or {}
    # A cursor is taken from a page: none is made up.
    query.pop("cursor", None)
    if "userId" in query and case.method == "GET":
        # It asks for one user, so nothing else says which users are meant.
        case.query = {"userId": query["userId"]}
    if query.keys() & BOUNDS:
        # Bounds on a price come in the order of the price.
        query.pop("sort", None)
    if isinstance(case.body, dict):
        key = (case.path_parameters or {}).get("key")
        # A body may name the item, and then the one that is addressed; a review's product exists.
        own = dict.fromkeys(KEYS, key) if key is not None else {}
        own["productId"] = PRODUCT["id"]
        case.body = {
            name: own.get(name, value) if value is not None else None
            for name, value in case.body.items()
        }
        if "productId" in case.body:
            root = case.operation.base_url.rstrip("/")
            requests.post(f"{root}/products", json=PRODUCT, timeout=10)
