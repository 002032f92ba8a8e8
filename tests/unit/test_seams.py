"""Extension points: actions, Blueprints, a second path, events that are not HTTP."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from chalice import Blueprint, NotFoundError
from chalice.test import Client as ChaliceClient
from msgspec import Struct
from openapi_spec_validator import OpenAPIV31SpecValidator

from chalicelib.context import CallContext, Caller, IdempotencyKey
from chalicelib.errors import Conflict, DeclarationError, DomainError, NotFound, PreconditionFailed
from chalicelib.http.api import Api, InvocationFailed, declared_routes
from chalicelib.http.operations import Create, CustomOperation, List, Read
from chalicelib.http.requests import Request
from chalicelib.http.responses import created, ok, ok_or_not_modified, ok_page
from chalicelib.models import TODOS
from chalicelib.storage.attributes import Row
from chalicelib.storage.collection import Collection
from chalicelib.storage.expressions import Expression
from infra.docs import openapi
from tests import sign_in
from tests.client import Client, InProcess
from tests.samples import unique


class Move(Struct, forbid_unknown_fields=True):
    """The body of an action."""

    position: int


class Moved(Struct):
    """The answer of an action."""

    position: int


class TodoIsDone(Conflict):
    """An error of an action's own."""

    def __init__(self, key: str) -> None:
        Exception.__init__(self, f"Todo '{key}' is done already")


class NotDone(Struct, frozen=True):
    """A rule about the stored todo, as a Guard."""

    key: str

    def condition(self, expression: Expression) -> str:
        return f"{expression.name('status')} <> {expression.value({'S': 'done'})}"

    def refusal(self, row: Row | None) -> DomainError | None:
        return TodoIsDone(self.key) if row and row["status"] == {"S": "done"} else None


def extended() -> Api:
    """An API with a route of each kind that app.py does not have."""
    app = Api("extended")
    todos = Collection(TODOS)
    errors = (NotFound, PreconditionFailed, TodoIsDone)

    @app.route("/openapi.json", methods=["GET"])
    def read_openapi(request: Request) -> Any:
        """Return the OpenAPI document."""
        return openapi.document(declared_routes(app), app.app_name)

    @app.route("/todos", methods=["POST"], operation=Create(TODOS))
    def create_todo(request: Request) -> Any:
        """Create a todo."""
        return created(request, todos.create(request.body(), request.context))

    @app.route("/todos", methods=["GET"], operation=List(TODOS))
    def list_todos(request: Request) -> Any:
        """List todos."""
        return ok_page(request, todos.page(request.query, request.context))

    @app.route(
        "/todos/{key}/done", methods=["POST"], operation=CustomOperation(TODOS, errors=errors)
    )
    def finish_todo(request: Request, key: str) -> Any:
        """Mark a todo as done."""
        return ok(todos.patch(key, {"status": "done"}, request.context, NotDone(key)))

    @app.route(
        "/todos/{key}/position",
        methods=["POST"],
        operation=CustomOperation(TODOS, body=Move, answer=Moved, errors=(NotFound,)),
    )
    def move_todo(request: Request, key: str) -> Any:
        """Move a todo."""
        todos.read(key, request.context)
        return ok({"position": request.body_as(Move).position})

    @app.route("/plain/{name}", methods=["GET"])
    def read_plain(request: Request, name: str) -> Any:
        """Return a value, as a plain Chalice view does."""
        if name == "missing":
            raise NotFoundError("No such name")
        return {"hello": name, "host": bool(request.id)}

    second = Blueprint(__name__)

    @second.route("/todos", methods=["POST"], operation=Create(TODOS))
    def create_todo_v2(request: Request) -> Any:
        """Create a todo."""
        return created(request, todos.create(request.body(), request.context))

    @second.route("/todos/{key}", methods=["GET"], operation=Read(TODOS))
    def read_todo_v2(request: Request, key: str) -> Any:
        """Read a todo."""
        return ok_or_not_modified(request, todos.read(key, request.context))

    app.register_blueprint(second, url_prefix="/v2")
    return app


@pytest.fixture
def app() -> Api:
    """The extended API."""
    return extended()


@pytest.fixture
def api(app: Api, in_process: Client) -> Client:
    """A client of the extended API, on the tables of the in-process one."""
    del in_process
    return Client(InProcess(app), sign_in.staff())


def test_action_route(api: Client) -> None:
    """An action changes an item, with preconditions, errors and statuses like any other route."""
    todo = api.create("/todos", {"task": "Dust"})
    path = f"/todos/{todo['id']}/done"

    assert api.post(path, If_Match='"x"').status == 412
    done = api.post(path, If_Match=todo["etag"])
    assert (done.status, done.json["status"]) == (200, "done")
    assert done.headers["etag"] == done.json["etag"]
    again = api.post(path)
    assert again.status == 409
    assert again.json["detail"] == f"Todo '{todo['id']}' is done already"
    assert api.post(f"/todos/{unique()}/done").status == 404


def test_action_route_with_an_idempotency_key(api: Client) -> None:
    """A repeated action gets the first response, and is not done again."""
    todo = api.create("/todos", {"task": "Dust"})
    path, key = f"/todos/{todo['id']}/done", unique()

    first, second = (api.post(path, Idempotency_Key=key, If_Match=todo["etag"]) for _ in range(2))

    assert (first.status, first.json["status"]) == (200, "done")
    assert (second.status, second.body) == (200, first.body)
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert api.get("/todos?limit=1&status=done").json["items"][0] == first.json
    assert api.post("/todos", {"task": "x"}, Idempotency_Key=key).status == 422


def test_action_route_with_its_own_body_and_answer(api: Client) -> None:
    """Wrong fields of an action's body are named as those of a resource are."""
    todo = api.create("/todos", {"task": "Dust"})
    path = f"/todos/{todo['id']}/position"

    assert api.post(path, {"position": 3}).json == {"position": 3}
    refused = api.post(path, {"position": 3}, Idempotency_Key=unique())
    assert refused.problems == {"Idempotency-Key": "is not supported by this operation"}
    wrong = api.post(path, {"position": "x", "colour": "red"})
    assert wrong.status == 400
    assert wrong.problems == {
        "position": "must be an integer",
        "colour": "is not a field of a request",
    }


def test_undeclared_route(api: Client) -> None:
    """A plain Chalice view works: it may return a dict and raise Chalice's errors."""
    response = api.get("/plain/Ada%20L")
    missing = api.get("/plain/missing")

    assert response.json == {"hello": "Ada L", "host": True}
    assert response.headers["content-type"] == "application/json"
    assert missing.status == 404
    assert missing.headers["content-type"] == "application/problem+json"


def test_second_path(api: Client) -> None:
    """Other routes serve the same resource from the same table; links have their own path."""
    made = api.post("/v2/todos", {"task": "Dust"})
    key = made.json["id"]

    assert made.headers["location"] == f"/v2/todos/{key}"
    assert api.get(f"/v2/todos/{key}").json == made.json
    assert made.json in api.get("/todos?limit=5").json["items"]


def test_every_route_is_documented(api: Client, app: Api) -> None:
    """The OpenAPI document has actions, Blueprints and undeclared routes, and is valid."""
    document = api.get("/openapi.json").json
    paths = document["paths"]
    done = paths["/todos/{key}/done"]["post"]
    move = paths["/todos/{key}/position"]["post"]

    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert set(paths) == set(app.routes)
    assert done["tags"] == ["todos"]
    assert "requestBody" not in done
    assert {"200", "404", "409", "412", "422"} <= set(done["responses"])
    assert "413" not in done["responses"]
    assert {"400", "404", "413", "415"} <= set(move["responses"])
    assert "422" not in move["responses"]
    assert move["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Move"
    }
    assert document["components"]["schemas"]["Moved"]["properties"]["position"] == {
        "type": "integer"
    }
    assert paths["/v2/todos"]["post"]["operationId"] == "createTodoV2"
    assert paths["/plain/{name}"]["get"]["parameters"][0]["name"] == "name"


def test_every_route_is_logged(api: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """The log line has the method, the path's template and the view's name."""
    todo = api.create("/v2/todos", {"task": "Dust"})
    api.post(f"/todos/{todo['id']}/done")

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["method"], each["route"], each["operation"]) for each in lines] == [
        ("POST", "/v2/todos", "create_todo_v2"),
        ("POST", "/todos/{key}/done", "finish_todo"),
    ]


def test_idempotency_keys_belong_to_the_caller(in_process: Client) -> None:
    """Two callers with one key create two items, and neither sees the other's."""
    del in_process
    todos, key = Collection(TODOS), IdempotencyKey(unique(), "fingerprint")
    contexts = [
        CallContext(caller=caller, idempotency_key=key)
        for caller in (Caller("sue"), Caller("ada"), Caller("bob"))
    ]

    first = [todos.create({"task": "Dust"}, context) for context in contexts]
    again = [todos.create({"task": "Dust"}, context) for context in contexts]

    assert len({item.key for item in first}) == 3
    assert [item.key for item in again] == [item.key for item in first]
    assert all(item.replayed for item in again)


def test_a_collection_refuses_a_call_without_a_context() -> None:
    """No route can leave the caller out."""
    with pytest.raises(TypeError, match="context"):
        Collection(TODOS).read("x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="caller"):
        CallContext()  # type: ignore[call-arg]


@pytest.fixture
def events() -> Iterator[ChaliceClient]:
    """An API with functions that are not HTTP requests."""
    app = Api("events")

    @app.schedule("rate(1 hour)")
    def clean(event: Any) -> str:
        return "done"

    @app.on_sqs_message(queue="orders")
    def receive(event: Any) -> None:
        raise KeyError("secret@shop.example")

    with ChaliceClient(app, stage_name="local") as client:
        yield client


def test_scheduled_function_is_logged(
    events: ChaliceClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """An invocation that is not an HTTP request is one JSON line, too."""
    event = events.events.generate_cw_event("aws.events", "Scheduled Event", {}, [])

    assert events.lambda_.invoke("clean", event).payload == "done"

    (line,) = capsys.readouterr().out.splitlines()
    logged = json.loads(line)
    assert (logged["level"], logged["event"]) == ("INFO", "CloudWatchEvent")
    assert logged.keys() >= {"requestId", "function", "milliseconds", "dynamodbCalls"}


def test_failing_function_is_redacted(
    events: ChaliceClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error is logged with its type and stack; what is raised contains nothing of the event."""
    event = events.events.generate_sqs_event(["secret@shop.example"], queue_name="orders")

    with pytest.raises(InvocationFailed) as failure:
        events.lambda_.invoke("receive", event)

    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["error"] == "KeyError"
    assert "secret" not in line + str(failure.value)
    assert failure.value.__cause__ is None


def test_job_in_a_blueprint_is_refused() -> None:
    """Lambda would import its module without the app: no middleware, no log line."""
    api = Api(app_name="jobs")
    jobs = Blueprint("chalicelib.jobs")

    @jobs.schedule("rate(1 day)")
    def sweep_up(_: Any) -> None:
        """Sweep up."""

    with pytest.raises(DeclarationError, match=r"sweep_up is in a Blueprint.* in app\.py"):
        api.register_blueprint(jobs)
