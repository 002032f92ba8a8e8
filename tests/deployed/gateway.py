"""API Gateway in front of a zip: a function's HTTP endpoint.

The function is run by the very client that runs it on Lambda, unpacked where nothing can be
written. API Gateway is what the template's document makes of it.
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4
from zipfile import ZipFile

from tests.deployed import mappings
from tests.lambda_runtime import Failed, Function

EXTENSION = "x-amazon-apigateway-"
# What API Gateway renames `WWW-Authenticate` of a function to.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
REMAPPED = "x-amzn-Remapped-WWW-Authenticate"

Event = dict[str, Any]
Reply = tuple[int, Mapping[str, str], bytes]


class QuietHandler(BaseHTTPRequestHandler):
    """A handler without delays and log lines, which keeps connections open."""

    protocol_version = "HTTP/1.1"
    # Or the body of each answer waits 40 ms for an acknowledgement of its head.
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Write no line to the log."""

    def read(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)


def api_gateway(document: dict[str, Any], stage: str, function: Function) -> type[QuietHandler]:
    """A stage of the API that a template's document describes."""
    mappings.check(document)
    # One environment, so one request at a time.
    free = Lock()
    paths = {
        re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))): (path, operations)
        for path, operations in document["paths"].items()
    }

    class ApiGateway(QuietHandler):
        def handle_request(self) -> None:
            body = self.read()
            url = urlsplit(self.path)
            path = url.path.removeprefix(f"/{stage}").rstrip("/") or "/"
            matches = [
                (match, *described)
                for pattern, described in paths.items()
                if (match := pattern.fullmatch(path))
            ]
            if not matches:
                self.reply(*_gateway_response(document, "MISSING_AUTHENTICATION_TOKEN"))
                return
            ((match, resource, operations),) = matches
            operation = operations.get(
                self.command.lower(), operations.get(f"{EXTENSION}any-method")
            )
            integration = operation[f"{EXTENSION}integration"]
            if integration["type"] == "mock":
                self.reply(*_mock(integration, self.command, dict(self.headers.items())))
                return
            event = _event(self.command, url.path, url.query, self.headers, body)
            event["resource"] = resource
            event["requestContext"]["resourcePath"] = resource
            event["pathParameters"] = {
                name: unquote(value) for name, value in match.groupdict().items()
            } or None
            try:
                with free:
                    output, _ = function.invoke(json.dumps(event).encode())
            except Failed:
                self.reply(*_gateway_response(document, "INTEGRATION_FAILURE"))
                return
            response = json.loads(output)
            headers = response["headers"] | {
                name: ", ".join(values) for name, values in response["multiValueHeaders"].items()
            }
            if "WWW-Authenticate" in headers:
                headers[REMAPPED] = headers.pop("WWW-Authenticate")
            assert not response.get("isBase64Encoded")
            self.reply(response["statusCode"], headers, response["body"].encode())

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = handle_request

    return ApiGateway


def _event(method: str, path: str, query: str, headers: Message, body: bytes) -> Event:
    """A proxy event of a REST API, whose bodies are all binary."""
    parameters = parse_qs(query, keep_blank_values=True)
    request_id = str(uuid4())
    return {
        "httpMethod": method,
        "path": path,
        "headers": dict(headers.items()),
        "multiValueHeaders": {name: headers.get_all(name) for name in headers},
        "queryStringParameters": {name: given[-1] for name, given in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "httpMethod": method,
            "identity": {"sourceIp": "127.0.0.1"},
            "path": path,
            "requestId": request_id,
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


def _gateway_response(document: dict[str, Any], kind: str) -> Reply:
    response = document[f"{EXTENSION}gateway-responses"][kind]
    return _filled(response, "gatewayresponse.header.", "")


def _mock(integration: dict[str, Any], method: str, sent: Mapping[str, str]) -> Reply:
    response = integration["responses"]["default"]
    template = response.get("responseTemplates", {}).get("application/json", "")
    text, overrides = mappings.render(template, sent)
    templates = {"application/json": text}
    status, headers, body = _filled(
        response | {"responseTemplates": templates}, "method.response.header.", method
    )
    return status, {**headers, **overrides}, body


def _filled(response: dict[str, Any], prefix: str, method: str) -> Reply:
    """A response of API Gateway itself: mapped headers, and a template with variables."""
    context = {"requestId": str(uuid4()), "httpMethod": method}
    headers = {}
    for name, source in response["responseParameters"].items():
        literal = source.startswith("'")
        value = source.strip("'") if literal else context[source.removeprefix("context.")]
        headers[name.removeprefix(prefix)] = value
    body = response.get("responseTemplates", {}).get("application/json", "")
    for name, value in context.items():
        body = body.replace(f"$context.{name}", value)
    return int(response["statusCode"]), headers, body.encode()


@contextmanager
def serving(handler: type[QuietHandler]) -> Iterator[int]:
    """A server on loopback, for a while. Gives its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


@contextmanager
def running_zip(package: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The API of a package, dist/STAGE, for a while. Gives its URL.

    `folder` is where it may be unpacked; `environment` is what the process has beside what the
    template says.
    """
    template = json.loads((package / "sam.json").read_text())["Resources"]
    function = template["APIHandler"]["Properties"]
    api = template["RestAPI"]["Properties"]
    task = folder / "task"
    with ZipFile(package / "deployment.zip") as code:
        code.extractall(task)
    # As /var/task is.
    subprocess.run(["chmod", "-R", "a-w", str(task)], check=True)
    with (
        Function(
            task,
            function["Handler"],
            python=Path(sys.executable),
            environment={**environment, **function["Environment"]["Variables"]},
            cpus=os.sched_getaffinity(0),
        ) as running,
        serving(api_gateway(api["DefinitionBody"], api["StageName"], running)) as port,
    ):
        yield f"http://127.0.0.1:{port}/{api['StageName']}"
