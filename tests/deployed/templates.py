"""Templates, as the transform of CloudFormation expands them."""

import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

from samtranslator.translator.transform import transform

from tests.deployed.conftest import REGION


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
