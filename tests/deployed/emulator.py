"""An AWS account: ministack with IAM enforced, and with what its API Gateway leaves out.

Run as a process, `python -m tests.deployed.emulator`, with GATEWAY_PORT. What is added here, AWS
has:

- `ImportRestApi` and `PutRestApi`, which `chalice deploy` makes an API with; ministack makes an
  empty one of the first and does not know the second;
- of an imported document, the templates and responses of integrations, gateway responses, binary
  media types, the compression size, and the method that stands for any;
- the variables of a request in what a mock integration answers, and the header that a template
  sets;
- a document with a mapping that is not allowed is refused (mappings.py);
- an API's host is api-id.execute-api.region.amazonaws.com, and in its paths a percent-encoded slash
  is no slash;
- `WWW-Authenticate` of a function reaches the client as `x-amzn-Remapped-WWW-Authenticate`;
- a style of the user pool's sign-in pages, CodeDeploy's applications and deployment groups, web
  ACLs' associations, and alarms with metric math, of which nothing is kept: nothing is moved to a
  new version step by step;
- an index that is being created cannot be queried, and no other one of its table be created;
- a version of a function is published only if the function differs from its last version;
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
from threading import Thread, Timer
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import ministack.app as application
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import apigateway_v1 as v1
from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from tests.deployed import mappings
from tests.deployed.mappings import BadRequest

Response = tuple[int, dict[str, str], bytes]

ROOT = "test"
# What a version of a function has of its own. Tags and reserved concurrency are not among it.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
OWN_TO_VERSIONS = (
    *("CodeSha256", "Description", "Environment", "Handler", "LoggingConfig", "MemorySize"),
    *("Role", "Runtime", "Timeout", "TracingConfig", "VpcConfig"),
)
# On AWS, the index of an empty table takes minutes.
CREATING_SECONDS = 3
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
ddb_update_table = dynamodb._update_table
ddb_query = dynamodb._query
create_version = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Version"]["create"]
alarm_handlers = dict(provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"])

# The method and the headers of the request that is being answered.
asked: ContextVar[tuple[str, dict[str, str]]] = ContextVar("asked", default=("", {}))


async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Response:
    """Control-plane requests, with ImportRestApi and PutRestApi."""
    try:
        return await handled(method, path, headers, body, query)
    except BadRequest as error:
        refused: Response = v1._v1_error("BadRequestException", str(error), 400)
        return refused


async def handled(method: str, path: str, headers: Any, body: bytes, query: Any) -> Response:
    """Control-plane requests whose document API Gateway accepts."""
    parts = path.strip("/").split("/")
    if method == "POST" and parts == ["restapis"] and "mode" in query:
        data = {}
        if "endpointConfigurationTypes" in query:
            data["endpointConfiguration"] = {"types": list(query["endpointConfigurationTypes"])}
        api_id = imported(json.loads(body), data)
        created: Response = v1._v1_response(v1._rest_api_view(v1._rest_apis[api_id]), 201)
        return created
    if method == "PUT" and parts[0] == "restapis" and len(parts) == 2:
        overwrite(parts[1], json.loads(body))
        replaced: Response = v1._v1_response(v1._rest_api_view(v1._rest_apis[parts[1]]), 200)
        return replaced
    response: Response = await handle_request(method, path, headers, body, query)
    return response


def imported(document: dict[str, Any], data: dict[str, Any] | None = None) -> str:
    """Make an API of a document. Returns its id."""
    mappings.check(document)
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


async def execute(
    api_id: str, stage: str, method: str, path: str, headers: dict[str, str], *rest: Any
) -> Response:
    """Respond to a request of a client."""
    asked.set((method, headers))
    response: Response = await handle_execute(api_id, stage, method, path, headers, *rest)
    return response


def mock(integration: dict[str, Any]) -> Response:
    """Respond with a mock integration, which may speak of the request."""
    status, headers, body = invoke_mock(integration)
    method, sent = asked.get()
    text, overrides = mappings.render(body.decode(), sent)
    body = text.encode()
    request = {"requestId": str(uuid4()), "httpMethod": method}
    for name, value in request.items():
        body = body.replace(f"$context.{name}".encode(), value.encode())
        headers = {
            header: value if source == f"context.{name}" else source
            for header, source in headers.items()
        }
    return status, headers | overrides, body


def update_table(request: dict[str, Any]) -> Response:
    """Update a table. A new index is being created for a while, and one is created at a time.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html
    """
    table = dynamodb._tables.get(request.get("TableName", "").rpartition("/")[2], {})
    # Those that a stack has created have no status, and are the template's own objects.
    indexes = [{"IndexStatus": "ACTIVE"} | i for i in table.get("GlobalSecondaryIndexes", [])]
    if indexes:
        table["GlobalSecondaryIndexes"] = indexes
    changes = request.get("GlobalSecondaryIndexUpdates", [])
    if len([each for each in changes if "Create" in each or "Delete" in each]) > 1:
        refused: Response = dynamodb.error_response_json(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted "
            "simultaneously per table",
            400,
        )
        return refused
    if changes and any(each["IndexStatus"] == "CREATING" for each in indexes):
        in_use: Response = dynamodb.error_response_json(
            "ResourceInUseException", "Attempt to change a resource which is still in use", 400
        )
        return in_use
    response: Response = ddb_update_table(request)
    created = {each["Create"]["IndexName"] for each in changes if "Create" in each}
    if response[0] == 200:
        for index in table.get("GlobalSecondaryIndexes", []):
            if index["IndexName"] in created:
                index["IndexStatus"] = "CREATING"
                Timer(CREATING_SECONDS, index.update, [{"IndexStatus": "ACTIVE"}]).start()
    return response


def query(request: dict[str, Any]) -> Response:
    """Query a table or an index, which must not be one that is being created."""
    table = dynamodb._tables.get(request.get("TableName", ""), {})
    for index in table.get("GlobalSecondaryIndexes", []):
        creating = index.get("IndexStatus") == "CREATING"
        if creating and index["IndexName"] == request.get("IndexName"):
            refused: Response = dynamodb.error_response_json(
                "ValidationException",
                f"Cannot read from backfilling global secondary index: {index['IndexName']}",
                400,
            )
            return refused
    response: Response = ddb_query(request)
    return response


def version(logical_id: str, properties: Any, stack: str) -> Any:
    """Publish a version of a function that differs from the last version.

    https://github.com/aws/serverless-application-model/issues/3281
    """
    function, _ = provisioners._lambda_version_function(properties)
    versions = (function or {}).get("versions", {})
    if versions:
        latest = max(versions, key=int)
        before, after = versions[latest]["config"], function["config"]
        if all(before.get(each) == after.get(each) for each in OWN_TO_VERSIONS):
            raise ValueError(
                f"A version for this Lambda function exists ( {latest} ). Modify the function to "
                "create a new version."
            )
    return create_version(logical_id, properties, stack)


async def lambda_proxy(*given: Any, **named: Any) -> Response:
    """Respond with a function, with the header that API Gateway renames."""
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
provisioners._RESOURCE_HANDLERS["AWS::Lambda::Version"]["create"] = version
dynamodb._update_table = update_table
dynamodb._query = query
iam_evaluator.enforce = recorded
iam_actions.extract_resource_arn = resource_arn
lambda_runtime.kill_workers = retire

if __name__ == "__main__":
    from ministack.app import main

    sys.argv = sys.argv[:1]
    main()
