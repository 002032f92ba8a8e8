"""Change events: what stream records become, and what is reported if the bus refuses them."""

import json
from collections.abc import Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from chalicelib.events import bus, changes, handler
from chalicelib.events.changes import change_event
from chalicelib.models import RESOURCES, USERS
from chalicelib.storage.attributes import encode_row

CONTEXT = SimpleNamespace(aws_request_id="request")
STAMPS = {
    "createdAt": "2026-11-20T09:30:00.000Z",
    "updatedAt": "2026-11-20T09:31:00.125Z",
    "etag": '"5f0c"',
}
NAMES = {"INSERT": "NewImage", "REMOVE": "OldImage"}


def record(name: str, table: str, *images: dict[str, Any], number: int = 1) -> dict[str, Any]:
    """A stream record: of an insert or a removal with one image, of an update with two."""
    kinds = ("OldImage", "NewImage") if name == "MODIFY" else (NAMES[name],)
    rows = {kind: encode_row(STAMPS | image) for kind, image in zip(kinds, images, strict=True)}
    return {
        "eventID": f"event-{number}",
        "eventName": name,
        "eventSourceARN": f"arn:aws:dynamodb:eu-west-1:1:table/storefront-local-{table}/stream/1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1763631060,
            "SequenceNumber": str(number),
            **rows,
        },
    }


TEAPOT = {"id": "teapot", "name": "Teapot", "price": Decimal("34.55"), "collection": "products"}
ADA = {"userId": "ada", "name": "Ada", "email": "ada@shop.example", "collection": "users"}


def test_created() -> None:
    """A CloudEvent with the item as the API shows it; hidden attributes stay out."""
    assert change_event(record("INSERT", "products", TEAPOT)) == {
        "specversion": "1.0",
        "id": "event-1",
        "source": "/storefront/local/products",
        "type": "product.created",
        "subject": "teapot",
        "time": "2025-11-20T09:31:00.000Z",
        "datacontenttype": "application/json",
        "data": {
            "item": {
                "id": "teapot",
                "name": "Teapot",
                "price": Decimal("34.55"),
                "description": "",
                **STAMPS,
            }
        },
    }


def test_updated() -> None:
    """The names of the fields that have changed, added and removed ones included."""
    before = {"id": "r", "review": "Fine.", "rating": 4, "etag": '"1"', "createdBy": "ada"}
    after = {"id": "r", "review": "Fine.", "name": "Ada", "etag": '"2"'}

    event = change_event(record("MODIFY", "reviews", before, after))

    assert event is not None
    assert event["type"] == "review.updated"
    assert event["data"]["changed"] == ["name", "rating"]
    assert event["data"]["item"]["etag"] == '"2"'


def test_deleted() -> None:
    """The item as it was."""
    event = change_event(record("REMOVE", "products", TEAPOT))

    assert event is not None
    assert event["type"] == "product.deleted"
    assert event["data"]["item"]["name"] == "Teapot"


def test_write_that_no_client_sees() -> None:
    """Make backfill completes items, whose etag stays."""
    assert change_event(record("MODIFY", "products", TEAPOT, TEAPOT | {"description": ""})) is None


def test_owned_item() -> None:
    """The key is the client's, and the owner is known."""
    todo = {"id": "ada#t1", "task": "Dust", "status": "pending", "statusOfOwner": "ada#pending"}

    event = change_event(record("INSERT", "todos", todo))

    assert event is not None
    assert (event["subject"], event["data"]["owner"]) == ("t1", "ada")
    assert event["data"]["item"]["id"] == "t1"
    assert "statusOfOwner" not in json.dumps(event)


def test_deleted_item_of_an_owner() -> None:
    """Its owner may have been erased: the texts are not sent once more."""
    todo = {"id": "ada#t1", "task": "See the doctor", "status": "pending"}

    event = change_event(record("REMOVE", "todos", todo))

    assert event is not None
    assert event["data"] == {"owner": "ada", "item": {"id": "t1", **STAMPS}}


def test_item_without_an_owner() -> None:
    """No client sees it: make backfill replaces it by one with an owner."""
    assert change_event(record("REMOVE", "todos", {"id": "t1", "task": "Dust"})) is None


def test_default_of_a_new_field_is_no_change() -> None:
    """The item was stored before the field was declared, and clients saw its default."""
    before = TEAPOT | {"etag": '"1"'}

    event = change_event(
        record("MODIFY", "products", before, before | {"description": "", "etag": '"2"'})
    )

    assert event is not None
    assert event["data"]["changed"] == []


def test_personal_fields_stay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the declaration lists them."""
    event = change_event(record("INSERT", "users", ADA))
    assert event is not None
    assert set(event["data"]["item"]) == {"userId", *STAMPS}

    declared = structs.replace(USERS, personal_in_events=frozenset({"name"}))
    monkeypatch.setattr(changes, "RESOURCES", (declared, *RESOURCES[1:]))
    event = change_event(record("INSERT", "users", ADA))
    assert event is not None
    assert set(event["data"]["item"]) == {"userId", "name", *STAMPS}


class Bus:
    """The answers of PutEvents: `refused` are the numbers of the events that it refuses."""

    def __init__(self) -> None:
        self.requests: list[list[Any]] = []
        self.refused: set[int] = set()
        self.failing = False
        self.code = "ThrottlingException"

    def answer(self, params: dict[str, Any], **_: Any) -> Any:
        """The response, in place of a request."""
        if self.failing:
            error = {"Error": {"Code": "InternalFailure", "Message": ""}}
            return SimpleNamespace(status_code=500), error | {"ResponseMetadata": {}}
        entries = json.loads(params["body"])["Entries"]
        begin = sum(map(len, self.requests))
        self.requests.append(entries)
        results = [
            {"ErrorCode": self.code} if begin + number in self.refused else {"EventId": "e"}
            for number in range(len(entries))
        ]
        return SimpleNamespace(status_code=200), {"Entries": results}


@pytest.fixture
def event_bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    """A bus that answers in place of EventBridge."""
    monkeypatch.setenv("EVENT_BUS", "storefront-local")
    made = Bus()
    bus.client.meta.events.register_first("before-call.eventbridge.PutEvents", made.answer)
    yield made
    bus.client.meta.events.unregister("before-call.eventbridge.PutEvents", made.answer)


def batch(count: int, **fields: Any) -> dict[str, Any]:
    """A batch of inserts."""
    items = [TEAPOT | {"id": f"p{number}"} | fields for number in range(count)]
    return {
        "Records": [
            record("INSERT", "products", item, number=number) for number, item in enumerate(items)
        ]
    }


def test_requests_have_the_size_that_eventbridge_takes(event_bus: Bus) -> None:
    """At most ten entries, and 256 KB; in the order of the stream."""
    assert handler.handle(batch(25), CONTEXT) == {"batchItemFailures": []}
    assert [len(entries) for entries in event_bus.requests] == [10, 10, 5]
    sent = [entry for entries in event_bus.requests for entry in entries]
    assert [json.loads(entry["Detail"])["subject"] for entry in sent] == [
        f"p{number}" for number in range(25)
    ]
    assert {(entry["Source"], entry["DetailType"]) for entry in sent} == {
        ("storefront.local", "product.created")
    }

    event_bus.requests.clear()
    handler.handle(batch(7, description="d" * 60_000), CONTEXT)
    assert [len(entries) for entries in event_bus.requests] == [3, 3, 1]


def test_numbers_keep_their_digits(event_bus: Bus) -> None:
    """They are never a binary float."""
    handler.handle(batch(1, price=Decimal("999999999.99")), CONTEXT)

    assert '"price":999999999.99,' in event_bus.requests[0][0]["Detail"]


def test_first_refused_event_is_reported(
    event_bus: Bus, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lambda delivers the batch from there on again."""
    event_bus.refused = {13, 17}

    failures = handler.handle(batch(25), CONTEXT)["batchItemFailures"]

    assert failures == [{"itemIdentifier": "13"}]
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["published"], line["refused"]) == ("ERROR", 13, 12)
    assert line["error"] == "ThrottlingException"


def test_request_that_fails_is_reported(event_bus: Bus) -> None:
    """A bus that cannot be reached has accepted nothing."""
    event_bus.failing = True

    failures = handler.handle(batch(3), CONTEXT)["batchItemFailures"]

    assert failures == [{"itemIdentifier": "0"}]


def test_event_that_is_never_accepted_is_isolated(event_bus: Bus) -> None:
    """It fails the invocation, so that Lambda divides the batch, until it is alone."""
    event_bus.code, event_bus.refused = "MalformedDetail", {0}
    with pytest.raises(handler.PublishingFailed):
        handler.handle(batch(2), CONTEXT)

    event_bus.requests.clear()
    assert handler.handle(batch(1), CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "0"}]}


def test_requests_are_measured_in_bytes(event_bus: Bus) -> None:
    """A character of Chinese has three."""
    handler.handle(batch(9, description="\u8336" * 20_000), CONTEXT)

    assert [len(entries) for entries in event_bus.requests] == [3, 3, 3]


def test_record_that_cannot_be_read(event_bus: Bus, capsys: pytest.CaptureFixture[str]) -> None:
    """The invocation fails, and neither the log nor the error has anything of the record."""
    event = batch(2)
    event["Records"][1]["dynamodb"]["NewImage"]["name"] = {"SECRET": "secret-name"}

    with pytest.raises(handler.PublishingFailed) as raised:
        handler.handle(event, CONTEXT)

    line = capsys.readouterr().out
    assert json.loads(line)["error"] == "TypeError"
    assert "secret" not in line + str(raised.value)
    assert event_bus.requests == []
