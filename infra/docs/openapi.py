"""The OpenAPI 3.1 document of the API, generated from the declared routes and their models.

It is the file chalicelib/openapi.json, which is packed with the code: `make package`, `make deploy`
and `make run` write it again. The API puts its own path and issuer into what it serves.
https://spec.openapis.org/oas/v3.1.1.html
"""

import json
import re
from collections.abc import Sequence
from typing import Any, cast

from msgspec.json import schema_components

import chalicelib
from chalicelib import errors
from chalicelib.access import ANYONE, callers
from chalicelib.errors import DeclarationError
from chalicelib.http.api import OPENAPI_FILE, SIGN_IN, declared_routes
from chalicelib.http.operations import (
    Create,
    CustomOperation,
    Delete,
    List,
    Operation,
    Patch,
    Read,
    Replace,
    Route,
)
from chalicelib.http.problems import (
    INTERNAL_ERROR,
    PROBLEM,
    STATUSES,
    TITLES,
    BodyTooLarge,
    MalformedBody,
    UnsupportedMediaType,
    status_of,
)
from chalicelib.http.requests import JSON, MERGE_PATCH
from chalicelib.http.responses import common_headers
from chalicelib.schema import (
    AUTHOR_PARAMETER,
    EMPTY_OR_VISIBLE,
    KEY,
    OWNER_PARAMETER,
    SERVER_FIELDS,
    VISIBLE,
    Key,
    Number,
    OwnerParameter,
    Resource,
    bound_parameters,
)

Document = dict[str, Any]
Schema = dict[str, Any]
Errors = tuple[type[Exception], ...]

# RFC 9110 section 13.1.1: any, or a list of etags.
ENTITY_TAG = '(W/)?"[!#-~]*"'
ENTITY_TAGS = rf"^(\*|{ENTITY_TAG}( *, *{ENTITY_TAG})*)$"
# RFC 9110 section 5.5: white space around a header's value is not part of it.
IDEMPOTENCY_KEY = r"^[!-~]([ -~]{0,253}[!-~])?$"
EXAMPLE_REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"

# Patterns of the document in place of the API's own, which have parts that languages do not share.
# https://json-schema.org/draft/2020-12/json-schema-core#section-6.4
PATTERNS = {KEY: "^[A-Za-z0-9_.-]{1,64}$"}
SENTENCES = {
    VISIBLE: "Must have a visible character.",
    EMPTY_OR_VISIBLE: "Must be empty, or have a visible character.",
}
OTHER_PATTERN = "The API checks its form further."
# Groups that are not plain, classes and escapes beyond characters.
NOT_SHARED = re.compile(r"\(\?|\\[^.*+?^$()[\]{}|/\\-]")

LICENSE = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}
PARAMETERS = {
    "limit": "The most items of a page.",
    "cursor": "The `next` of the page before.",
    "sort": "The field that the list is sorted by; with `-`, the largest or latest first.",
}

# The paths of documents with an etag.
DOCUMENTS = ("/openapi.json", "/docs")

COMMON_HEADERS = tuple(common_headers("", 200, None))
# The last page has no Link, and most responses are not replays.
OPTIONAL_HEADERS = {"Link", "Idempotency-Replayed"}

# The name of the security scheme of a token that a client has; SIGN_IN is the other one.
TOKEN = "accessToken"
SCHEMES = {
    TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of the API's issuer (RFC 6750).",
    },
    SIGN_IN: {
        "type": "openIdConnect",
        # A running API serves its own issuer's.
        "openIdConnectUrl": "https://issuer.example/.well-known/openid-configuration",
        "description": "Sign in with the API's issuer.",
    },
}

# Statuses of every operation: an access token is checked wherever it is sent; API Gateway
# throttles, and responds if the function does not.
ALWAYS = (401, 429, 500, 502, 503, 504)
RETRIED = {429, 503, 504}
BODY_ERRORS: Errors = (errors.Invalid, MalformedBody, BodyTooLarge, UnsupportedMediaType)
ITEM_ERRORS: Errors = (errors.Invalid, errors.NotFound, errors.PreconditionFailed)

EXAMPLE_DETAILS = {
    400: "name is required",
    401: str(errors.Unauthenticated()),
    403: "Only staff may do this.",
    404: "Product 'teapot' not found",
    409: "Another product has the id 'teapot'",
    412: "Product 'teapot' does not meet the precondition: If-Match does not list the etag that it "
    "has. Read it again, and send that etag.",
    413: "The body has 70000 bytes; it must have at most 65536.",
    415: "The body must be application/json, not text/plain.",
    422: str(errors.IdempotencyKeyReused("8e03978e")),
    429: "There are too many requests. Try again later.",
    500: INTERNAL_ERROR,
    502: INTERNAL_ERROR,
    503: str(errors.Unavailable()),
    504: "The response took too long. Try again.",
}


def write() -> None:
    """Write the file of the app, if it is not up to date. Raises DeclarationError."""
    content = text()
    if not OPENAPI_FILE.exists() or OPENAPI_FILE.read_text() != content:
        OPENAPI_FILE.write_text(content)


def text() -> str:
    """The content of the file of the app. Raises DeclarationError."""
    from app import app

    described = document(declared_routes(app), app.app_name)
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def document(routes: Sequence[Route], name: str) -> Document:
    """The document of the API with this name, at the root of a host.

    Raises DeclarationError for an CustomOperation's Struct that cannot be described.
    """
    # Each GET has a HEAD (RFC 9110 section 9.3.2), which would repeat all of it.
    routes = [route for route in routes if route.method != "HEAD"]
    by_name = {r.operation.resource.name: r.operation.resource for r in routes if r.operation}
    resources = list(by_name.values())
    paths: dict[str, Document] = {}
    for route in routes:
        operation = _operation(route, routes)
        operation["security"] = _security(route.operation)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    described = {
        "openapi": "3.1.1",
        "info": {
            "title": name,
            "version": chalicelib.__version__,
            "license": LICENSE,
            "summary": "A shop's users, products, todos and reviews.",
            "description": (
                "Every item has an `etag`, which changes with each write; send it in `If-Match` to "
                "change only what you have read. Lists are newest first, and `next` is the "
                "`cursor` of the next page. Every path of a GET responds to HEAD, too. Errors are "
                "problem details (RFC 9457). Callers are identified by an access token of the "
                "API's OpenID Connect issuer."
            ),
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": resource.name, "description": resource.fields.__doc__}
            for resource in resources
        ],
        "paths": paths,
        "components": {
            "securitySchemes": SCHEMES,
            "schemas": _schemas(resources, routes),
            "parameters": _parameters(),
            "headers": _headers(),
            "responses": {
                _response_name(status): _problem_response(status)
                for status in sorted({*ALWAYS, *STATUSES.values()})
            },
        },
    }
    _drop_unused(described)
    return cast("Document", _shared(described))


def _shared(value: Any) -> Any:
    """A part of the document without patterns that not all languages understand.

    The regular expressions of Go and Rust have no lookahead, and other escapes than ECMA-262's.
    """
    if isinstance(value, list):
        return [_shared(each) for each in value]
    if not isinstance(value, dict):
        return value
    members = {name: _shared(each) for name, each in value.items()}
    pattern = members.get("pattern")
    if isinstance(pattern, str):
        # Only in Python, `$` also matches before a last line break.
        shared = PATTERNS.get(pattern, pattern.replace(r"(?!\n)$", "$"))
        if NOT_SHARED.search(shared):
            del members["pattern"]
            members.setdefault("description", SENTENCES.get(pattern, OTHER_PATTERN))
        else:
            members["pattern"] = shared
    return members


def _drop_unused(described: Document) -> None:
    """Remove the schemas that nothing refers to, also not through others."""
    schemas = described["components"].pop("schemas")
    used: set[str] = set()
    left = _references(described)
    while left:
        used |= left
        left = {each for name in left for each in _references(schemas[name])} - used
    described["components"]["schemas"] = {n: each for n, each in schemas.items() if n in used}


def _references(value: Any) -> set[str]:
    """The names of the schemas that a part of the document refers to."""
    if isinstance(value, list):
        return {name for each in value for name in _references(each)}
    if not isinstance(value, dict):
        return set()
    place, _, name = str(value.get("$ref", "")).rpartition("/")
    own = {name} if place == "#/components/schemas" else set()
    return own | {name for each in value.values() for name in _references(each)}


def _operation(route: Route, routes: Sequence[Route]) -> Document:
    summary, _, rest = route.doc.strip().replace("`", "").partition("\n")
    operation: Document = {
        "operationId": _camel_case(route.name),
        "summary": summary.rstrip("."),
        **({"description": rest.strip()} if rest.strip() else {}),
    }
    declared = route.operation
    if declared is None:
        operation |= _undeclared(route)
    else:
        for_whom = f"For {_callers(declared)}."
        operation["description"] = "\n\n".join(filter(None, (rest.strip(), for_whom)))
        operation["tags"] = [declared.resource.name]
        described = _declared(declared)
        variables = [_path_parameter(name) for name in re.findall(r"\{(\w+)\}", route.path)]
        parameters = [*variables, *described.pop("parameters", [])]
        if declared.resource.owned and not isinstance(declared, List):
            schema, _ = schema_components([OwnerParameter])
            about = f"Whose {declared.resource.noun} it is."
            parameters.append(_query_parameter(OWNER_PARAMETER, schema[0], about))
        operation |= {"parameters": parameters} if parameters else {}
        operation |= described
        if ANYONE not in declared.rule or _names_author(declared):
            operation["responses"]["403"] = _ref("responses", _response_name(403))
            operation["responses"] = dict(sorted(operation["responses"].items()))
        if isinstance(declared, Create):
            operation["responses"]["201"]["links"] = _links(declared.resource, route, routes)
    return operation


def _security(operation: Operation | None) -> list[Document]:
    """The schemes of which one is needed; an empty one stands for an anonymous caller."""
    is_public = operation is None or ANYONE in operation.rule
    return [*([{}] if is_public else []), *({name: []} for name in SCHEMES)]


def _callers(operation: Operation) -> str:
    """Who may call an operation, in words."""
    resource = operation.resource
    words = callers(operation.rule, resource.noun)
    if resource.owned:
        words += ", for their own items"
    if isinstance(operation, List) and operation.or_read:
        read = callers(resource.access.rule("read"), resource.noun)
        return f"{words}; with {resource.key}, for {read}"
    if _names_author(operation):
        return f"{words}; with author, for that author and staff"
    return words


def _names_author(operation: Operation) -> bool:
    return isinstance(operation, List) and operation.resource.has_author


def _declared(operation: Operation) -> Document:
    """What a declared operation takes and returns, without the variables of its path."""
    match operation:
        case Create(resource):
            return _create(resource)
        case List():
            return _list(operation)
        case Read(resource):
            return {
                "parameters": _preconditions(),
                "responses": _item_responses(resource, ITEM_ERRORS, not_modified=True),
            }
        case Replace(resource, key_in=key_in):
            body = "New{}" if key_in == "path" else "{}WithKey"
            return _change(resource, _body(body.format(_noun(resource))))
        case Patch(resource):
            return _change(resource, _body(f"{_noun(resource)}Changes", MERGE_PATCH))
        case Delete(resource, key_in=key_in):
            about = f"The key of the {resource.noun}."
            key = [{**_query_parameter(resource.key, _key(resource), about), "required": True}]
            return {
                "parameters": [*(key if key_in == "query" else []), *_preconditions()],
                "responses": _responses(204, {}, ITEM_ERRORS),
            }
        case CustomOperation():
            return _action(operation)
    raise NotImplementedError(operation)


def _create(resource: Resource) -> Document:
    return {
        "parameters": [_ref("parameters", "Idempotency-Key")],
        "requestBody": _body(f"New{_noun(resource)}"),
        "responses": _responses(
            201,
            _content(_noun(resource)),
            (*BODY_ERRORS, errors.Conflict, errors.IdempotencyKeyReused),
            "ETag",
            "Location",
            "Idempotency-Replayed",
        ),
    }


def _change(resource: Resource, body: Document) -> Document:
    conflict = (errors.Conflict,) if resource.unique else ()
    return {
        "parameters": _preconditions(),
        "requestBody": body,
        "responses": _item_responses(resource, (*BODY_ERRORS, *ITEM_ERRORS, *conflict)),
    }


def _list(operation: List) -> Document:
    """A page, or the one item whose key is given."""
    resource = operation.resource
    _, components = schema_components([resource.list_parameters], schema_hook=_number)
    ((_, schema),) = components.items()
    parameters = [
        _query_parameter(name, each, _about_parameter(resource, name))
        for name, each in schema["properties"].items()
        # No other filter can be combined with the parent's.
        if not (operation.parent and name in {AUTHOR_PARAMETER, *resource.filters})
    ]
    page = _noun(resource) + "Page"
    if not operation.or_read:
        responses = _responses(200, _content(page), (errors.Invalid,), "Link")
        return {"parameters": parameters, "responses": responses}
    either = {"oneOf": [_ref("schemas", page), _ref("schemas", _noun(resource))]}
    about = f"The key of one {resource.noun}, which is returned instead of a list."
    key = _query_parameter(resource.key, _key(resource), about)
    responses = _responses(200, {JSON: {"schema": either}}, ITEM_ERRORS, "Link", not_modified=True)
    responses["200"]["headers"]["ETag"] = {
        "description": "The etag of the item, if one item is returned.",
        "schema": {"type": "string"},
    }
    return {"parameters": [key, *parameters, *_preconditions()], "responses": responses}


def _action(operation: CustomOperation) -> Document:
    body = operation.body
    failures = (*(BODY_ERRORS if body else (errors.Invalid,)), *operation.errors)
    parameters = [] if operation.answer else [_ref("parameters", "Idempotency-Key")]
    if errors.PreconditionFailed in operation.errors:
        parameters += _preconditions()
    if operation.answer:
        responses = _responses(200, _content(operation.answer.__name__), failures)
    else:
        failures = (*failures, errors.IdempotencyKeyReused)
        content = _content(_noun(operation.resource))
        responses = _responses(200, content, failures, "ETag", "Idempotency-Replayed")
    request = {"requestBody": _body(body.__name__)} if body else {}
    given = {"parameters": parameters} if parameters else {}
    return {**given, **request, "responses": responses}


def _undeclared(route: Route) -> Document:
    """An operation that declares nothing: it may return any JSON object, or it is one of these."""
    media_type, schema = {
        "/": (JSON, _ref("schemas", "Root")),
        "/health": (JSON, _ref("schemas", "Health")),
        "/docs": ("text/html", {"type": "string"}),
    }.get(route.path, (JSON, {"type": "object"}))
    failures: Errors = (errors.Invalid,) if route.path in DOCUMENTS else ()
    responses = _responses(200, {media_type: {"schema": schema}}, failures)
    if route.path in DOCUMENTS:
        responses["200"]["headers"] |= _header_refs("ETag")
        responses["304"] = {"description": TITLES[304], "headers": _header_refs("ETag")}
    if route.path == "/":
        responses["302"] = {
            "description": "To the docs page, if Accept names text/html, as a browser's does.",
            "headers": _header_refs("Location"),
        }
    variables = [_path_parameter(name) for name in re.findall(r"\{(\w+)\}", route.path)]
    if route.path in DOCUMENTS:
        variables.append(_ref("parameters", "If-None-Match"))
    return {
        **({"parameters": variables} if variables else {}),
        "responses": dict(sorted(responses.items())),
    }


def _links(resource: Resource, created: Route, routes: Sequence[Route]) -> Document:
    """The operations on the created item (OpenAPI 3.1 section 4.8.20)."""
    return {
        route.name: {
            "operationId": _camel_case(route.name),
            "parameters": {"key": f"$response.body#/{resource.key}"},
        }
        for route in routes
        if route.path == f"{created.path}/{{key}}"
    }


def _schemas(resources: list[Resource], routes: Sequence[Route]) -> dict[str, Schema]:
    schemas: dict[str, Schema] = {
        "Root": _object(
            {
                "name": {"type": "string"},
                "version": {"type": "string"},
                "stage": {"type": "string"},
                "links": {"type": "object", "additionalProperties": {"type": "string"}},
                "caller": {
                    **_object(
                        {
                            "subject": {"type": "string"},
                            "roles": {"type": "array", "items": {"type": "string"}},
                        }
                    ),
                    "description": "Who calls: only with an access token. The subject is the key "
                    "of the caller's user.",
                },
            },
            optional=("caller",),
        ),
        "Health": _object({"status": {"const": "ok"}}),
        "Problem": _object(
            {
                "type": {"const": "about:blank"},
                "title": {"type": "string"},
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "detail": {
                    "type": "string",
                    "description": "A sentence that a person can act on.",
                },
                "requestId": {"type": "string"},
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
    for resource in resources:
        schemas |= _resource_schemas(resource)
    actions = [r.operation for r in routes if isinstance(r.operation, CustomOperation)]
    structs = [kind for each in actions for kind in (each.body, each.answer) if kind]
    try:
        _, components = schema_components(
            structs, schema_hook=_number, ref_template="#/components/schemas/{name}"
        )
    except (TypeError, NotImplementedError) as error:
        names = ", ".join(sorted({kind.__name__ for kind in structs}))
        raise DeclarationError(
            f"A CustomOperation's body or answer ({names}) has a type without a JSON schema: "
            f"{error}."
        ) from None
    for name in schemas.keys() & components.keys():
        raise DeclarationError(
            f"A CustomOperation's Struct is named {name}, as a schema of the API's own: rename it."
        )
    return schemas | components


def _resource_schemas(resource: Resource) -> dict[str, Schema]:
    """The schemas of a resource's items, request bodies and pages."""
    noun = _noun(resource)
    patch_type = resource.merge_patch_type
    _, components = schema_components([resource.fields, patch_type], schema_hook=_number)
    fields, changes = components[noun], components[patch_type.__name__]
    kinds, _ = schema_components([field.type for field in SERVER_FIELDS.values()])
    item = {
        resource.key: _key(resource),
        **fields["properties"],
        **dict(zip(SERVER_FIELDS, kinds, strict=True)),
    }
    # A body may contain what a read returned.
    ignored = {
        name: {"description": "Ignored: only the server writes it."} for name in SERVER_FIELDS
    }
    key = _key(resource) | {"description": "A UUID, if a create omits it."}
    new = {resource.key: key, **fields["properties"], **ignored}
    same_key = _key(resource) | {"description": "If it is given, the key of the addressed item."}
    required = fields.get("required", [])
    return {
        noun: _object(item, optional=resource.optional_fields)
        | {"description": fields["description"], "examples": [_example(item)]},
        f"New{noun}": {
            "type": "object",
            "properties": new,
            "required": required,
            "additionalProperties": False,
            "examples": [_example(fields["properties"])],
        },
        f"{noun}WithKey": {
            "type": "object",
            "properties": new | {resource.key: _key(resource)},
            "required": [resource.key, *required],
            "additionalProperties": False,
            "examples": [_example({resource.key: _key(resource), **fields["properties"]})],
        },
        patch_type.__name__: {
            "type": "object",
            "description": "Fields to change; null removes one, or resets it to its default.",
            "properties": {resource.key: same_key, **changes["properties"], **ignored},
            "additionalProperties": False,
            "examples": [_example({name: fields["properties"][name] for name in required})],
        },
        f"{noun}Page": _object(
            {
                "items": {"type": "array", "items": _ref("schemas", noun), "maxItems": 100},
                "next": {
                    "type": ["string", "null"],
                    "description": "The cursor of the next page; null on the last page.",
                },
            }
        ),
    }


def _object(properties: dict[str, Schema], optional: Any = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        # Other members may come with a later version: clients ignore what they do not know.
        "required": [name for name in properties if name not in optional],
    }


def _number(kind: type) -> Schema:
    """The schema of a `Number`."""
    if not issubclass(kind, Number):
        raise NotImplementedError(kind)
    return {
        "type": "number",
        "minimum": _json_number(kind.minimum),
        "maximum": _json_number(kind.maximum),
        # No `multipleOf`, which validators check with binary numbers, and refuse 0.07.
        "description": f"At most {kind.decimal_places} decimals."
        if kind.decimal_places
        else "A whole number.",
        "examples": [_json_number(kind.example)],
    }


def _json_number(value: Any) -> int | float:
    return int(value) if value == int(value) else float(value)


def _key(resource: Resource) -> Schema:
    return {**_key_schema(), "examples": [f"{resource.noun}-1"]}


def _key_schema() -> Schema:
    (schema,), _ = schema_components([Key])
    return schema


def _example(properties: dict[str, Schema]) -> Document:
    """An example of an object, made of the examples and defaults of its properties."""
    return {
        name: schema["examples"][0] if "examples" in schema else schema["default"]
        for name, schema in properties.items()
        if "examples" in schema or "default" in schema
    }


def _parameters() -> Document:
    tags = {"type": "string", "pattern": ENTITY_TAGS}
    return {
        "key": {
            "name": "key",
            "in": "path",
            "required": True,
            "description": "The key of the item.",
            "schema": _key_schema(),
        },
        "If-Match": _header_parameter(
            "If-Match",
            "Etags, or `*`: the item must have one of them (RFC 9110 section 13.1.1).",
            tags,
        ),
        "If-None-Match": _header_parameter(
            "If-None-Match",
            "Etags, or `*`: the item must have none of them (RFC 9110 section 13.1.2).",
            tags,
        ),
        "Idempotency-Key": _header_parameter(
            "Idempotency-Key",
            "A new key for each new request, and the same key to send it again: for 24 hours the "
            "request is fulfilled once, and repetitions get the first response.",
            {"type": "string", "pattern": IDEMPOTENCY_KEY, "maxLength": 255},
        ),
    }


def _preconditions() -> list[Document]:
    return [_ref("parameters", "If-Match"), _ref("parameters", "If-None-Match")]


def _path_parameter(name: str) -> Document:
    if name == "key":
        return _ref("parameters", "key")
    about = f"The {name} in the path."
    schema = {"type": "string"}
    return {"name": name, "in": "path", "required": True, "description": about, "schema": schema}


def _header_parameter(name: str, description: str, schema: Schema) -> Document:
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _query_parameter(name: str, schema: Schema, description: str) -> Document:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _about_parameter(resource: Resource, name: str) -> str:
    """What a query parameter of a list does."""
    if name in PARAMETERS:
        return PARAMETERS[name]
    for field in resource.ranges:
        least, most = bound_parameters(field)
        if name in (least, most):
            word = "least" if name == least else "greatest"
            return f"The {word} {field}; the list is sorted by {field}."
    whose = "of this" if name in (AUTHOR_PARAMETER, OWNER_PARAMETER) else "with this"
    return f"Only {resource.noun}s {whose} {name}."


def _headers() -> Document:
    descriptions = {
        "ETag": "The item's etag, as in its body.",
        "Location": "The path of the created item, or of the page to go to.",
        "Link": 'The next page, if there is one: `<path>; rel="next"` (RFC 8288).',
        "WWW-Authenticate": "`Bearer`, with the error if a token was sent (RFC 6750). API Gateway "
        "renames it to `x-amzn-Remapped-WWW-Authenticate`.",
        "Retry-After": "The number of seconds to wait before the next attempt.",
        "Idempotency-Replayed": "`true`, if the response repeats that of an earlier request.",
        **dict.fromkeys(COMMON_HEADERS, "On every response."),
        "X-Request-Id": "The request's id, under which it is logged. On every response.",
    }
    return {
        name: {
            "description": text,
            # API Gateway renames WWW-Authenticate.
            "required": name not in {*OPTIONAL_HEADERS, "WWW-Authenticate"},
            "schema": {"type": "string"},
        }
        for name, text in descriptions.items()
    }


def _item_responses(
    resource: Resource, failures: Errors, *, not_modified: bool = False
) -> Document:
    content = _content(_noun(resource))
    return _responses(200, content, failures, "ETag", not_modified=not_modified)


def _responses(
    status: int, content: Document, failures: Errors, *headers: str, not_modified: bool = False
) -> Document:
    """The responses of an operation: one success, perhaps 304, and the errors."""
    success: Document = {"description": TITLES[status], "headers": _header_refs(*headers)}
    if content:
        success["content"] = content
    responses = {str(status): success}
    if not_modified:
        responses["304"] = {"description": TITLES[304], "headers": _header_refs("ETag")}
    for each in sorted({*ALWAYS, *(status_of(failure) or 500 for failure in failures)}):
        responses[str(each)] = _ref("responses", _response_name(each))
    return responses


def _problem_response(status: int) -> Document:
    example = {
        "type": "about:blank",
        "title": TITLES[status],
        "status": status,
        "detail": EXAMPLE_DETAILS[status],
        "requestId": EXAMPLE_REQUEST_ID,
    }
    if status == 400:  # noqa: PLR2004, Bad Request
        example["errors"] = [{"field": "name", "message": "is required"}]
    content = {PROBLEM: {"schema": _ref("schemas", "Problem"), "example": example}}
    return {**_problem_headers(status), "content": content}


def _problem_headers(status: int) -> Document:
    names = ["Retry-After"] if status in RETRIED else []
    names += ["WWW-Authenticate"] if status == 401 else []  # noqa: PLR2004, Unauthorized
    return {"description": TITLES[status], "headers": _header_refs(*names)}


def _response_name(status: int) -> str:
    return TITLES[status].replace(" ", "")


def _header_refs(*names: str) -> Document:
    return {name: _ref("headers", name) for name in (*names, *COMMON_HEADERS)}


def _content(schema: str) -> Document:
    return {JSON: {"schema": _ref("schemas", schema)}}


def _body(schema: str, *media_types: str) -> Document:
    """A required body, in JSON or one of the other media types."""
    return {
        "required": True,
        "content": {name: {"schema": _ref("schemas", schema)} for name in (JSON, *media_types)},
    }


def _ref(kind: str, name: str) -> Document:
    return {"$ref": f"#/components/{kind}/{name}"}


def _noun(resource: Resource) -> str:
    return resource.fields.__name__


def _camel_case(name: str) -> str:
    """`create_user` as `createUser`, as most languages' clients name operations."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)
