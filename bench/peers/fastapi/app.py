"""FastAPI behind Mangum.

https://fastapi.tiangolo.com/tutorial/ and https://mangum.fastapiexpert.com/
"""

import os
from datetime import datetime, timezone
from decimal import Decimal
from typing import Annotated
from uuid import uuid4

import boto3
from fastapi import FastAPI, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from mangum import Mangum
from pydantic import BaseModel, Field

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["*"])


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
    next: str | None


@app.get("/products/{key}")
def get_product(key: str) -> Product:
    item = table.get_item(Key={"id": key}).get("Item")
    if item is None:
        raise HTTPException(status_code=404, detail="Not found")
    return Product(**item)


@app.get("/products")
def list_products() -> Page:
    response = table.scan(Limit=25)
    items = [Product(**item) for item in response["Items"]]
    last = response.get("LastEvaluatedKey")
    return Page(items=items, next=last["id"] if last else None)


@app.post("/products", status_code=201)
def create_product(product: NewProduct) -> Product:
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    created = Product(
        **product.model_dump(),
        id=str(uuid4()),
        createdAt=now,
        updatedAt=now,
        etag=f'"{uuid4().hex[:24]}"',
    )
    table.put_item(Item={**created.model_dump(), "price": Decimal(str(created.price))})
    return created


handler = Mangum(app, lifespan="off")
