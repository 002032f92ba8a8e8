"""What API Gateway must be told of the API beyond the routes that Chalice knows.

The answers that it gives by itself, without asking the function, in the API's own form; who must
send a key; what its cache tells apart. `complete` adds that to the Swagger document that Chalice
generates, for `chalice deploy` and `chalice package` alike.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

import json
from http import HTTPStatus
from typing import Any

from msgspec.structs import fields

from chalicelib import http
from chalicelib.models import RESOURCES
from chalicelib.schema import Resource
from infra.command import Refused
from infra.stages import Stage

Document = dict[str, Any]

EXTENSION = "x-amazon-apigateway-"
WHO = "You are not allowed to make this request."
OURS = "Something went wrong on our side. It is logged under the requestId."
BUSY = "There are too many requests: wait a little, and try again."

# What API Gateway answers by itself, by the type of the response.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
RESPONSES: dict[str, tuple[HTTPStatus, str]] = {
    # What API Gateway calls a path that is not there.
    "MISSING_AUTHENTICATION_TOKEN": (HTTPStatus.NOT_FOUND, "There is nothing at this path."),
    "RESOURCE_NOT_FOUND": (HTTPStatus.NOT_FOUND, "There is nothing at this path."),
    "BAD_REQUEST_BODY": (HTTPStatus.BAD_REQUEST, "The body cannot be read."),
    "BAD_REQUEST_PARAMETERS": (HTTPStatus.BAD_REQUEST, "A parameter cannot be read."),
    "UNAUTHORIZED": (HTTPStatus.UNAUTHORIZED, "Say who you are."),
    "ACCESS_DENIED": (HTTPStatus.FORBIDDEN, WHO),
    "EXPIRED_TOKEN": (HTTPStatus.FORBIDDEN, "The token has expired: ask for a new one."),
    "INVALID_API_KEY": (HTTPStatus.FORBIDDEN, "Send an API key that is valid, in X-Api-Key."),
    "INVALID_SIGNATURE": (HTTPStatus.FORBIDDEN, "The signature does not match the request."),
    "WAF_FILTERED": (HTTPStatus.FORBIDDEN, WHO),
    "REQUEST_TOO_LARGE": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large."),
    "UNSUPPORTED_MEDIA_TYPE": (
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The body must be application/json.",
    ),
    "QUOTA_EXCEEDED": (
        HTTPStatus.TOO_MANY_REQUESTS,
        "The API key has made all the requests that it may in this period.",
    ),
    "THROTTLED": (HTTPStatus.TOO_MANY_REQUESTS, BUSY),
    "API_CONFIGURATION_ERROR": (HTTPStatus.INTERNAL_SERVER_ERROR, OURS),
    "AUTHORIZER_CONFIGURATION_ERROR": (HTTPStatus.INTERNAL_SERVER_ERROR, OURS),
    "AUTHORIZER_FAILURE": (HTTPStatus.INTERNAL_SERVER_ERROR, OURS),
    "INTEGRATION_FAILURE": (HTTPStatus.BAD_GATEWAY, OURS),
    "INTEGRATION_TIMEOUT": (HTTPStatus.GATEWAY_TIMEOUT, "The answer took too long: try again."),
    "DEFAULT_4XX": (HTTPStatus.BAD_REQUEST, "The request cannot be read."),
    "DEFAULT_5XX": (HTTPStatus.INTERNAL_SERVER_ERROR, OURS),
}
RETRIED = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.GATEWAY_TIMEOUT}

# One JSON object per request, with the id that the answer and the function's log have too, and
# without anything that a client sent but the path's pattern.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
ACCESS_LOG = json.dumps(
    {
        "requestId": "$context.requestId",
        "time": "$context.requestTimeEpoch",
        "method": "$context.httpMethod",
        "resource": "$context.resourcePath",
        "status": "$context.status",
        "milliseconds": "$context.responseLatency",
        "integrationMilliseconds": "$context.integrationLatency",
        "bytes": "$context.responseLength",
        "error": "$context.error.responseType",
    }
)


def complete(document: Document, stage: Stage) -> Document:
    """The document with all that API Gateway must be told. Raises Refused for a wrong setting."""
    document[f"{EXTENSION}gateway-responses"] = {
        kind: _gateway_response(status, detail) for kind, (status, detail) in RESPONSES.items()
    }
    # Bodies reach the function as the bytes that they are. As text, they would have U+FFFD in place
    # of what is not UTF-8, and the function could not tell.
    document[f"{EXTENSION}binary-media-types"] = ["*/*"]
    for operations in document["paths"].values():
        _complete_preflight(operations["options"])
        operations[f"{EXTENSION}any-method"] = _wrong_method([name.upper() for name in operations])
    if stage.infra.usage_plan:
        _require_keys(document)
    if stage.infra.cache:
        for resource in cached(stage):
            _tell_apart(resource, document["paths"][f"/{resource.path}"]["get"])
    return document


def cached(stage: Stage) -> list[Resource]:
    """The resources whose lists API Gateway's cache answers. Raises Refused for an unknown one."""
    wanted = stage.infra.cache.resources if stage.infra.cache else ()
    known = {resource.path: resource for resource in RESOURCES}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise Refused(
            f"The stage {stage.name!r} in .chalice/config.json caches {', '.join(unknown)}; "
            f"there are {', '.join(known)}."
        )
    return [known[name] for name in wanted]


def _gateway_response(status: HTTPStatus, detail: str) -> Document:
    headers = _common_headers(status) | {"Content-Type": f"'{http.PROBLEM}'"}
    if status in RETRIED:
        headers["Retry-After"] = f"'{http.RETRY_AFTER_SECONDS}'"
    return {
        "statusCode": str(int(status)),
        "responseParameters": {
            f"gatewayresponse.header.{name}": value for name, value in headers.items()
        },
        "responseTemplates": {http.JSON: _problem(status, detail)},
    }


def _problem(status: HTTPStatus, detail: str) -> str:
    """A template of a problem document (RFC 9457)."""
    return json.dumps(
        {
            "type": "about:blank",
            "title": status.phrase,
            "status": int(status),
            "detail": detail,
            "requestId": "$context.requestId",
        }
    )


def _wrong_method(methods: list[str]) -> Document:
    """Every other method on a path: 405 with Allow, without asking the function.

    By itself, API Gateway answers it as it answers a path that is not there.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html
    """
    status = HTTPStatus.METHOD_NOT_ALLOWED
    allow = ", ".join(methods)
    headers = _common_headers(status) | {
        "Allow": f"'{allow}'",
        "Content-Type": f"'{http.PROBLEM}'",
    }
    detail = f"$context.httpMethod is not possible here; {allow} are."
    return {
        "produces": [http.PROBLEM],
        "responses": {
            str(int(status)): {
                "description": status.phrase,
                "headers": {name: {"type": "string"} for name in headers},
            }
        },
        f"{EXTENSION}integration": {
            "type": "mock",
            "contentHandling": "CONVERT_TO_TEXT",
            # A body that none of the templates is for would be the mock's own, and none that it
            # understands: better a 415.
            "passthroughBehavior": "never",
            "requestTemplates": dict.fromkeys(
                (http.JSON, http.MERGE_PATCH), json.dumps({"statusCode": int(status)})
            ),
            "responses": {
                "default": {
                    "statusCode": str(int(status)),
                    "responseParameters": {
                        f"method.response.header.{name}": value for name, value in headers.items()
                    },
                    "responseTemplates": {http.JSON: _problem(status, detail)},
                }
            },
        },
    }


def _common_headers(status: HTTPStatus) -> dict[str, str]:
    """The headers of every answer, as API Gateway's mappings: a literal is in single quotes."""
    headers = {name: f"'{value}'" for name, value in http.common_headers("", status).items()}
    return headers | {"X-Request-Id": "context.requestId"}


def _complete_preflight(operation: Document) -> None:
    """Give the answer to a preflight the headers that every answer has."""
    response = operation[f"{EXTENSION}integration"]["responses"]["default"]
    for name, value in _common_headers(HTTPStatus.OK).items():
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
            # A browser sends no key with a preflight.
            if method != "options":
                operation["security"] = [*operation.get("security", []), {"api_key": []}]


def _tell_apart(resource: Resource, operation: Document) -> None:
    """Make all that a list's answer depends on part of its key in the cache."""
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
