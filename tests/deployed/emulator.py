"""An AWS account: ministack with IAM enforced, and with what its API Gateway leaves out.

Run as a process, `python -m tests.deployed.emulator`, with GATEWAY_PORT. What is added here, AWS
has:

- `ImportRestApi` and `PutRestApi`, which `chalice deploy` makes an API with; ministack makes an
  empty one of the first and does not know the second;
- of an imported document, the templates and responses of integrations, gateway responses, binary
  media types, the compression size, and the method that stands for any;
- the variables of a request in what a mock integration answers;
- an API's host is api-id.execute-api.region.amazonaws.com, and in its paths a percent-encoded slash
  is no slash;
- `WWW-Authenticate` of a function reaches the client as `x-amzn-Remapped-WWW-Authenticate`;
- a style of the user pool's sign-in pages, CodeDeploy's applications and deployment groups, web
  ACLs' associations, and alarms with metric math, of which nothing is kept: nothing is moved to a
  new version step by step;
- a function that is changed finishes what it is at;
- for IAM, a function that is created has its name, a table that is tagged too, and a log group ends
  in `:*`, but for its tags.

Each call with keys that are not the account's root's, if it is allowed, is a line in the file
CALLS_FILE.
"""

import copy
import json
import os
import re
import sys
from contextvars import ContextVar
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import ministack.app as application
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import apigateway_v1 as v1
from ministack.services.cloudformation import provisioners

Answer = tuple[int, dict[str, str], bytes]

ROOT = "test"
EXTENSION = "x-amazon-apigateway-"

answer_http = application.app
handle_request = v1.handle_request
import_rest_api = v1._import_rest_api
handle_execute = v1.handle_execute
import_path_item = v1._import_path_item
import_operation = v1._import_operation
invoke_mock = v1._invoke_mock_v1
invoke_lambda_proxy = v1._invoke_lambda_proxy_v1
rest_api_update = provisioners._apigw_rest_api_update
enforce = iam_evaluator.enforce
extract_resource_arn = iam_actions.extract_resource_arn
kill_workers = lambda_runtime.kill_workers
alarm_handlers = dict(provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"])

# The method of the request that is being answered.
asked: ContextVar[str] = ContextVar("asked", default="")


async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Answer:
    """Control-plane requests, with ImportRestApi and PutRestApi."""
    parts = path.strip("/").split("/")
    if method == "POST" and parts == ["restapis"] and "mode" in query:
        data = {}
        if "endpointConfigurationTypes" in query:
            data["endpointConfiguration"] = {"types": list(query["endpointConfigurationTypes"])}
        api_id = imported(json.loads(body), data)
        created: Answer = v1._v1_response(v1._rest_api_view(v1._rest_apis[api_id]), 201)
        return created
    if method == "PUT" and parts[0] == "restapis" and len(parts) == 2:
        overwrite(parts[1], json.loads(body))
        replaced: Answer = v1._v1_response(v1._rest_api_view(v1._rest_apis[parts[1]]), 200)
        return replaced
    answer: Answer = await handle_request(method, path, headers, body, query)
    return answer


def imported(document: dict[str, Any], data: dict[str, Any] | None = None) -> str:
    """Make an API of a document. Returns its id."""
    data = dict(data or {})
    if f"{EXTENSION}binary-media-types" in document:
        data["binaryMediaTypes"] = document[f"{EXTENSION}binary-media-types"]
    if data.get("minimumCompressionSize") is None:
        data["minimumCompressionSize"] = document.get(f"{EXTENSION}minimum-compression-size", 1024)
    api_id: str = import_rest_api(document, data)
    for kind, response in document.get(f"{EXTENSION}gateway-responses", {}).items():
        v1._put_gateway_response(api_id, kind, response)
    return api_id


def overwrite(api_id: str, document: dict[str, Any]) -> None:
    """Give an API the resources of another document, in one go."""
    other = imported(document)
    for store in (v1._resources, v1._gateway_responses, v1._authorizers_v1, v1._models):
        store[api_id] = store[other]
    v1._delete_rest_api(other)


def path_item(api_id: str, path: str, declared: dict[str, Any], *rest: Any) -> None:
    """Import what a path can do, also with any method that is not named."""
    declared = dict(declared)
    if f"{EXTENSION}any-method" in declared:
        declared["any"] = declared.pop(f"{EXTENSION}any-method")
    import_path_item(api_id, path, declared, *rest)


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Take requests to an API's own host, and keep its paths as they were sent."""
    headers = dict(scope.get("headers", []))
    api_id, called, _ = headers.get(b"host", b"").partition(b".execute-api.")
    if called:
        host = (b"host", api_id + b".execute-api.localhost")
        raw = scope["raw_path"].decode("ascii")
        scope = {
            **scope,
            "headers": [host, *(each for each in scope["headers"] if each[0] != b"host")],
            "path": unquote(re.sub("%2f", "%252F", raw, flags=re.IGNORECASE)),
        }
    await answer_http(scope, receive, send)


async def execute(api_id: str, stage: str, method: str, *rest: Any) -> Answer:
    """Answer a request of a client."""
    asked.set(method)
    answer: Answer = await handle_execute(api_id, stage, method, *rest)
    return answer


def mock(integration: dict[str, Any]) -> Answer:
    """Answer with a mock integration, which may speak of the request."""
    status, headers, body = invoke_mock(integration)
    request = {"requestId": str(uuid4()), "httpMethod": asked.get()}
    for name, value in request.items():
        body = body.replace(f"$context.{name}".encode(), value.encode())
        headers = {
            header: value if source == f"context.{name}" else source
            for header, source in headers.items()
        }
    return status, headers, body


async def lambda_proxy(*given: Any, **named: Any) -> Answer:
    """Answer with a function, with the header that API Gateway renames."""
    status, headers, body = await invoke_lambda_proxy(*given, **named)
    renamed = {
        f"x-amzn-Remapped-{name}" if name.lower() == "www-authenticate" else name: value
        for name, value in headers.items()
    }
    return status, renamed, body


def operation(api_id: str, resource_id: str, method: str, declared: Any, *rest: Any) -> None:
    """Import an operation with the templates and responses of its integration."""
    import_operation(api_id, resource_id, method, declared, *rest)
    integration = (declared or {}).get(f"{EXTENSION}integration")
    if integration:
        made = v1._resources[api_id][resource_id]["resourceMethods"][method]["methodIntegration"]
        made["requestTemplates"] = integration.get("requestTemplates", {})
        made["passthroughBehavior"] = integration.get("passthroughBehavior", "").upper()
        for pattern, response in integration.get("responses", {}).items():
            status = str(response["statusCode"])
            made["integrationResponses"][status] = {
                "statusCode": status,
                "selectionPattern": "" if pattern == "default" else pattern,
                "responseParameters": response.get("responseParameters", {}),
                "responseTemplates": response.get("responseTemplates", {}),
            }


def stack_update(api_id: str, old: Any, new: Any, *rest: Any, **named: Any) -> Any:
    """Update a stack's API in place, as CloudFormation does, instead of making another."""
    if new.get("Body") != old.get("Body"):
        overwrite(api_id, new["Body"])
        old = {**old, "Body": copy.deepcopy(new["Body"])}
    return rest_api_update(api_id, old, new, *rest, **named)


def retire(workers: list[Any]) -> None:
    """End the environments of an old version, each when it has answered."""

    def wait() -> None:
        for worker in workers:
            with worker._lock:
                kill_workers([worker])

    # They have calls of their own to make, which this thread handles.
    Thread(target=wait, daemon=True).start()


def resource_arn(
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: Any,
    region: str,
    account_id: str,
) -> str:
    """What a request is about, for IAM."""
    arn: str = extract_resource_arn(service, method, path, headers, body, query, region, account_id)
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if service == "logs" and ":log-group:" in arn and "Tag" not in action:
        return f"{arn}:*"
    if service == "dynamodb" and "ResourceArn" in (named := json.loads(body or b"{}")):
        tagged: str = named["ResourceArn"]
        return tagged
    if service == "lambda" and method == "POST" and path.rstrip("/").endswith("/functions"):
        name = json.loads(body)["FunctionName"]
        return f"arn:aws:lambda:{region}:{account_id}:function:{name}"
    return arn


def nothing(logical_id: str, *_: object) -> tuple[str, dict[str, str]]:
    """The physical id and the attributes of a resource of which nothing is kept."""
    return logical_id, {}


def alarm(logical_id: str, properties: Any, stack: str) -> Any:
    """The physical id and the attributes of an alarm."""
    create = nothing if "Metrics" in properties else alarm_handlers["create"]
    return create(logical_id, properties, stack)


def changed_alarm(physical_id: str, old: Any, new: Any, *rest: Any, **named: Any) -> Any:
    """The physical id and the attributes of an alarm that a stack changes."""
    if "Metrics" in new:
        return physical_id, {}
    return alarm_handlers["update"](physical_id, old, new, *rest, **named)


def recorded(
    access_key: str, action: str, service: str, region: str, *rest: Any, **named: Any
) -> Any:
    """Whether a request is allowed; what others than the root do is noted."""
    denied = enforce(access_key, action, service, region, *rest, **named)
    if denied is None and access_key not in {"", None, ROOT}:
        with Path(os.environ["CALLS_FILE"]).open("a") as file:
            file.write(f"{action} {named.get('resource_arn', '*')}\n")
    return denied


application.app = app
v1.handle_request = handle
v1._import_rest_api = imported
v1._OPENAPI_HTTP_METHODS = {*v1._OPENAPI_HTTP_METHODS, "any"}
v1.handle_execute = execute
v1._import_path_item = path_item
v1._import_operation = operation
v1._invoke_mock_v1 = mock
v1._invoke_lambda_proxy_v1 = lambda_proxy
provisioners._apigw_rest_api_update = stack_update
for kind in (
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Cognito::ManagedLoginBranding",
):
    provisioners._RESOURCE_HANDLERS[kind] = {"create": nothing}
provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"] |= {
    "create": alarm,
    "update": changed_alarm,
}
iam_evaluator.enforce = recorded
iam_actions.extract_resource_arn = resource_arn
lambda_runtime.kill_workers = retire

if __name__ == "__main__":
    from ministack.app import main

    sys.argv = sys.argv[:1]
    main()
