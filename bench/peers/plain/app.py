"""The tutorials' handler: `boto3.resource`, `json.dumps`, no framework.

https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway-tutorial.html
"""

import json
import os
import uuid
from datetime import datetime, timezone
from decimal import Decimal

import boto3

dynamodb = boto3.resource("dynamodb")
table = dynamodb.Table(os.environ["TABLE"])


class DecimalEncoder(json.JSONEncoder):
    def default(self, value):
        if isinstance(value, Decimal):
            return float(value)
        return super().default(value)


def response(status, body):
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"},
        "body": json.dumps(body, cls=DecimalEncoder),
    }


def problems_of(product):
    problems = []
    name = product.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 200 or not name.strip():
        problems.append("name must have 1 to 200 characters")
    price = product.get("price")
    if isinstance(price, bool) or not isinstance(price, (int, Decimal)) or price < 0:
        problems.append("price must be a number of at least 0")
    description = product.get("description", "")
    if not isinstance(description, str) or len(description) > 4000:
        problems.append("description must have 0 to 4000 characters")
    return problems


def get_product(key):
    item = table.get_item(Key={"id": key}).get("Item")
    if item is None:
        return response(404, {"message": "Not found"})
    return response(200, item)


def list_products():
    answer = table.scan(Limit=25)
    last = answer.get("LastEvaluatedKey")
    return response(200, {"items": answer["Items"], "next": last["id"] if last else None})


def create_product(body):
    product = json.loads(body, parse_float=Decimal)
    problems = problems_of(product)
    if problems:
        return response(400, {"message": "; ".join(problems)})
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    item = {
        "id": str(uuid.uuid4()),
        "name": product["name"],
        "price": product["price"],
        "description": product.get("description", ""),
        "createdAt": now,
        "updatedAt": now,
        "etag": f'"{uuid.uuid4().hex[:24]}"',
    }
    table.put_item(Item=item)
    return response(201, item)


def handler(event, context):
    try:
        if event["resource"] == "/products/{id}" and event["httpMethod"] == "GET":
            return get_product(event["pathParameters"]["id"])
        if event["resource"] == "/products" and event["httpMethod"] == "GET":
            return list_products()
        if event["resource"] == "/products" and event["httpMethod"] == "POST":
            return create_product(event["body"])
        return response(405, {"message": "Method not allowed"})
    except Exception as error:
        print(error)
        return response(500, {"message": "Internal server error"})
