"""Templates, as the transform of CloudFormation expands them."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from samtranslator.translator.transform import transform

# Packages a stage of a checkout, with other settings and more source. Returns dist/STAGE.
Package = Callable[..., Path]

REGION = "us-east-1"

# Settings that no stage has in the repository, except for the usage plan, which a site rules out.
EVERYTHING = {
    "cache": {"gigabytes": "1.6", "seconds": 30, "resources": ["products"]},
    "capacity": {"minimum": 3, "maximum": 50, "target": 60},
    "provisioned_concurrency": 2,
    "detailed_metrics": True,
    "access_logs": True,
    "source_ip": True,
    "encryption": "CUSTOMER_MANAGED",
    "deletion_protection": True,
    "deployment": "Linear10PercentEvery10Minutes",
    "termination_protection": True,
    "web_acl": {"requests_per_ip": 500},
    "events": True,
    "webhooks": {
        "mail": {"url": "https://mail.example.com/hooks", "secret": "storefront/mail"},
        "search": {
            "url": "https://search.example.com:8443/",
            "events": ["product.*", "review.created", "*.deleted"],
            "secret": "search",
            "concurrency": 20,
        },
    },
    "metrics": "operations",
    "alarms": True,
    "dashboard": True,
    "site": {"domain": "shop.example.com", "connect": ["https://tokens.example.com"]},
}

ASYNCHRONOUS = '''

@app.schedule("rate(1 day)", name="sweep_up")
def sweep_up(event):
    """Sweep up."""


@app.lambda_function(name="count")
def count(event, context):
    """Count."""


@app.on_sqs_message(queue="orders", name="take_order")
def take_order(event):
    """Take an order; what fails stays in its queue."""
'''

# Chalice's settings of an API with a domain, and of a function in a VPC.
DOMAIN = {
    "api_gateway_custom_domain": {
        "domain_name": "api.shop.example",
        "certificate_arn": "arn:aws:acm:us-east-1::certificate/1",
        "tls_version": "TLS_1_2",
    }
}
VPC = {"subnet_ids": ["subnet-0a1b2c3d"], "security_group_ids": ["sg-0a1b2c3d"]}


def expanded(folder: Path) -> dict[str, Any]:
    """The resources of a template, as the transform of CloudFormation makes them."""
    template = json.loads((folder / "sam.json").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # What `aws cloudformation package` puts there.
            resource["Properties"]["CodeUri"] = "s3://bucket/deployment.zip"
    with patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION}):
        resources: dict[str, Any] = transform(template, {}, _NoManagedPolicies())["Resources"]
    return resources


class _NoManagedPolicies:
    """The transform asks for AWS's managed policies; the template has none."""

    def load(self) -> dict[str, str]:
        return {}


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    """The resources of one type."""
    return {name: each for name, each in resources.items() if each["Type"] == kind}


def only(resources: dict[str, Any], kind: str) -> Any:
    """The properties of the one resource of a type."""
    (resource,) = of_type(resources, kind).values()
    return resource["Properties"]
