"""The OpenAPI 3.1 document of the API, read off its routes and its models.

Imported when somebody asks for the document: no other request pays for it.
https://spec.openapis.org/oas/v3.1.1.html
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from msgspec import Struct
from msgspec.json import schema_components

from chalicelib import errors, http
from chalicelib.models import RESOURCES
from chalicelib.schema import READ_ONLY, Key, Number, Resource

Document = dict[str, Any]
Schema = dict[str, Any]

# RFC 9110 section 13.1.1: any, or a list of etags.
ETAGS = rf'^(?:\*|(?=[^"]*"){http.ETAGS})$'
# RFC 9110 section 5.5: what surrounds a header's value is no part of it.
IDEMPOTENCY_KEY = r"^[!-~](?:[ -~]{0,253}[!-~])?$"
ETAG = r'^"[!#-~]+"$'
EXAMPLE_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
EXAMPLE_ETAG = '"5f0c6b1e2a9d4c7b8e3f1a20"'
EXAMPLE_TIME = "2026-11-20T09:30:00.000Z"

COMMON = tuple(http.common_headers("", HTTPStatus.OK))
# Some pages are the last one, and most creates are no replay.
SOMETIMES = {"Link", "Idempotency-Replayed"}

# What a request can come to beside what each kind of operation adds. API Gateway throttles, and
# answers in the function's place where that does not.
ALWAYS = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.GATEWAY_TIMEOUT,
    http.STATUSES[errors.Unavailable],
)
RETRIED = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.GATEWAY_TIMEOUT,
    http.STATUSES[errors.Unavailable],
}
BODY = (errors.Invalid, http.TooLarge, http.NotJson)


class Route(Struct, frozen=True):
    """What app.py says of an operation: the name of its function, and its docstring."""

    name: str
    doc: str


def document(
    routes: Mapping[str, Mapping[str, Route]], *, name: str, version: str, base: str
) -> Document:
    """The document of the API whose root is at the path `base`, empty or like `/dev`."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": name,
            "version": version,
            "summary": "A shop's users, products, todos and reviews.",
            "description": (
                "Every item has an `etag`, which changes with each write; send it in `If-Match` to "
                "change only what you have read. Lists are newest first, and `next` is the "
                "`cursor` of the page after. Errors are problem details (RFC 9457)."
            ),
        },
        "servers": [{"url": base or "/"}],
        "tags": [
            {"name": resource.path, "description": resource.fields.__doc__}
            for resource in RESOURCES
        ],
        "paths": {
            path: {
                method.lower(): _operation(path, method, route, routes)
                for method, route in methods.items()
            }
            for path, methods in routes.items()
        },
        "components": {
            "schemas": _schemas(),
            "parameters": _parameters(),
            "headers": _headers(),
            "responses": {
                _response_name(status): _problem(status) for status in _problem_statuses()
            },
        },
    }


def _operation(
    path: str, method: str, route: Route, routes: Mapping[str, Mapping[str, Route]]
) -> Document:
    summary, _, rest = route.doc.strip().partition("\n")
    operation: Document = {
        "operationId": _camel(route.name),
        "summary": summary.rstrip("."),
        **({"description": rest.strip()} if rest.strip() else {}),
    }
    known = {resource.path: resource for resource in RESOURCES}
    resource = known.get(path.split("/")[1])
    if resource is None:
        return operation | _plain(path)
    operation["tags"] = [resource.path]
    of_item = "{key}" in path
    # Users are addressed by query and body as well.
    addressed = "PUT" in routes[f"/{resource.path}"]
    described = (
        _of_item(resource, method) if of_item else _of_list(resource, method, addressed=addressed)
    )
    if of_item:
        described["parameters"] = [_ref("parameters", "key"), *described["parameters"]]
    if method == "POST":
        described["responses"]["201"]["links"] = {
            each.name: _link(each, key=f"$response.body#/{resource.key}")
            for each in routes[f"/{resource.path}/{{key}}"].values()
        }
    return operation | described


def _link(route: Route, **parameters: str) -> Document:
    """What an answer leads to, with what of it (OpenAPI 3.1 section 4.8.20)."""
    return {"operationId": _camel(route.name), "parameters": parameters}


def _plain(path: str) -> Document:
    """An operation that is about no resource."""
    media_type, schema = {
        "/": (http.JSON, _ref("schemas", "Root")),
        "/health": (http.JSON, _ref("schemas", "Health")),
        "/docs": ("text/html", {"type": "string"}),
    }.get(path, (http.JSON, {"type": "object"}))
    responses = _responses(HTTPStatus.OK, {media_type: {"schema": schema}}, ())
    if path == "/":
        responses["302"] = {
            "description": "To the docs page, for a browser: one whose Accept names text/html.",
            "headers": _header_refs("Location"),
        }
    return {"responses": dict(sorted(responses.items()))}


def _of_list(resource: Resource, method: str, *, addressed: bool) -> Document:
    """An operation on /resource."""
    match method:
        case "POST":
            return {
                "parameters": [_ref("parameters", "Idempotency-Key")],
                "requestBody": _body(f"New{_noun(resource)}"),
                "responses": _responses(
                    HTTPStatus.CREATED,
                    _content(_noun(resource)),
                    (*BODY, errors.Taken, errors.Reused),
                    "ETag",
                    "Location",
                    "Idempotency-Replayed",
                ),
            }
        case "GET":
            return _list(resource, addressed=addressed)
        case "PUT":
            return _of_item(resource, method) | {"requestBody": _body(f"{_noun(resource)}WithKey")}
    described = _of_item(resource, method)
    key = {**_query(resource.key, _key(resource)), "required": True}
    return described | {"parameters": [key, *described["parameters"]]}


def _list(resource: Resource, *, addressed: bool) -> Document:
    """GET /resource: a page, or the one item whose key is given."""
    _, components = schema_components([resource.list_parameters], schema_hook=_number)
    ((_, schema),) = components.items()
    parameters = [_query(name, each) for name, each in schema["properties"].items()]
    page = _noun(resource) + "Page"
    if not addressed:
        return {
            "parameters": parameters,
            "responses": _responses(HTTPStatus.OK, _content(page), (errors.Invalid,), "Link"),
        }
    either = {"oneOf": [_ref("schemas", page), _ref("schemas", _noun(resource))]}
    key = _query(resource.key, _key(resource))
    key["description"] = f"The key of one {resource.noun}, which is answered instead of a list."
    responses = _responses(
        HTTPStatus.OK,
        {http.JSON: {"schema": either}},
        (errors.Invalid, errors.NotFound, errors.Stale),
        "Link",
        unmodified=True,
    )
    responses["200"]["headers"]["ETag"] = {
        "description": "Of one item: its etag, as in its body.",
        "schema": {"type": "string"},
    }
    return {
        "parameters": [
            key,
            *parameters,
            _ref("parameters", "If-Match"),
            _ref("parameters", "If-None-Match"),
        ],
        "responses": responses,
    }


def _of_item(resource: Resource, method: str) -> Document:
    """An operation on /resource/key, but for the key."""
    noun = _noun(resource)
    described: Document = {
        "parameters": [_ref("parameters", "If-Match"), _ref("parameters", "If-None-Match")]
    }
    failures = (errors.Invalid, errors.NotFound, errors.Stale)
    taken = (errors.Taken,) if resource.unique else ()
    match method:
        case "GET":
            described["responses"] = _responses(
                HTTPStatus.OK, _content(noun), failures, "ETag", unmodified=True
            )
        case "PUT" | "PATCH":
            described["requestBody"] = (
                _body(f"New{noun}")
                if method == "PUT"
                else _body(f"{noun}Changes", http.MERGE_PATCH)
            )
            described["responses"] = _responses(
                HTTPStatus.OK, _content(noun), (*BODY, *failures, *taken), "ETag"
            )
        case _:
            described["responses"] = _responses(HTTPStatus.NO_CONTENT, {}, failures)
    return described


def _schemas() -> dict[str, Schema]:
    schemas: dict[str, Schema] = {
        "Root": _object(
            {
                "name": {"type": "string"},
                "version": {"type": "string"},
                "stage": {"type": "string"},
                "links": {"type": "object", "additionalProperties": {"type": "string"}},
            }
        ),
        "Health": _object({"status": {"const": "ok"}}),
        "Problem": _object(
            {
                "type": {"const": "about:blank"},
                "title": {"type": "string", "examples": ["Bad Request"]},
                "status": {"type": "integer", "minimum": 400, "maximum": 599, "examples": [400]},
                "detail": {
                    "type": "string",
                    "description": "A sentence that a person can act on.",
                    "examples": ["name is required"],
                },
                "requestId": {"type": "string", "examples": [EXAMPLE_ID]},
                "errors": {
                    "type": "array",
                    "description": "Each field, parameter or header that is wrong.",
                    "items": _object(
                        {
                            "field": {"type": "string", "examples": ["name"]},
                            "message": {"type": "string", "examples": ["is required"]},
                        }
                    ),
                },
            },
            optional=("errors",),
        ),
    }
    for resource in RESOURCES:
        schemas |= _schemas_of(resource)
    return schemas


def _schemas_of(resource: Resource) -> dict[str, Schema]:
    """What is sent and answered of a resource's items."""
    noun = _noun(resource)
    _, components = schema_components([resource.fields, resource.changes], schema_hook=_number)
    fields, changes = components[noun], components[f"{noun}Changes"]
    server = {
        "createdAt": {"type": "string", "format": "date-time", "examples": [EXAMPLE_TIME]},
        "updatedAt": {"type": "string", "format": "date-time", "examples": [EXAMPLE_TIME]},
        "etag": {"type": "string", "pattern": ETAG, "examples": [EXAMPLE_ETAG]},
    }
    answered = {resource.key: _key(resource), **fields["properties"], **server}
    # A body may send back what a read has answered.
    ignored = {name: {"description": "Ignored: only the server writes it."} for name in READ_ONLY}
    key = _key(resource) | {"description": "Drawn if it is left out of a create."}
    new = {resource.key: key, **fields["properties"], **ignored}
    mine = _key(resource) | {"description": "If it is there, it is the one that is addressed."}
    item = _object(answered, optional=resource.removable)
    return {
        noun: item | {"description": fields["description"], "examples": [_example(answered)]},
        f"New{noun}": {
            "type": "object",
            "properties": new,
            "required": fields["required"],
            "additionalProperties": False,
            "examples": [_example(fields["properties"])],
        },
        f"{noun}WithKey": {
            "type": "object",
            "properties": new | {resource.key: _key(resource)},
            "required": [resource.key, *fields["required"]],
            "additionalProperties": False,
            "examples": [_example({resource.key: _key(resource), **fields["properties"]})],
        },
        f"{noun}Changes": {
            "type": "object",
            "description": "Fields to change; null takes one away, or back to its default.",
            "properties": {resource.key: mine, **changes["properties"], **ignored},
            "additionalProperties": False,
            "examples": [
                _example({name: fields["properties"][name] for name in fields["required"]})
            ],
        },
        f"{noun}Page": _object(
            {
                "items": {"type": "array", "items": _ref("schemas", noun), "maxItems": 100},
                "next": {
                    "type": ["string", "null"],
                    "description": "The cursor of the page after this one; null on the last.",
                },
            }
        ),
    }


def _object(properties: dict[str, Schema], optional: Any = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _number(kind: type) -> Schema:
    """The schema of a decimal number with bounds."""
    if not issubclass(kind, Number):
        raise NotImplementedError(kind)
    return {
        "type": "number",
        "minimum": _plain_number(kind.least),
        "maximum": _plain_number(kind.most),
        "multipleOf": 10**-kind.places,
        "examples": [_plain_number(kind.example)],
    }


def _plain_number(value: Any) -> int | float:
    return int(value) if value == int(value) else float(value)


def _key(resource: Resource) -> Schema:
    (schema,), _ = schema_components([Key])
    return {**schema, "examples": [f"{resource.noun}-1"]}


def _example(properties: dict[str, Schema]) -> Document:
    """A value of an object, from its members' examples."""
    return {
        name: schema["examples"][0] if "examples" in schema else schema["default"]
        for name, schema in properties.items()
        if "examples" in schema or "default" in schema
    }


def _parameters() -> Document:
    return {
        "key": {
            "name": "key",
            "in": "path",
            "required": True,
            "schema": {
                name: value for name, value in _key(RESOURCES[0]).items() if name != "examples"
            },
        },
        "If-Match": _header_parameter(
            "If-Match",
            "Etags, or `*`: go on only if the item has one of them (RFC 9110 section 13.1.1).",
            {"type": "string", "pattern": ETAGS},
        ),
        "If-None-Match": _header_parameter(
            "If-None-Match",
            "Etags, or `*`: go on only if the item has none of them (RFC 9110 section 13.1.2).",
            {"type": "string", "pattern": ETAGS},
        ),
        "Idempotency-Key": _header_parameter(
            "Idempotency-Key",
            "A new one for each create, and the same one to send it again: for 24 hours it is done "
            "once, and gets the first answer.",
            {"type": "string", "pattern": IDEMPOTENCY_KEY, "maxLength": 255},
        ),
    }


def _header_parameter(name: str, description: str, schema: Schema) -> Document:
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _query(name: str, schema: Schema) -> Document:
    return {"name": name, "in": "query", "schema": schema}


def _headers() -> Document:
    described = {
        "ETag": "The item's etag, as in its body.",
        "Location": "The path of what was made, or of what to read instead.",
        "Link": 'The page after this one, if there is one: `<path>; rel="next"` (RFC 8288).',
        "Retry-After": "After how many seconds to try again.",
        "Idempotency-Replayed": "`true`, if the answer is that of an earlier request.",
        **dict.fromkeys(COMMON, "On every response."),
        "X-Request-Id": "The request's id, under which it is logged. On every response.",
    }
    return {
        name: {
            "description": text,
            "required": name not in SOMETIMES,
            "schema": {"type": "string"},
        }
        for name, text in described.items()
    }


def _responses(
    status: HTTPStatus,
    content: Document,
    failures: tuple[type[Exception], ...],
    *headers: str,
    unmodified: bool = False,
) -> Document:
    """What an operation answers: one success, perhaps 304, and its failures."""
    success: Document = {"description": status.phrase, "headers": _header_refs(*headers)}
    if content:
        success["content"] = content
    responses = {str(int(status)): success}
    if unmodified:
        not_modified = HTTPStatus.NOT_MODIFIED
        responses[str(int(not_modified))] = {
            "description": not_modified.phrase,
            "headers": _header_refs("ETag"),
        }
    refused = {*ALWAYS, *(http.STATUSES[failure] for failure in failures)}
    for each in sorted(refused):
        responses[str(int(each))] = _ref("responses", _response_name(each))
    return responses


def _problem_statuses() -> list[HTTPStatus]:
    return sorted({*ALWAYS, *http.STATUSES.values()})


def _problem(status: HTTPStatus) -> Document:
    """The response to a request that has failed."""
    retry = ("Retry-After",) if status in RETRIED else ()
    return {
        "description": status.phrase,
        "headers": _header_refs(*retry),
        "content": {http.PROBLEM: {"schema": _ref("schemas", "Problem")}},
    }


def _response_name(status: HTTPStatus) -> str:
    return status.phrase.replace(" ", "")


def _header_refs(*names: str) -> Document:
    return {name: _ref("headers", name) for name in (*names, *COMMON)}


def _content(schema: str) -> Document:
    return {http.JSON: {"schema": _ref("schemas", schema)}}


def _body(schema: str, *also: str) -> Document:
    """A body that has to be there, in JSON and in what else counts as that."""
    media_types = (http.JSON, *also)
    return {
        "required": True,
        "content": {name: {"schema": _ref("schemas", schema)} for name in media_types},
    }


def _ref(kind: str, name: str) -> Document:
    return {"$ref": f"#/components/{kind}/{name}"}


def _noun(resource: Resource) -> str:
    return resource.fields.__name__


def _camel(name: str) -> str:
    """A name in Python as one in most clients' languages: create_user is createUser."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)
