"""The OpenAPI document: valid, complete, and equal to the code."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Struct
from openapi_spec_validator import OpenAPIV31SpecValidator

from app import app
from chalicelib import settings
from chalicelib.errors import DeclarationError
from chalicelib.http.api import OPENAPI_FILE, declared_routes, openapi_text
from chalicelib.http.operations import CustomOperation, Route
from chalicelib.models import RESOURCES, TODOS
from infra.docs import openapi
from tests.client import Client
from tests.conftest import PROJECT
from tests.samples import SAMPLES


@pytest.fixture
def document(in_process: Client) -> Any:
    """The document, as it is served."""
    return in_process.get("/openapi.json").json


def operations(document: Any) -> dict[tuple[str, str], Any]:
    """The operations by path and method."""
    return {
        (path, method.upper()): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_document_is_valid_openapi_3_1(document: Any) -> None:
    """The specification's own schema accepts it, and every reference leads somewhere."""
    assert document["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_route_is_in_the_document(document: Any) -> None:
    """What app.py has, the document has, and nothing else. HEAD goes without saying."""
    routed = {
        (path, method): entry
        for path, methods in app.routes.items()
        for method, entry in methods.items()
        if method != "HEAD"
    }
    described = operations(document)

    assert set(described) == set(routed)
    for place, operation in described.items():
        summary = (routed[place].view_function.__doc__ or "").strip().splitlines()[0].rstrip(".")
        assert operation["summary"] == summary
        assert "`" not in operation["summary"]
        assert re.fullmatch(r"[a-z]+([A-Z][a-z0-9]+)*", operation["operationId"])
    names = [operation["operationId"] for operation in described.values()]
    assert len(set(names)) == len(names)
    assert {"createUser", "listProducts", "readTodo", "replaceReview", "patchUser"} <= set(names)


def test_every_operation_documents_its_errors(document: Any) -> None:
    """Failures are problem documents; those that a retry may mend say when."""
    responses = document["components"]["responses"]
    for (path, _), operation in operations(document).items():
        statuses = {int(status) for status in operation["responses"]}
        assert {429, 500, 502, 503, 504} <= statuses
        if path.split("/")[1] in {resource.name for resource in RESOURCES}:
            assert 400 in statuses
        if "requestBody" in operation:
            assert {413, 415} <= statuses
            assert operation["requestBody"]["required"] is True
        if path.endswith("{key}"):
            assert {404, 412} <= statuses
    for response in responses.values():
        assert set(response["content"]) == {"application/problem+json"}
        assert "X-Request-Id" in response["headers"]
        (content,) = response["content"].values()
        assert content["example"]["title"] == response["description"]
    assert "Retry-After" in responses["ServiceUnavailable"]["headers"]
    assert "Retry-After" in responses["TooManyRequests"]["headers"]


def test_documented_headers(document: Any) -> None:
    """ETag, Link, Location, preconditions and Idempotency-Key, where they belong."""
    described = operations(document)

    created = described["/todos", "POST"]["responses"]["201"]["headers"]
    assert {"ETag", "Location", "Idempotency-Replayed", "X-Request-Id"} <= set(created)
    assert "Link" in described["/todos", "GET"]["responses"]["200"]["headers"]
    assert "304" in described["/todos/{key}", "GET"]["responses"]
    assert {"$ref": "#/components/parameters/If-Match"} in described["/todos/{key}", "PATCH"][
        "parameters"
    ]
    assert {"$ref": "#/components/parameters/Idempotency-Key"} in described["/todos", "POST"][
        "parameters"
    ]


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_examples_are_accepted(document: Any, in_process: Client, sample: Any) -> None:
    """What a reader copies from it works: it refers to nothing that may not be there."""
    schemas = document["components"]["schemas"]
    noun = sample.noun.capitalize()
    (body,) = schemas[f"New{noun}"]["examples"]

    created = in_process.post(sample.path, body)

    assert created.status in {201, 409}
    (item,) = schemas[noun]["examples"]
    assert set(schemas[noun]["required"]) <= set(item) <= set(schemas[noun]["properties"])


def test_schemas_match_the_models(document: Any) -> None:
    """Bounds, patterns, defaults and what may be left out."""
    schemas = document["components"]["schemas"]

    price = schemas["Product"]["properties"]["price"]
    assert (price["minimum"], float(price["maximum"])) == (0, 999999999.99)
    assert "multipleOf" not in price
    assert price["description"] == "At most 2 decimals."
    assert schemas["NewTodo"]["properties"]["status"]["default"] == "pending"
    assert schemas["NewTodo"]["required"] == ["task"]
    assert set(schemas["User"]["required"]) == {"userId", "name", "createdAt", "updatedAt", "etag"}
    assert schemas["UserWithKey"]["required"] == ["userId", "name"]
    assert {"type": "null"} in schemas["UserChanges"]["properties"]["email"]["anyOf"]
    limit = next(
        each
        for each in document["paths"]["/products"]["get"]["parameters"]
        if each.get("name") == "limit"
    )
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 25}


def members(value: Any, name: str) -> list[Any]:
    """All values of a member, anywhere in the document."""
    if isinstance(value, list):
        return [found for each in value for found in members(each, name)]
    if not isinstance(value, dict):
        return []
    own = [value[name]] if isinstance(value.get(name), str | int | float | Decimal | bool) else []
    return own + [found for each in value.values() for found in members(each, name)]


def test_patterns_are_shared_by_all_languages(document: Any) -> None:
    """No lookaround, no escapes but of punctuation: JSON Schema's section 6.4, and RE2."""
    patterns = set(members(document, "pattern"))

    assert len(patterns) >= 5
    for pattern in patterns:
        assert not re.search(r"\(\?|\\[A-Za-z0-9]", pattern), pattern
        # It holds for the whole text, wherever a validator begins to match.
        assert (pattern[0], pattern[-1]) == ("^", "$")
    assert members(document, "multipleOf") == []


def test_requests_are_closed_and_responses_are_open(document: Any) -> None:
    """A new member of a response is no breaking change."""
    schemas = document["components"]["schemas"]
    closed = {name for name, each in schemas.items() if each.get("additionalProperties") is False}

    for noun in ("User", "Product", "Todo", "Review"):
        assert {f"New{noun}", f"{noun}Changes"} <= closed
        assert {noun, f"{noun}Page"} & closed == set()
    assert {"Problem", "Root", "Health"} & closed == set()


def test_schemas_are_used_and_parameters_described(document: Any) -> None:
    """What linters ask for, and a license."""
    references = {each.rpartition("/")[2] for each in members(document, "$ref")}

    assert document["components"]["schemas"].keys() <= references
    assert document["info"]["license"]["identifier"] == "Apache-2.0"
    parameters = [
        parameter
        for operation in operations(document).values()
        for parameter in operation.get("parameters", [])
        if "$ref" not in parameter
    ]
    parameters += document["components"]["parameters"].values()
    assert [each["name"] for each in parameters if not each.get("description")] == []


class User(Struct, forbid_unknown_fields=True):
    """The answer of an action, with the name of a resource's item."""

    x: int


class Odd(Struct):
    """The answer of an action, with a type that JSON does not have."""

    x: complex


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            User,
            "A CustomOperation's Struct is named User, as a schema of the API's own: rename it",
        ),
        (Odd, r"A CustomOperation's body or answer \(Odd\) has a type without a JSON schema"),
    ],
)
def test_struct_that_cannot_be_described(answer: type[Struct], message: str) -> None:
    """A sentence, and no document that is wrong."""
    action = Route(
        path="/todos/{key}/odd",
        method="POST",
        name="do_odd",
        doc="Do it.",
        operation=CustomOperation(TODOS, answer=answer),
    )
    with pytest.raises(DeclarationError, match=message):
        openapi.document([*declared_routes(app), action], "x")


def test_document_is_imported_on_demand() -> None:
    """The code of the page is not loaded when the app starts, nor is that of the document."""
    code = "import sys, app; sys.exit(any(m in sys.modules for m in sys.argv[1:]))"
    lazy = ["infra.docs.openapi", "chalicelib.http.docs_page"]

    started = subprocess.run([sys.executable, "-c", code, *lazy], cwd=PROJECT, check=False)

    assert started.returncode == 0


def test_committed_document() -> None:
    """`make openapi` has been run since the routes or the models changed."""
    assert OPENAPI_FILE.read_text() == openapi.text()


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://shop.example/", "https://shop.example/.well-known/openid-configuration"),
        ("none", None),
    ],
)
def test_issuer_and_path_of_the_served_document(
    monkeypatch: pytest.MonkeyPatch, issuer: str, url: str | None
) -> None:
    """The API puts its path and its issuer into the file; in an open stage, nobody signs in."""
    monkeypatch.setattr(settings, "OIDC_ISSUER", issuer)
    served = json.loads(openapi_text.__wrapped__("/dev"))

    assert list(OpenAPIV31SpecValidator(served).iter_errors()) == []
    assert served["servers"] == [{"url": "/dev"}]
    schemes = served["components"]["securitySchemes"]
    assert schemes.get("signIn", {}).get("openIdConnectUrl") == url
    security = served["paths"]["/products"]["post"]["security"]
    assert security == ([{"accessToken": []}, {"signIn": []}] if url else [{}])
