"""The packed app on another boto3 than the tests': Lambda brings its own, and changes it."""

import json

import pytest

from bench import handlers, measure
from bench.events import events


@pytest.mark.timeout(180)
def test_older_boto3() -> None:
    """The parts of botocore's session that aws_clients.py replaces are in that one too."""
    with measure.machine("runtime-older") as machine:
        (variant,) = measure.unpacked(machine, [handlers.app()])
        responses = {}
        with machine.start(variant) as function:
            for call, event in events(variant.candidate).items():
                output, _ = function.invoke(event)
                responses[call] = json.loads(output)

    assert {call: response["statusCode"] for call, response in responses.items()} == {
        "get": 200,
        "post": 201,
        "list": 200,
    }
    assert len(json.loads(responses["list"]["body"])["items"]) == 25
