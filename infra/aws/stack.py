"""Deploying the package of a stage as a CloudFormation stack.

dist/STAGE is deployed as it is, so that what was tested is what is deployed. Tables and log groups
that an earlier stack or `make deploy` has left are imported.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

import json
import os
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from infra.aws import alarms, deploy, follow, site
from infra.errors import CommandError
from infra.stages import PROJECT, Stage

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

# The template's parameters, and the environment variables with their values.
PARAMETERS = {
    "AlarmEmail": "ALARM_EMAIL",
    "AlarmTopicArn": "ALARM_TOPIC_ARN",
    "ApiUrl": "API_URL",
    "CallbackUrls": "CALLBACK_URLS",
    "MachineClients": "MACHINE_CLIENTS",
    "SiteCertificateArn": "SITE_CERTIFICATE_ARN",
    "WebAclArn": "WEB_ACL_ARN",
}
# The value of a variable that removes what an earlier deployment has named.
NONE = "none"
# CloudFormation's reasons for an empty change set.
NO_CHANGE = ("didn't contain changes", "No updates are to be performed")


def deploy_stack(stage: Stage, bucket: str) -> None:
    """Deploy the package of a stage as a stack, uploaded to an S3 bucket. Raises CommandError."""
    package = PROJECT / "dist" / stage.name
    if not (package / "sam.json").exists():
        raise CommandError(
            f"dist/{stage.name} does not exist: make package STAGE={stage.name} writes it."
        )
    client = boto3.client("cloudformation")
    identity = boto3.client("sts").get_caller_identity()
    region = client.meta.region_name
    print(f"Stack {stage.function} in account {identity['Account']}, region {region}.")
    deploy.check_logs(stage)
    template = json.loads((package / "sam.json").read_text())
    _check_issuer(_stack(client, stage.function), template)
    url = upload(template, package / "deployment.zip", bucket)
    made = apply(client, stage, template, url)
    if stage.infra.site:
        made = _name_the_api(client, stage, template, url, made)
    for name, value in sorted(made.items()):
        print(f"{name}: {value}")
    deploy.smoke_test(stage, made["EndpointURL"])


def _check_issuer(known: Any, template: dict[str, Any]) -> None:
    """Check that callers of a stack are not locked out by accident. Raises CommandError."""
    had = _outputs_of(known or {})
    before, after = had.get("Issuer"), template["Outputs"]["Issuer"]["Value"]
    is_same = "UserPoolId" in had if isinstance(after, dict) else before == after
    if before and not is_same and os.environ.get("CHANGE_ISSUER") != "yes":
        new = "a new Cognito user pool" if isinstance(after, dict) else after
        raise CommandError(
            f"The stack accepts access tokens of {before}, and the package those of {new}: every "
            "caller would have to sign in there. Package it with OIDC_ISSUER, or say "
            "CHANGE_ISSUER=yes."
        )


def _name_the_api(
    client: "CloudFormationClient",
    stage: Stage,
    template: dict[str, Any],
    url: str,
    made: dict[str, str],
) -> dict[str, str]:
    """Name the API in the site's Content-Security-Policy. Returns the stack's outputs.

    The API allows the site's origin, so that CloudFormation creates the site before the API.
    """
    known, api_url = made["SiteApiUrl"], made["EndpointURL"].rstrip("/")
    # A URL that the operator has named stays.
    is_own = known != site.NO_API and ".execute-api." not in known
    if os.environ.get("API_URL") or is_own or known == api_url:
        return made
    print(f"The site gets the API's URL, {api_url}.", flush=True)
    os.environ["API_URL"] = api_url
    return apply(client, stage, template, url)


def upload(template: dict[str, Any], code: Path, bucket: str) -> str:
    """Put the zip and the template, which names it, into a bucket. Returns the template's URL.

    Their names are their digests: what an earlier stack was made of stays for a roll back.
    """
    client = boto3.client("s3")
    packed = code.read_bytes()
    key = f"storefront/{sha256(packed).hexdigest()}.zip"
    client.put_object(Bucket=bucket, Key=key, Body=packed)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://{bucket}/{key}"
    text = json.dumps(template).encode()
    key = f"storefront/{sha256(text).hexdigest()}.json"
    client.put_object(Bucket=bucket, Key=key, Body=text)
    endpoint = client.meta.endpoint_url
    host = endpoint.partition("://")[2]
    return f"https://{bucket}.{host}/{key}" if "amazonaws" in host else f"{endpoint}/{bucket}/{key}"


def outputs(stage: Stage) -> dict[str, str]:
    """The outputs of a stage's stack. Raises CommandError if there is none."""
    known = _stack(boto3.client("cloudformation"), stage.function)
    if known is None:
        raise CommandError(
            f"There is no stack {stage.function}: make package stack STAGE={stage.name} makes it."
        )
    return _outputs_of(known)


def _outputs_of(known: Any) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in known.get("Outputs", [])}


def apply(
    client: "CloudFormationClient", stage: Stage, template: dict[str, Any], url: str
) -> dict[str, str]:
    """Create or update the stack. Returns its outputs. Raises CommandError."""
    name = stage.function
    known = _stack(client, name)
    is_new = known is None or known["StackStatus"] == "REVIEW_IN_PROGRESS"
    made = client.create_change_set(
        StackName=name,
        ChangeSetName=f"{name}-{sha256(os.urandom(8)).hexdigest()[:16]}",
        ChangeSetType="CREATE" if is_new else "UPDATE",
        TemplateURL=url,
        Parameters=_parameters(template, known),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=stage.tag_list,
        ImportExistingResources=True,
        # Or what is left of a first attempt would have to be deleted by hand before the second.
        OnStackFailure="DELETE" if is_new else "ROLLBACK",
    )
    if _is_ready(client, made["Id"]):
        began = datetime.now(UTC)
        client.execute_change_set(ChangeSetName=made["Id"])
        follow.follow(client, made["StackId"], began)
    known = _stack(client, name)
    if known.get("EnableTerminationProtection", False) != stage.infra.termination_protection:
        client.update_termination_protection(
            StackName=name, EnableTerminationProtection=stage.infra.termination_protection
        )
        is_on = "on" if stage.infra.termination_protection else "off"
        print(f"The stack's termination protection is {is_on}.")
    return _outputs_of(known)


def _is_ready(client: "CloudFormationClient", change_set: str) -> bool:
    """Wait for a change set and print its changes. Returns whether there are any."""
    try:
        client.get_waiter("change_set_create_complete").wait(ChangeSetName=change_set)
    except WaiterError as error:
        reason = error.last_response.get("StatusReason", "")
        if any(words in reason for words in NO_CHANGE):
            client.delete_change_set(ChangeSetName=change_set)
            print("There are no changes.")
            return False
        raise CommandError(f"CloudFormation rejects the template: {reason}") from None
    for page in client.get_paginator("describe_change_set").paginate(ChangeSetName=change_set):
        for change in page["Changes"]:
            resource = change["ResourceChange"]
            print(f"  {resource['Action']} {resource['LogicalResourceId']}")
    return True


def _stack(client: "CloudFormationClient", name: str) -> Any:
    try:
        return client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise


def _parameters(template: dict[str, Any], known: Any) -> list["ParameterTypeDef"]:
    """The parameters from the environment; others keep their previous values.

    Raises CommandError if a required one has neither, or the alarms have no receiver.
    """
    known = {
        each["ParameterKey"]: each["ParameterValue"] for each in (known or {}).get("Parameters", [])
    }
    values: dict[str, str] = {}
    made: list[ParameterTypeDef] = []
    for name, declared in template["Parameters"].items():
        variable = PARAMETERS[name]
        # A workflow sets a variable that has no value to an empty string.
        if value := os.environ.get(variable):
            values[name] = "" if value == NONE else value
            made.append({"ParameterKey": name, "ParameterValue": values[name]})
        elif name in known:
            values[name] = known[name]
            made.append({"ParameterKey": name, "UsePreviousValue": True})
        elif "Default" not in declared:
            raise CommandError(f"{variable} is not set. {declared['Description']}")
    if alarms.RULE in template.get("Rules", {}) and not any(map(values.get, alarms.RECEIVERS)):
        raise CommandError(
            "The stage's alarms have no receiver. Set ALARM_EMAIL to an email address, or "
            "ALARM_TOPIC_ARN to an SNS topic, or remove alarms from the stage's settings."
        )
    return made
