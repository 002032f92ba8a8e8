"""The three calls that are measured, as the events that API Gateway sends for them.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import json
import re
from typing import Any

from bench.dynamodb import KEY
from bench.handlers import STAGE, Candidate

BODY = {
    "name": "Teapot",
    "price": 34.5,
    "description": "Stoneware, for four cups, glazed by hand in a speckled blue.",
}
CALLS = ("get", "post", "list")
TITLES = {"get": "GET one", "post": "POST one", "list": "list of 25"}

HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate, br",
    "Host": "0123456789.execute-api.us-east-1.amazonaws.com",
    "Origin": "https://shop.example",
    "Referer": "https://shop.example/",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "X-Amzn-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Proto": "https",
}


def events(candidate: Candidate) -> dict[str, bytes]:
    """An event for each of CALLS."""
    body = json.dumps(BODY)
    sent = base64.b64encode(body.encode()).decode() if candidate.binary else body
    item = _event(candidate.item, "GET", f"/products/{KEY}")
    page = _event(candidate.list, "GET", "/products")
    post = _event(candidate.list, "POST", "/products")
    post["headers"] = {**HEADERS, "Content-Type": "application/json"}
    post["multiValueHeaders"] = {name: [value] for name, value in post["headers"].items()}
    post |= {"body": sent, "isBase64Encoded": candidate.binary}
    calls = {"get": item, "post": post, "list": page}
    return {call: json.dumps(event).encode() for call, event in calls.items()}


def _event(resource: str, method: str, path: str) -> dict[str, Any]:
    (name,) = re.findall(r"{(\w+)\+?}", resource) or [None]
    value = path.removeprefix("/") if resource.endswith("+}") else path.rpartition("/")[2]
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": HEADERS,
        "multiValueHeaders": {name: [value] for name, value in HEADERS.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {name: value} if name else None,
        "stageVariables": None,
        "requestContext": {
            "resourceId": "abc123",
            "resourcePath": resource,
            "httpMethod": method,
            "extendedRequestId": "c6a5f0e1PHcFXyQ=",
            "requestTime": "20/Nov/2026:09:30:00 +0000",
            "path": f"/{STAGE}{path}",
            "accountId": "",
            "protocol": "HTTP/1.1",
            "stage": STAGE,
            "domainPrefix": "0123456789",
            "requestTimeEpoch": 1795167000000,
            "requestId": "0f7a9c2e-4d1b-4b5e-9d38-6f2a1c7e8b90",
            "identity": {
                "sourceIp": "203.0.113.7",
                "userAgent": HEADERS["User-Agent"],
                "accountId": None,
                "caller": None,
                "apiKey": None,
                "user": None,
            },
            "domainName": HEADERS["Host"],
            "apiId": "0123456789",
        },
        "body": None,
        "isBase64Encoded": False,
    }
