"""What the Swagger document for API Gateway needs beyond the routes that Chalice writes.

The responses that API Gateway sends without the function, in the form of the API's own; API keys;
the keys of its cache. `add_extensions` adds them to the document that Chalice generates.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from msgspec.structs import fields

import app as application
from chalicelib import settings
from chalicelib.http.api import resources_by_list_path
from chalicelib.http.problems import INTERNAL_ERROR, PROBLEM, RETRY_AFTER_SECONDS, TITLES
from chalicelib.http.requests import ACCEPT_PATCH, JSON, MERGE_PATCH
from chalicelib.http.responses import ALLOW_ORIGIN, common_headers
from chalicelib.schema import Resource
from infra.stages import Stage

Document = dict[str, Any]

EXTENSION = "x-amazon-apigateway-"
FORBIDDEN = "You are not allowed to make this request."
TOO_MANY = "There are too many requests. Try again later."

# The responses of API Gateway itself: status and detail, by the type of the response.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
RESPONSES: dict[str, tuple[int, str]] = {
    # API Gateway sends this for an unknown path.
    "MISSING_AUTHENTICATION_TOKEN": (404, "No resource has this path."),
    # And this, for an unknown path with an access token, which it takes for a signature of AWS's.
    "INVALID_SIGNATURE": (404, "No resource has this path."),
    "RESOURCE_NOT_FOUND": (404, "No resource has this path."),
    "BAD_REQUEST_BODY": (400, "The body cannot be read."),
    "BAD_REQUEST_PARAMETERS": (400, "A parameter cannot be read."),
    "UNAUTHORIZED": (401, "An access token is needed."),
    "ACCESS_DENIED": (403, FORBIDDEN),
    "EXPIRED_TOKEN": (403, "The token has expired. Get a new one."),
    "INVALID_API_KEY": (403, "Send an API key that is valid, in X-Api-Key."),
    "WAF_FILTERED": (403, FORBIDDEN),
    "REQUEST_TOO_LARGE": (413, "The request is too large."),
    "UNSUPPORTED_MEDIA_TYPE": (
        415,
        "The body must be application/json.",
    ),
    "QUOTA_EXCEEDED": (
        429,
        "The API key has reached the quota of its period.",
    ),
    "THROTTLED": (429, TOO_MANY),
    "API_CONFIGURATION_ERROR": (500, INTERNAL_ERROR),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, INTERNAL_ERROR),
    "AUTHORIZER_FAILURE": (500, INTERNAL_ERROR),
    "INTEGRATION_FAILURE": (502, INTERNAL_ERROR),
    "INTEGRATION_TIMEOUT": (504, "The response took too long. Try again."),
    "DEFAULT_4XX": (400, "The request cannot be read."),
    "DEFAULT_5XX": (500, INTERNAL_ERROR),
}
RETRIED = {429, 504}


def add_extensions(document: Document, stage: Stage) -> Document:
    """The document with API Gateway's extensions."""
    document[f"{EXTENSION}gateway-responses"] = {
        kind: _gateway_response(status, detail) for kind, (status, detail) in RESPONSES.items()
    }
    # Bodies reach the function as bytes. As text, they would have U+FFFD in place of bytes that are
    # not UTF-8, which the function could not detect.
    document[f"{EXTENSION}binary-media-types"] = ["*/*"]
    if stage.custom_domain:
        # API Gateway's own address is closed: what the domain's TLS policy and its HSTS demand
        # could be avoided there.
        document[f"{EXTENSION}endpoint-configuration"] = {"disableExecuteApiEndpoint": True}
    for operations in document["paths"].values():
        _complete_preflight(operations["options"], ACCEPT_PATCH if "patch" in operations else {})
        operations[f"{EXTENSION}any-method"] = _method_not_allowed(
            [name.upper() for name in operations]
        )
    if stage.settings.usage_plan:
        _require_keys(document)
    for path, resource in cached_lists(stage).items():
        _add_cache_keys(resource, document["paths"][path]["get"])
    return document


def cached_lists(stage: Stage) -> dict[str, Resource]:
    """The lists that API Gateway caches, by path."""
    names = stage.settings.cache.resources if stage.settings.cache else ()
    lists = resources_by_list_path(application.app)
    return {path: resource for path, resource in lists.items() if resource.name in names}


def _gateway_response(status: int, detail: str) -> Document:
    headers = _common_headers(status) | {"Content-Type": f"'{PROBLEM}'"}
    if len(settings.CORS_ALLOW_ORIGINS) > 1:
        # A gateway response cannot choose, and its mappings of request headers tell capitals from
        # small letters, which browsers send over HTTP/2. It holds nothing about the caller.
        headers[ALLOW_ORIGIN] = "'*'"
    if status in RETRIED:
        headers["Retry-After"] = f"'{RETRY_AFTER_SECONDS}'"
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "'Bearer'"
    return {
        "statusCode": str(status),
        "responseParameters": {
            f"gatewayresponse.header.{name}": value for name, value in headers.items()
        },
        "responseTemplates": {JSON: _problem(status, detail)},
    }


def _problem(status: int, detail: str) -> str:
    """The template of a problem document (RFC 9457)."""
    return json.dumps(
        {
            "type": "about:blank",
            "title": TITLES[status],
            "status": status,
            "detail": detail,
            "requestId": "$context.requestId",
        }
    )


def _method_not_allowed(methods: list[str]) -> Document:
    """Every other method of a path: 405 with Allow, without the function.

    By itself, API Gateway responds to it as to an unknown path.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html
    """
    status = 405
    allow = ", ".join(methods)
    headers = _common_headers(status) | {"Allow": f"'{allow}'", "Content-Type": f"'{PROBLEM}'"}
    detail = f"$context.httpMethod is not possible here; {allow} are."
    return {
        "produces": [PROBLEM],
        "responses": {
            str(status): {
                "description": TITLES[status],
                "headers": {name: {"type": "string"} for name in (*headers, ALLOW_ORIGIN)},
            }
        },
        f"{EXTENSION}integration": {
            "type": "mock",
            "contentHandling": "CONVERT_TO_TEXT",
            # A body of any other media type would reach the mock, which does not understand it: API
            # Gateway responds 415 instead.
            "passthroughBehavior": "never",
            "requestTemplates": dict.fromkeys(
                (JSON, MERGE_PATCH), json.dumps({"statusCode": status})
            ),
            "responses": {
                "default": {
                    "statusCode": str(status),
                    "responseParameters": {
                        f"method.response.header.{name}": value for name, value in headers.items()
                    },
                    "responseTemplates": {JSON: _allow_origin() + _problem(status, detail)},
                }
            },
        },
    }


def _common_headers(status: int) -> dict[str, str]:
    """The headers of every response, as API Gateway's mappings: a literal is in single quotes.

    With several allowed origins, `Access-Control-Allow-Origin` is not among them.
    """
    headers = common_headers("", status, None)
    if settings.CORS_ALLOW_ORIGINS != ("*",):
        headers["Vary"] = "Origin"
    if len(settings.CORS_ALLOW_ORIGINS) == 1:
        headers[ALLOW_ORIGIN] = settings.CORS_ALLOW_ORIGINS[0]
    literals = {name: f"'{value}'" for name, value in headers.items()}
    return literals | {"X-Request-Id": "context.requestId"}


def _allow_origin() -> str:
    """The template that allows the request's own origin, if it is one of several allowed ones.

    Browsers send the header in small letters over HTTP/2, and templates tell them from capitals.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-override-request-response-parameters.html
    """
    if len(settings.CORS_ALLOW_ORIGINS) == 1:
        return ""
    allowed = " || ".join(f"$origin == '{each}'" for each in settings.CORS_ALLOW_ORIGINS)
    return (
        "#set($origin = $input.params().header.get('Origin'))\n"
        "#if(!$origin || $origin == '')\n"
        "#set($origin = $input.params().header.get('origin'))\n"
        "#end\n"
        f"#if({allowed})\n"
        f"#set($context.responseOverride.header.{ALLOW_ORIGIN} = $origin)\n"
        "#end\n"
    )


def _complete_preflight(operation: Document, more: Mapping[str, str]) -> None:
    """Give the preflight's response the headers that every response has, and more."""
    response = operation[f"{EXTENSION}integration"]["responses"]["default"]
    headers = _common_headers(200) | {name: f"'{value}'" for name, value in more.items()}
    if template := _allow_origin():
        response["responseParameters"].pop(f"method.response.header.{ALLOW_ORIGIN}", None)
        response["responseTemplates"] = {JSON: template}
        operation["responses"]["200"]["headers"][ALLOW_ORIGIN] = {"type": "string"}
    for name, value in headers.items():
        operation["responses"]["200"]["headers"][name] = {"type": "string"}
        response["responseParameters"][f"method.response.header.{name}"] = value


def _require_keys(document: Document) -> None:
    document.setdefault("securityDefinitions", {})["api_key"] = {
        "type": "apiKey",
        "name": "x-api-key",
        "in": "header",
    }
    for operations in document["paths"].values():
        for method, operation in operations.items():
            # Browsers do not send a key with a preflight.
            if method != "options":
                operation["security"] = [*operation.get("security", []), {"api_key": []}]


def _add_cache_keys(resource: Resource, operation: Document) -> None:
    """Make every parameter that the response depends on a part of the cache's key."""
    parameters = [*(field.encode_name for field in fields(resource.list_parameters)), resource.key]
    names = [f"method.request.querystring.{name}" for name in parameters]
    names.append("method.request.header.If-None-Match")
    places = {"querystring": "query", "header": "header"}
    operation["parameters"] = [
        {
            "name": name.split(".")[-1],
            "in": places[name.split(".")[2]],
            "required": False,
            "type": "string",
        }
        for name in names
    ]
    integration = operation[f"{EXTENSION}integration"]
    integration["cacheKeyParameters"] = names
    integration["requestParameters"] = {
        name.replace("method", "integration", 1): name for name in names
    }
