"""The change event of a record of a DynamoDB stream, in the form of CloudEvents 1.0.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec.json import Encoder

from chalicelib import settings
from chalicelib.events import CHANGE_NAMES
from chalicelib.models import RESOURCES
from chalicelib.schema import OWNER_PARAMETER, OWNER_SEPARATOR, Resource
from chalicelib.storage import dynamodb
from chalicelib.storage.attributes import Row, encode_row
from chalicelib.storage.collection import Collection

ChangeEvent = dict[str, Any]

# Numbers have all their digits.
to_json = Encoder(decimal_format="number").encode


def change_event(record: Mapping[str, Any]) -> ChangeEvent | None:
    """The change event of a stream record, as Lambda hands it over.

    None for a write that no client sees: one that completes an older item, which keeps the etag, or
    that of an item without an owner. `id` is the record's, so that a record that is delivered twice
    has one id. Raises KeyError for a record of another table.
    """
    resource = _resource(record["eventSourceARN"])
    images = record["dynamodb"]
    old: Row = images.get("OldImage", {})
    new: Row = images.get("NewImage", {})
    if old and new and old.get("etag") == new.get("etag"):
        return None
    row = new or old
    if resource.owned and OWNER_SEPARATOR not in row[resource.key]["S"]:
        return None
    item = Collection(resource).item(row)
    owner, _ = resource.split_key(row[resource.key]["S"])
    action = CHANGE_NAMES[record["eventName"]]
    hidden = resource.personal - resource.personal_in_events
    if resource.owned and action == "deleted":
        # Perhaps the erasure of its owner, whose texts must not be sent once more.
        hidden = frozenset(resource.field_infos)
    return {
        "specversion": "1.0",
        "id": record["eventID"],
        "source": f"/storefront/{settings.STAGE}/{resource.name}",
        "type": f"{resource.noun}.{action}",
        "subject": item.key,
        "time": _time(images["ApproximateCreationDateTime"]),
        "datacontenttype": "application/json",
        "data": {
            **({OWNER_PARAMETER: owner} if resource.owned else {}),
            "item": {name: value for name, value in item.values.items() if name not in hidden},
            **({"changed": _changed(resource, old, new)} if action == "updated" else {}),
        },
    }


def _resource(stream_arn: str) -> Resource:
    table = stream_arn.split("/")[1]
    return {dynamodb.table_name(each.name): each for each in RESOURCES}[table]


def _changed(resource: Resource, old: Row, new: Row) -> list[str]:
    """The names of the fields that an update has changed, in the order of their declaration."""
    # What clients see of a row that was stored before a field was declared.
    defaults = encode_row(resource.defaults)
    before, after = defaults | old, defaults | new
    return [name for name in resource.field_infos if before.get(name) != after.get(name)]


def _time(seconds: float) -> str:
    """A stream's time, which is exact to the second, as RFC 3339."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
