"""A small shop to look at, loaded once into a new local database."""

import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.errors import Taken
from chalicelib.models import RESOURCES
from chalicelib.store import Collection

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FILE = Path(__file__).with_suffix(".json")
TAG = "sample-data"


def load_once(client: "DynamoDBClient") -> None:
    """Load what `sample_data.json` holds, unless that was done before.

    That it was done is a tag on a table, so that it is kept and lost with the data themselves.
    """
    samples = json.loads(FILE.read_text(), parse_float=Decimal)
    marked = Collection(RESOURCES[0]).table
    arn = client.describe_table(TableName=marked)["Table"]["TableArn"]
    if any(tag["Key"] == TAG for tag in client.list_tags_of_resource(ResourceArn=arn)["Tags"]):
        return
    for resource in RESOURCES:
        for body in samples.get(resource.path, []):
            # Taken: an earlier load was stopped half-way.
            with suppress(Taken):
                Collection(resource).create(body)
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": TAG, "Value": "loaded"}])
