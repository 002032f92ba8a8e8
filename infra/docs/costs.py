"""docs/costs.md: what each call costs, measured.

Makes each call on ministack, and records the calls to DynamoDB and the capacity units that they
report. ministack's write units follow AWS's rules; its read units of a Query do not, so those are
calculated from the returned items. The costs of a million requests are calculated from both.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from math import ceil
from typing import Any

from msgspec import Struct

from infra import stages
from infra.local import database, run

# The subject of the caller that is measured.
OWNER = "sue"
PAGE = stages.PROJECT / "docs" / "costs.md"
HEAD = """# Costs

## DynamoDB calls of each request

Written by `make costs`: the DynamoDB calls of each request, and the capacity units that they
consume (ConsumedCapacity, indexes included). A read unit is 4 KB, strongly consistent, or 8 KB,
eventually consistent; a write unit is 1 KB. Transactions cost double. Each index of an item costs
its own write units. Nothing depends on the number of items. (Read units of lists are calculated
from the returned bytes, because the emulator does not report them.)

On AWS a refused write (a conflict, a failed precondition, a replay) costs the write units of the
attempt; DynamoDB does not report them, so they are not in the table.

The items are a user with username and email, a product, a todo and a review of a product, of
{sizes} bytes each. A page has 25 items.

| call | DynamoDB calls | read units | write units |
|---|---|---|---|
"""

# US dollars in us-east-1, without the free tier.
READ_UNITS = 0.125  # a million, on demand: https://aws.amazon.com/dynamodb/pricing/on-demand/
WRITE_UNITS = 0.625  # a million
TABLE_GB = 0.25  # a month
RECOVERY_GB = 0.20  # a month
API_REQUESTS = 3.50  # a million, REST: https://aws.amazon.com/api-gateway/pricing/
LAMBDA_REQUESTS = 0.20  # a million: https://aws.amazon.com/lambda/pricing/
LAMBDA_GB_SECOND = 0.0000166667  # x86
LOG_GB = 0.50  # taken in: https://aws.amazon.com/cloudwatch/pricing/
ALARM_METRIC = 0.10  # a month
METRIC = 0.30  # a month
EVENTS = 1.00  # a million: https://aws.amazon.com/eventbridge/pricing/
WEB_ACL = 5.00  # a month: https://aws.amazon.com/waf/pricing/
WEB_ACL_RULE = 1.00  # a month
WEB_ACL_REQUESTS = 0.60  # a million
SECRET = 0.40  # a month: https://aws.amazon.com/secrets-manager/pricing/
QUEUE_REQUESTS = 0.40  # a million: https://aws.amazon.com/sqs/pricing/
KEY = 1.00  # a month: https://aws.amazon.com/kms/pricing/
KEY_REQUESTS = 3.00  # a million
TRACES = 5.00  # a million: https://aws.amazon.com/xray/pricing/
SNAPSHOT_GB_SECOND = (
    0.0000015046  # of each published version: https://aws.amazon.com/lambda/pricing/
)
RESTORED_GB = 0.0001397998
SIGN_INS = 0.015  # a monthly user, over 10,000: https://aws.amazon.com/cognito/pricing/
MONTH_SECONDS = 30 * 24 * 60 * 60

# Of requests beyond the first in a second:
# https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html
TRACED = 0.05
# Requests of Lambda to an empty queue in a month: five that wait for 20 seconds, over and over.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
POLLS = 5 * 3 * 60 * 24 * 30
# To a queue, for an event that is delivered at once: sent, received, postponed, deleted.
DELIVERY_REQUESTS = 4
# The billed duration of a request; docs/operating.md has the query for the real one.
MILLISECONDS = 10
# The items that BatchWriteItem takes.
BATCH = 25
# The bytes that CloudWatch adds to each line:
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
LINE_BYTES = 26
REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
# The lines that Lambda itself writes for each request.
LAMBDA_LINES = (
    f"START RequestId: {REQUEST_ID} Version: $LATEST",
    f"END RequestId: {REQUEST_ID}",
    (
        f"REPORT RequestId: {REQUEST_ID}\tDuration: 10.00 ms\tBilled Duration: 10 ms\t"
        "Memory Size: 1024 MB\tMax Memory Used: 90 MB\t"
    ),
)
VALUES = {
    "requestId": REQUEST_ID,
    "requestTimeEpoch": "1767225600000",
    "httpMethod": "PATCH",
    "resourcePath": "/products/{key}",
    "status": "200",
    "responseLatency": "12",
    "integrationLatency": "10",
    "responseLength": "250",
    "error.responseType": "-",
    "integration.error": "-",
    "xrayTraceId": "1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
}

DOLLARS = """
## A million requests

In US dollars, at the prices of us-east-1 without the free tier; infra/docs/costs.py has the prices
and their sources.

- Lambda: {megabytes} MB (prod) for {milliseconds} ms; each 10 ms more cost ${ten_ms:.2f}.
- Logs: {log_bytes} bytes for each request, in the function's log and the access log.
- X-Ray: {traced:.0%} of the requests.
- Not included: data transfer out of AWS, API Gateway's cache, provisioned concurrency, WAF, and a
  VPC's endpoints.

| call | API Gateway | Lambda | logs | X-Ray | DynamoDB | total |
|---|---|---|---|---|---|---|
{rows}
API Gateway is most of it. A million reads a month and a hundred thousand creates of products cost
${mix:.2f}.

## Idle costs

An API that is not called costs nothing but storage: ${table_gb:.2f} a month for each GB in tables
and indexes (every index holds whole items), and ${recovery_gb:.2f} for point-in-time recovery of
each GB in tables. prod has alarms, on {alarms} metrics, for ${alarms_cost:.2f} a month; `"alarms":
false` in its settings turns them off. Its dashboard is one of the three free ones.

## Settings with a price

A month, in the hours in which there are data, with up to {operations} operations:

| setting | price |
|---|---|
| `"metrics": "stage"` (prod) | {stage_metrics} metrics: ${stage_cost:.2f} |
| `"metrics": "operations"` | up to {operation_metrics} metrics: ${operation_cost:.2f} |
| `"deployment": "..."` (prod) | {version_metrics} metric of each version: ${version_cost:.2f} |
| no `OIDC_ISSUER`: a Cognito user pool (prod) | nothing for the first 10,000 users who sign in \
in a month, and ${sign_ins:.3f} for each of the others |
| `"snap_start": true` | ${snapshot:.2f} a month for each published version, of which `make stack` \
keeps two, and ${restored:.2f} for a million restores, with {megabytes} MB |
| `"events": true` | ${event:.2f} for a million changes, ${queue_alarms:.2f} for its alarms, \
and the function's time |
| `"webhooks": {{...}}` | of each: ${secret:.2f} for its secret, ${polling:.2f} for Lambda's \
requests to its queue, and ${queue_alarms:.2f} for its alarms; ${deliveries:.2f} for a million \
events, and the function's time |
| `"web_acl": {{}}` | ${web_acl:.2f}, and ${web_acl_requests:.2f} for a million requests |
| `"encryption": "CUSTOMER_MANAGED"` | ${key:.2f}, and ${key_requests:.2f} for a million uses |
"""


class Row(Struct, frozen=True):
    """The DynamoDB calls and capacity units of one request."""

    name: str
    calls: tuple[str, ...]
    reads: float
    writes: float

    @property
    def dollars(self) -> float:
        """The price of a million of them, of DynamoDB alone."""
        return self.reads * READ_UNITS + self.writes * WRITE_UNITS

    def __str__(self) -> str:
        return f"| {self.name} | {', '.join(self.calls)} | {self.reads:g} | {self.writes:g} |\n"


class Meter:
    """Counts the calls and the capacity units of a request, which the log line has, too."""

    def __init__(self, client: Any) -> None:
        self.calls: list[str] = []
        # Of Queries, whose units the emulator does not report.
        self.query_units = 0.0
        client.meta.events.register("after-call.dynamodb", self._note)

    def row(self, name: str, act: Callable[[], Any]) -> Row:
        """The row of the table for a request, which is made by `act`."""
        from chalicelib.storage import dynamodb

        self.calls, self.query_units = [], 0.0
        usage = dynamodb.start_usage()
        act()
        reads = self.query_units if "Query" in self.calls else usage.read_units
        return Row(name, tuple(self.calls), reads, usage.write_units)

    def _note(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        self.calls.append(model.name)
        if model.name == "Query":
            self.query_units += query_units(parsed["Items"])


def write() -> None:
    """Write the page."""
    PAGE.write_text(page())


def page() -> str:
    """The page, measured on a new database."""
    with measuring():
        rows, sizes = measured()
        head = HEAD.format(sizes=f"{min(sizes)} to {max(sizes)}")
        return head + "".join(map(str, rows)) + _dollars({row.name: row for row in rows})


@contextmanager
def measuring() -> Iterator[None]:
    """A new database, in the environment. chalicelib must not have been imported yet."""
    data = database.start(None)
    try:
        os.environ.update(run.environment(data.url))
        yield
    finally:
        run.stop(data.process)


def measured(background: int = 0) -> tuple[list[Row], set[int]]:
    """The rows among `background` more items of each kind, and the items' sizes in bytes."""
    from chalicelib import models
    from chalicelib.access import STAFF_ROLE
    from chalicelib.context import Caller, Context, IdempotencyKey
    from chalicelib.storage.collection import Collection
    from chalicelib.storage.dynamodb import client
    from infra.aws import tables

    tables.create_local(client)
    staff = Caller(OWNER, frozenset({STAFF_ROLE}))
    call = Context(caller=staff)
    once = Context(caller=staff, idempotency_key=IdempotencyKey("key", "fingerprint"))
    users, products = Collection(models.USERS), Collection(models.PRODUCTS)
    todos, reviews = Collection(models.TODOS), Collection(models.REVIEWS)
    # Long enough for all four to be of about one size.
    user = {"name": "A" * 60, "username": "ada", "email": "ada@shop.example"}
    product = {"name": "Teapot", "price": 34, "description": "d" * 60}
    todo = {"task": "t" * 80, "status": "pending"}
    review = {"review": "r" * 60, "name": "Ada", "rating": 5, "productId": "p"}
    others = {f"u{n}": {**user, "username": f"u{n}", "email": f"u{n}@x.org"} for n in range(25)}
    for n in range(25):
        users.create({"userId": f"u{n}", **others[f"u{n}"]}, call)
        products.create({"id": f"p{n}", **product}, call)
        todos.create({"id": f"t{n}", **todo}, call)
    products.create({"id": "p", **product}, call)
    for n in range(25):
        reviews.create({"id": f"r{n}", **review}, call)
    samples = ((users, "u0"), (products, "p1"), (todos, "t0"), (reviews, "r0"))
    sizes = {
        fill(client, collection.resource, key, background, collection.table)
        for collection, key in samples
    }
    other_name = {"name": "B" * 60}
    meter = Meter(client)
    rows = [
        meter.row("read one", lambda: products.read("p0", call)),
        meter.row("list of 25", lambda: products.page({}, call)),
        meter.row("list of 25 by price", lambda: products.page({"minPrice": "1"}, call)),
        meter.row("list of 25 by status", lambda: todos.page({"status": "pending"}, call)),
        meter.row("list of 25 by product", lambda: reviews.page({"productId": "p"}, call)),
        meter.row("find a user by email", lambda: users.page({"email": "u0@x.org"}, call)),
        meter.row("create a product", lambda: products.create({"id": "n", **product}, call)),
        meter.row("create a todo", lambda: todos.create({"id": "n", **todo}, call)),
        meter.row("... with an Idempotency-Key", lambda: todos.create({"id": "o", **todo}, once)),
        meter.row("... its replay (see above)", lambda: todos.create({"id": "o", **todo}, once)),
        meter.row(
            "create a review of a product", lambda: reviews.create({"id": "n", **review}, call)
        ),
        meter.row(
            "create a user with username and email",
            lambda: users.create({"userId": "n", **user}, call),
        ),
        meter.row(
            "change a product's description",
            lambda: products.patch("p0", {"description": "e" * 60}, call),
        ),
        meter.row("change a product's price", lambda: products.patch("p0", {"price": 35}, call)),
        meter.row("change a user's name", lambda: users.patch("n", other_name, call)),
        meter.row(
            "change a user's email", lambda: users.patch("n", {"email": "ben@shop.example"}, call)
        ),
        meter.row("replace a user", lambda: users.replace("n", {**user, **other_name}, call)),
        meter.row("replace a todo", lambda: todos.replace("n", todo, call)),
        meter.row("delete a todo", lambda: todos.delete("n", call)),
        meter.row("delete a user with username and email", lambda: users.delete("n", call)),
    ]
    return rows, sizes


def fill(client: Any, resource: Any, key: str, count: int, table: str) -> int:
    """Put `count` items like the one with a key into its table. Returns that one's bytes."""
    stored_key = {"S": resource.scoped(key, OWNER)}
    row = client.get_item(TableName=table, Key={resource.key: stored_key})["Item"]
    copies = map(resource.compared_attribute, resource.ignore_case)
    own = {resource.key, *resource.unique, *copies}
    requests = [
        {"PutRequest": {"Item": row | {name: {"S": f"{row[name]['S']}-{n}"} for name in own}}}
        for n in range(count)
    ]
    for start in range(0, count, BATCH):
        client.batch_write_item(RequestItems={table: requests[start : start + BATCH]})
    return size(row)


def _dollars(rows: dict[str, Row]) -> str:
    """The costs of a million requests, and the idle costs, as a part of the page."""
    from app import app
    from chalicelib.http.api import declared_routes
    from infra.aws import metrics, template, web_acl

    prod = stages.load("prod")
    megabytes: int = prod.config.lambda_memory_size
    gb_seconds = megabytes / 1024 * MILLISECONDS / 1000 * 1_000_000
    bytes_logged = _log_bytes()
    shares = (
        API_REQUESTS,
        LAMBDA_REQUESTS + gb_seconds * LAMBDA_GB_SECOND,
        bytes_logged * 1_000_000 / 1e9 * LOG_GB,
        TRACED * TRACES,
    )
    names = (
        "read one",
        "list of 25",
        "create a product",
        "create a user with username and email",
        "change a product's description",
        "delete a todo",
    )
    together = {name: sum(shares) + rows[name].dollars for name in names}
    lines = []
    for name in names:
        values = (*shares, rows[name].dollars, together[name])
        lines.append(f"| {name} | {' | '.join(f'{value:.2f}' for value in values)} |\n")
    alarm_metrics = sum(
        len([each for each in alarm["Properties"].get("Metrics", [{}]) if "Expression" not in each])
        for alarm in template.extension(prod)["Resources"].values()
        if alarm.get("Type") == "AWS::CloudWatch::Alarm"
    )
    # Those of 404 and 405 are one more.
    operations = len({route.name for route in declared_routes(app)}) + 1
    of_stage = len((*metrics.OPERATION_METRICS, *metrics.STAGE_METRICS))
    of_operations = of_stage + len(metrics.OPERATION_METRICS) * operations
    of_version = len({each.name for each in metrics.VERSION_METRICS.values()})
    return DOLLARS.format(
        operations=operations,
        stage_metrics=of_stage,
        stage_cost=of_stage * METRIC,
        operation_metrics=of_operations,
        operation_cost=of_operations * METRIC,
        version_metrics=of_version,
        version_cost=of_version * METRIC,
        sign_ins=SIGN_INS,
        snapshot=megabytes / 1024 * MONTH_SECONDS * SNAPSHOT_GB_SECOND,
        restored=megabytes / 1024 * 1_000_000 * RESTORED_GB,
        event=EVENTS,
        secret=SECRET,
        queue_alarms=2 * ALARM_METRIC,
        polling=POLLS * QUEUE_REQUESTS / 1_000_000,
        deliveries=DELIVERY_REQUESTS * QUEUE_REQUESTS,
        web_acl=WEB_ACL + WEB_ACL_RULE * web_acl.RULES,
        web_acl_requests=WEB_ACL_REQUESTS,
        key=KEY,
        key_requests=KEY_REQUESTS,
        megabytes=megabytes,
        milliseconds=MILLISECONDS,
        ten_ms=megabytes / 1024 * 0.01 * 1_000_000 * LAMBDA_GB_SECOND,
        log_bytes=bytes_logged,
        traced=TRACED,
        rows="".join(lines),
        mix=together["read one"] + together["create a product"] / 10,
        table_gb=TABLE_GB,
        recovery_gb=RECOVERY_GB,
        alarms=alarm_metrics,
        alarms_cost=alarm_metrics * ALARM_METRIC,
    )


def _log_bytes() -> int:
    """The bytes that one request adds to the logs."""
    from chalice.test import Client

    from app import app
    from infra.aws import rest_api

    log = io.StringIO()
    with redirect_stdout(log):
        Client(app, stage_name="local").http.get("/products/p0")
    prod = rest_api.access_log(stages.load("prod"))
    access = re.sub(r"\$context\.([\w.]+)", lambda match: VALUES[match[1]], prod)
    own = re.sub(r'"milliseconds":[\d.]+', '"milliseconds":10.0', log.getvalue().strip())
    lines = (own, access, *LAMBDA_LINES)
    return sum(len(line) + LINE_BYTES for line in lines)


def query_units(items: list[dict[str, Any]]) -> float:
    """The read units of an eventually consistent Query that returns these rows."""
    return ceil(sum(map(size, items)) / 4096) / 2 or 0.5


def size(row: dict[str, Any]) -> int:
    """An item's size in bytes, numbers counted as their digits: names and values in UTF-8."""
    return sum(len(name) + len(next(iter(value.values())).encode()) for name, value in row.items())
