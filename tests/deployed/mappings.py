"""What API Gateway's mappings may say, and what the few templates of the API's document mean.

Both emulators of API Gateway use it: a document that the real ImportRestApi refuses is refused.
"""

import re
from collections.abc import Mapping
from typing import Any

EXTENSION = "x-amazon-apigateway-"
LITERAL = r"'[^']*'|stageVariables\.\w+|context\.[\w.]+"
# The sources of mappings, by where they stand.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping-sources.html
# https://docs.aws.amazon.com/apigateway/latest/api/API_GatewayResponse.html
METHOD_REQUEST = r"method\.request\.(header|path|querystring|multivalueheader)\.[\w!#$&^.+|~`-]+"
SOURCES = {
    "requestParameters": rf"{METHOD_REQUEST}|method\.request\.body(\..+)?|{LITERAL}",
    "integration response": (
        rf"integration\.response\.((multivalue)?header\.[\w-]+|body(\..+)?)|{LITERAL}"
    ),
    "gateway response": rf"{METHOD_REQUEST}|{LITERAL}",
}


class BadRequest(Exception):
    """What ImportRestApi answers with 400 and BadRequestException."""


def check(document: Mapping[str, Any]) -> None:
    """Raise BadRequest for a mapping that API Gateway refuses."""
    for kind, response in document.get(f"{EXTENSION}gateway-responses", {}).items():
        _check("gateway response", kind, response.get("responseParameters", {}))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            integration = operation.get(f"{EXTENSION}integration", {})
            place = f"{method} {path}"
            _check("requestParameters", place, integration.get("requestParameters", {}))
            for response in integration.get("responses", {}).values():
                mapped = response.get("responseParameters", {})
                _check("integration response", place, mapped)
                _check_headers(place, operation, response, mapped)


def _check(kind: str, place: str, parameters: Mapping[str, str]) -> None:
    for name, source in parameters.items():
        if not re.fullmatch(SOURCES[kind], source):
            raise BadRequest(
                f"Invalid mapping expression specified: Validation Result: warnings : [], errors : "
                f"[Invalid mapping expression specified: {source}] for {name} of {place}"
            )


def _check_headers(
    place: str, operation: Mapping[str, Any], response: Mapping[str, Any], mapped: Mapping[str, str]
) -> None:
    """A header is mapped only if the method's response declares it."""
    declared = operation["responses"][response["statusCode"]].get("headers", {})
    names = {name.removeprefix("method.response.header.").lower() for name in mapped}
    names |= {
        name.lower()
        for template in response.get("responseTemplates", {}).values()
        for name in re.findall(r"responseOverride\.header\.([\w-]+)", template)
    }
    if unknown := names - {name.lower() for name in declared}:
        raise BadRequest(
            f"Invalid mapping expression parameter specified: {sorted(unknown)}: {place}"
        )


def render(template: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The text of a template without its directives, and the headers that it sets.

    Knows one kind of template: the one that allows the request's own origin. As in API Gateway,
    `headers` are found by the spelling with which they were sent.
    """
    origins = [
        headers[name]
        for name in re.findall(
            r"#set\(\$origin = \$input\.params\(\)\.header\.get\('(\w+)'\)\)", template
        )
        if name in headers
    ]
    allowed = re.findall(r"\$origin == '([^']+)'", template)
    overrides = {
        name: origins[0]
        for name in re.findall(r"responseOverride\.header\.([\w-]+) = \$origin", template)
        if origins and origins[0] in allowed
    }
    lines = [line for line in template.splitlines() if not re.match(r"#(set|if|end)\b", line)]
    text = "\n".join(lines)
    assert not re.search(r"^\s*#\w", text, re.MULTILINE), text
    return text, overrides
