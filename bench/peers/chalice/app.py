"""Chalice as its own samples use it, on `boto3.resource`.

https://aws.github.io/chalice/samples/todo-app/index.html
"""

import json
import os
from datetime import datetime, timezone
from decimal import Decimal
from uuid import uuid4

import boto3
from chalice import BadRequestError, Chalice, NotFoundError, Response

app = Chalice(app_name="products")
_DB = None


def get_app_db():
    global _DB
    if _DB is None:
        _DB = boto3.resource("dynamodb").Table(os.environ["TABLE"])
    return _DB


@app.route("/products/{key}", methods=["GET"], cors=True)
def get_product(key):
    item = get_app_db().get_item(Key={"id": key}).get("Item")
    if item is None:
        raise NotFoundError("Not found")
    return item


@app.route("/products", methods=["GET"], cors=True)
def list_products():
    answer = get_app_db().scan(Limit=25)
    last = answer.get("LastEvaluatedKey")
    return {"items": answer["Items"], "next": last["id"] if last else None}


@app.route("/products", methods=["POST"], cors=True)
def create_product():
    product = json.loads(app.current_request.raw_body, parse_float=Decimal)
    name, price = product.get("name"), product.get("price")
    description = product.get("description", "")
    if not isinstance(name, str) or not 1 <= len(name) <= 200 or not name.strip():
        raise BadRequestError("name must have 1 to 200 characters")
    if isinstance(price, bool) or not isinstance(price, (int, Decimal)) or price < 0:
        raise BadRequestError("price must be a number of at least 0")
    if not isinstance(description, str) or len(description) > 4000:
        raise BadRequestError("description must have 0 to 4000 characters")
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    item = {
        "id": str(uuid4()),
        "name": name,
        "price": price,
        "description": description,
        "createdAt": now,
        "updatedAt": now,
        "etag": f'"{uuid4().hex[:24]}"',
    }
    get_app_db().put_item(Item=item)
    return Response(body=item, status_code=201)
