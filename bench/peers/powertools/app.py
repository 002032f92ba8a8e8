"""Powertools for AWS Lambda: its resolver with validation, logger, tracer and metrics.

https://docs.powertools.aws.dev/lambda/python/latest/core/event_handler/api_gateway/
"""

import os
from datetime import datetime, timezone
from decimal import Decimal
from typing import Annotated, Optional
from uuid import uuid4

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from pydantic import BaseModel, Field

logger = Logger(service="products")
tracer = Tracer(service="products")
metrics = Metrics(namespace="Shop", service="products")
app = APIGatewayRestResolver(enable_validation=True, cors=CORSConfig())
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


class NewProduct(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    price: Annotated[float, Field(ge=0)]
    description: Annotated[str, Field(max_length=4000)] = ""


class Product(NewProduct):
    id: str
    createdAt: str
    updatedAt: str
    etag: str


class Page(BaseModel):
    items: list[Product]
    next: Optional[str]


@app.get("/products/<key>")
@tracer.capture_method
def get_product(key: str) -> Product:
    item = table.get_item(Key={"id": key}).get("Item")
    if item is None:
        raise NotFoundError
    return Product(**item)


@app.get("/products")
@tracer.capture_method
def list_products() -> Page:
    response = table.scan(Limit=25)
    items = [Product(**item) for item in response["Items"]]
    last = response.get("LastEvaluatedKey")
    return Page(items=items, next=last["id"] if last else None)


@app.post("/products")
@tracer.capture_method
def create_product(product: NewProduct) -> Response[Product]:
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    created = Product(
        **product.model_dump(),
        id=str(uuid4()),
        createdAt=now,
        updatedAt=now,
        etag=f'"{uuid4().hex[:24]}"',
    )
    table.put_item(Item={**created.model_dump(), "price": Decimal(str(created.price))})
    metrics.add_metric(name="ProductCreated", unit=MetricUnit.Count, value=1)
    return Response(status_code=201, content_type="application/json", body=created)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    logger.info("Request")
    return app.resolve(event, context)
