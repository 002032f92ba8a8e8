"""docs/postman_collection.json, generated from the OpenAPI document.

Each resource is a folder that can be run from top to bottom: an item is created, read, changed
under its etag and deleted, and each response is tested. Variables carry the key and the etag from
one request to the next. The variable `token` is the access token of a caller who is staff.
https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from chalicelib.http.problems import TITLES
from chalicelib.models import RESOURCES
from infra.docs import openapi
from infra.stages import PROJECT

Json = dict[str, Any]

FILE = PROJECT / "docs" / "postman_collection.json"
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
# The order of an item's life; actions, which are POST on a path with a key, follow the reads.
METHODS = ("post", "get", "patch", "put", "delete")
# Postman's variable for a new value in each request, so that a second run finds nothing taken.
UNIQUE = "{{$guid}}"


def write() -> None:
    """Write the file."""
    FILE.write_text(text())


def text() -> str:
    """The content of the file."""
    return json.dumps(collection(json.loads(openapi.text())), indent=2, ensure_ascii=False) + "\n"


def collection(document: Json) -> Json:
    """The Postman collection of an OpenAPI document."""
    folders = [
        {"name": tag["name"], "item": list(_folder(document, tag["name"]))}
        for tag in document["tags"]
    ]
    others = [
        _request(path, method, operation, {})
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "tags" not in operation and "{" not in path
    ]
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "schema": SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}"}]},
        "variable": [
            {"key": "baseUrl", "value": "http://127.0.0.1:8000"},
            {"key": "token", "value": ""},
        ],
        "item": [{"name": "about", "item": others}, *folders],
    }


def _folder(document: Json, tag: str) -> Iterator[Json]:
    """The requests of a resource, in an order in which each finds the item that it needs."""
    schemas = document["components"]["schemas"]
    calls = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag in operation.get("tags", [])
    ]
    creates = [call for call in calls if call[1] == "post" and "{" not in call[0]]
    actions = [call for call in calls if call[1] == "post" and "{" in call[0]]
    by_method = {method: [call for call in calls if call[1] == method] for method in METHODS[1:]}
    deleted = False
    for path, method, operation in [
        *creates,
        *by_method["get"],
        *actions,
        *by_method["patch"],
        *by_method["put"],
        *by_method["delete"],
    ]:
        if method == "delete" and deleted:
            yield _request(*creates[0], schemas)
        deleted = method == "delete"
        yield _request(path, method, operation, schemas)


def _request(path: str, method: str, operation: Json, schemas: Json) -> Json:
    (tag,) = operation.get("tags", [""])
    key, etag = f"{{{{{tag}.key}}}}", f"{{{{{tag}.etag}}}}"
    # The key in a path is of the item whose collection the segment before it names.
    place = re.sub(r"(\w+)/\{key\}", r"\1/{{\1.key}}", path)
    required = [each for each in operation.get("parameters", []) if each.get("required")]
    query = [{"key": each["name"], "value": key} for each in required if each["in"] == "query"]
    of_item = "{key}" in path or bool(query)
    writes = method in {"patch", "put", "delete"}
    # For anyone: without the collection's token.
    anonymous = {"auth": {"type": "noauth"}} if {} in operation["security"] else {}
    request: Json = {
        **anonymous,
        "method": method.upper(),
        "header": [{"key": "If-Match", "value": etag}] if writes else [],
        "url": {
            "raw": f"{{{{baseUrl}}}}{place}",
            "host": ["{{baseUrl}}"],
            "path": place.strip("/").split("/"),
            "query": query,
        },
        "description": operation.get("description", operation["summary"]),
    }
    if method == "post":
        request["header"].append({"key": "Idempotency-Key", "value": UNIQUE})
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        schema = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        body = _example(schemas[schema], key if not of_item and writes else None)
        request["header"].append({"key": "Content-Type", "value": "application/json"})
        request["body"] = {"mode": "raw", "raw": json.dumps(body, indent=2, ensure_ascii=False)}
    return {
        "name": operation["summary"],
        "request": request,
        "event": [
            {
                "listen": "test",
                "script": {
                    "type": "text/javascript",
                    "exec": list(_tests(operation, tag, changes=method != "get")),
                },
            }
        ],
    }


def _example(schema: Json, key: str | None) -> Json:
    """The schema's example, with new values of unique fields in each run."""
    (example,) = schema.get("examples", [{}])
    unique = {name for resource in RESOURCES for name in resource.unique}
    new_values = {
        name: f"{UNIQUE}@shop.example" if "@" in value else UNIQUE
        for name, value in example.items()
        if name in unique
    }
    # The key comes first, if the request needs one.
    return {**example, **new_values, **({schema["required"][0]: key} if key else {})}


def _tests(operation: Json, tag: str, *, changes: bool) -> Iterator[str]:
    """Lines of JavaScript that test the response, and keep the item's key and etag."""
    status, success = next(
        (int(status), each) for status, each in operation["responses"].items() if status[0] == "2"
    )
    title = TITLES[status]
    yield f'pm.test("{status} {title}", () => pm.response.to.have.status({status}));'
    yield 'pm.test("has a request id", () => pm.response.to.have.header("X-Request-Id"));'
    if changes and "ETag" in success["headers"]:
        yield "const item = pm.response.json();"
        yield (
            'pm.test("ETag is the item\'s etag", () => '
            'pm.response.to.have.header("ETag", item.etag));'
        )
        yield f'pm.collectionVariables.set("{tag}.key", item.id ?? item.userId);'
        yield f'pm.collectionVariables.set("{tag}.etag", item.etag);'
