"""The floor: what is left without a framework and without an SDK.

Requests that are signed by hand, on one connection that is kept. Nothing is retried, and nothing is
checked but what the other handlers check.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import json
import os
import ssl
from binascii import hexlify
from datetime import datetime, timezone
from hashlib import sha256
from hmac import digest
from http.client import HTTPConnection, HTTPSConnection

REGION = os.environ["AWS_REGION"]
TABLE = os.environ["TABLE"]
KEY_ID = os.environ["AWS_ACCESS_KEY_ID"]
SECRET = os.environ["AWS_SECRET_ACCESS_KEY"]
TOKEN = os.environ["AWS_SESSION_TOKEN"]
HOST = os.environ["AWS_ENDPOINT_URL_DYNAMODB"].removeprefix("https://")

SIGNED = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
TYPE = "application/x-amz-json-1.0"

connection: HTTPConnection = HTTPSConnection(
    HOST, context=ssl.create_default_context(cafile="roots.pem"), timeout=3
)


def authorization(target, payload, moment):
    day = moment[:8]
    scope = f"{day}/{REGION}/dynamodb/aws4_request"
    canonical = (
        f"POST\n/\n\ncontent-type:{TYPE}\nhost:{HOST}\nx-amz-date:{moment}\n"
        f"x-amz-security-token:{TOKEN}\nx-amz-target:{target}\n\n{SIGNED}\n"
        f"{sha256(payload).hexdigest()}"
    )
    told = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{SECRET}".encode()
    for part in (day, REGION, "dynamodb", "aws4_request", told):
        key = digest(key, part.encode(), "sha256")
    return (
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders={SIGNED}, "
        f"Signature={hexlify(key).decode()}"
    )


def call(operation, **request):
    payload = json.dumps({"TableName": TABLE, **request}).encode()
    moment = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    target = f"DynamoDB_20120810.{operation}"
    headers = {
        "Content-Type": TYPE,
        "X-Amz-Date": moment,
        "X-Amz-Security-Token": TOKEN,
        "X-Amz-Target": target,
        "Authorization": authorization(target, payload, moment),
    }
    connection.request("POST", "/", payload, headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(body)
    return json.loads(body)


def plain(item):
    return {
        name: float(value["N"]) if "N" in value else value["S"] for name, value in item.items()
    }


def response(status, body):
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"},
        "body": json.dumps(body),
    }


def get_product(key):
    item = call("GetItem", Key={"id": {"S": key}}).get("Item")
    if item is None:
        return response(404, {"message": "Not found"})
    return response(200, plain(item))


def list_products():
    answer = call("Scan", Limit=25)
    last = answer.get("LastEvaluatedKey")
    items = [plain(item) for item in answer["Items"]]
    return response(200, {"items": items, "next": last["id"]["S"] if last else None})


def create_product(body):
    product = json.loads(body)
    name, price = product.get("name"), product.get("price")
    description = product.get("description", "")
    if not isinstance(name, str) or not 1 <= len(name) <= 200 or not name.strip():
        return response(400, {"message": "name must have 1 to 200 characters"})
    if isinstance(price, bool) or not isinstance(price, (int, float)) or price < 0:
        return response(400, {"message": "price must be a number of at least 0"})
    if not isinstance(description, str) or len(description) > 4000:
        return response(400, {"message": "description must have 0 to 4000 characters"})
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    key = os.urandom(16).hex()
    item = {
        "id": {"S": key},
        "name": {"S": name},
        "price": {"N": str(price)},
        "description": {"S": description},
        "createdAt": {"S": now},
        "updatedAt": {"S": now},
        "etag": {"S": f'"{os.urandom(12).hex()}"'},
    }
    call("PutItem", Item=item)
    return response(201, plain(item))


def handler(event, context):
    if event["resource"] == "/products/{id}" and event["httpMethod"] == "GET":
        return get_product(event["pathParameters"]["id"])
    if event["resource"] == "/products" and event["httpMethod"] == "GET":
        return list_products()
    if event["resource"] == "/products" and event["httpMethod"] == "POST":
        return create_product(event["body"])
    return response(405, {"message": "Method not allowed"})
