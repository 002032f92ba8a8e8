"""`make postman`: docs/postman_collection.json, read off the OpenAPI document.

Each resource is a folder that can be run from top to bottom: an item is created, read, changed
under its etag and deleted, and each answer is tested. Variables carry key and etag from one to the
next. https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html
"""

import json
import os
import sys
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from chalicelib.models import RESOURCES
from infra import command, openapi, stages
from infra.stages import PROJECT

Json = dict[str, Any]

FILE = PROJECT / "docs" / "postman_collection.json"
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
# In which an item lives through its calls.
METHODS = ("post", "get", "patch", "put", "delete")
# The same for every run of a folder, or a second one would find its values taken.
UNIQUE = "{{$guid}}"


def main() -> None:
    """Write the file."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    stages.load("local").enter()
    FILE.write_text(text())


def text() -> str:
    """The collection of the API as it is described."""
    document = json.loads(openapi.text())
    folders = [
        {"name": tag["name"], "item": list(_lifecycle(document, tag["name"]))}
        for tag in document["tags"]
    ]
    about = [
        _request(path, method, operation, {})
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "tags" not in operation
    ]
    collection = {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "schema": SCHEMA,
        },
        "variable": [{"key": "baseUrl", "value": "http://127.0.0.1:8000"}],
        "item": [{"name": "about", "item": about}, *folders],
    }
    return json.dumps(collection, indent=2, ensure_ascii=False) + "\n"


def _lifecycle(document: Json, resource: str) -> Iterator[Json]:
    """The calls of a resource, in an order in which each finds the item that it needs."""
    schemas = document["components"]["schemas"]
    calls = [
        (path, method, document["paths"][path][method])
        for method in METHODS
        for path in (f"/{resource}", f"/{resource}/{{key}}")
        if method in document["paths"].get(path, {})
    ]
    create = calls[0]
    deleted = False
    for path, method, operation in calls:
        if method == "delete" and deleted:
            yield _request(*create, schemas)
        deleted = method == "delete"
        yield _request(path, method, operation, schemas)


def _request(path: str, method: str, operation: Json, schemas: Json) -> Json:
    resource = path.split("/")[1]
    key, etag = f"{{{{{resource}.key}}}}", f"{{{{{resource}.etag}}}}"
    addressed = [each for each in operation.get("parameters", []) if each.get("required")]
    query = [{"key": each["name"], "value": key} for each in addressed if each["in"] == "query"]
    of_item = "{key}" in path or bool(query)
    writes = method in {"patch", "put", "delete"}
    request: Json = {
        "method": method.upper(),
        "header": [{"key": "If-Match", "value": etag}] if writes else [],
        "url": {
            "raw": f"{{{{baseUrl}}}}{path.replace('{key}', key)}",
            "host": ["{{baseUrl}}"],
            "path": path.replace("{key}", key).strip("/").split("/"),
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
    tests = list(_tests(operation, resource, keeps=method in {"post", "patch", "put"}))
    return {
        "name": operation["summary"],
        "request": request,
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": tests}}],
    }


def _example(schema: Json, key: str | None) -> Json:
    """The schema's example, whose unique values are new in each run."""
    (example,) = schema["examples"]
    unique = {name for resource in RESOURCES for name in resource.unique}
    made_up = {
        name: f"{UNIQUE}@shop.example" if "@" in value else UNIQUE
        for name, value in example.items()
        if name in unique
    }
    # The key comes first, where it is asked for.
    return {**example, **made_up, **({schema["required"][0]: key} if key else {})}


def _tests(operation: Json, resource: str, *, keeps: bool) -> Iterator[str]:
    """Lines of JavaScript that test the answer, and keep the key and the etag in it."""
    status = next(int(each) for each in operation["responses"] if each.startswith("2"))
    phrase = HTTPStatus(status).phrase
    yield f'pm.test("{status} {phrase}", () => pm.response.to.have.status({status}));'
    yield 'pm.test("it has an id", () => pm.response.to.have.header("X-Request-Id"));'
    if keeps:
        yield "const item = pm.response.json();"
        yield 'pm.test("ETag is the etag", () => pm.response.to.have.header("ETag", item.etag));'
        yield f'pm.collectionVariables.set("{resource}.key", item.id ?? item.userId);'
        yield f'pm.collectionVariables.set("{resource}.etag", item.etag);'


if __name__ == "__main__":
    sys.exit(command.run(main))
