"""The sample data, loaded once into a new local database."""

import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.access import STAFF_ROLE
from chalicelib.context import CallContext, Caller
from chalicelib.errors import Conflict
from chalicelib.models import RESOURCES
from chalicelib.storage.collection import Collection

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FILE = Path(__file__).with_suffix(".json")
TAG = "sample-data"
# The subject that an item is created by, unless it has another as `by`.
AUTHOR = "sue"


def load_once(client: "DynamoDBClient") -> None:
    """Load `sample_data.json`, unless it was loaded before.

    A tag on a table records that, so that it is kept and lost together with the data.
    """
    samples = json.loads(FILE.read_text(), parse_float=Decimal)
    marked = Collection(RESOURCES[0]).table
    arn = client.describe_table(TableName=marked)["Table"]["TableArn"]
    if any(tag["Key"] == TAG for tag in client.list_tags_of_resource(ResourceArn=arn)["Tags"]):
        return
    for resource in RESOURCES:
        for body in samples.get(resource.name, []):
            author = Caller(body.pop("by", AUTHOR), frozenset({STAFF_ROLE}))
            # A conflict: an earlier load was interrupted.
            with suppress(Conflict):
                Collection(resource).create(body, CallContext(caller=author))
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": TAG, "Value": "loaded"}])
