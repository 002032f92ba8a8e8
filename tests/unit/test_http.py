"""What http.py does with an event that the houses of the contract tests do not send."""

import json
from typing import Any

import pytest

from app import app
from tests.client import Client


def event(path: str, route: str, **context: str) -> dict[str, Any]:
    """An event as API Gateway sends it for a GET or, with a body, a POST."""
    return {
        "requestContext": {
            "resourcePath": route,
            "path": path,
            "httpMethod": "POST",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            **context,
        },
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": {},
        "stageVariables": None,
        "body": '{"task": "Dust"}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("path", "location"),
    [("/dev/todos", "/dev/todos/"), ("/todos", "/todos/"), ("/shop/v1/todos/", "/shop/v1/todos/")],
)
def test_places_are_right_under_any_prefix(in_process: Client, path: str, location: str) -> None:
    """Location starts with the stage, or with the base path of a custom domain."""
    answer = app(event(path, "/todos"), None)

    assert answer["headers"]["Location"] == location + json.loads(answer["body"])["id"]


@pytest.mark.parametrize(
    ("path", "link"), [("/dev", "/dev/todos"), ("/dev/", "/dev/todos"), ("/", "/todos")]
)
def test_links_are_right_under_any_prefix(path: str, link: str) -> None:
    """The links at the root are those of the stage."""
    answer = app(event(path, "/", httpMethod="GET"), None)

    assert json.loads(answer["body"])["links"]["todos"] == link


def test_the_request_id_is_api_gateways(in_process: Client) -> None:
    """The id that API Gateway logs is the one in the response."""
    answer = app(event("/dev/todos", "/todos"), None)

    assert answer["headers"]["X-Request-Id"] == "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


def test_an_event_that_is_no_request_gets_a_problem_document() -> None:
    """The function may be invoked with anything; it answers in its own form."""
    answer = app({"Records": []}, None)

    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["detail"] == "This is not a request that the API can read."
    assert answer["headers"]["Access-Control-Allow-Origin"] == "*"


def test_a_body_in_base64_is_read(in_process: Client) -> None:
    """API Gateway encodes bodies that it takes for binary."""
    sent = event("/todos", "/todos") | {"body": "eyJ0YXNrIjogIkR1c3QifQ==", "isBase64Encoded": True}

    assert json.loads(app(sent, None)["body"])["task"] == "Dust"
