"""Deploying the package of a stage as a CloudFormation stack.

dist/STAGE is deployed as it is, so that what was tested is what is deployed. Tables and log groups
that an earlier stack or `make deploy` has left are imported.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from infra.deploy import follow, indexes, smoke
from infra.errors import CommandError
from infra.stages import ALIAS, PROJECT, Stage
from infra.template import alarms, site
from infra.template.part import FUNCTION

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
# The environment variable with the ARN of the role that CloudFormation takes.
ROLE = "CLOUDFORMATION_ROLE_ARN"
# The value of a variable that removes what an earlier deployment has named.
NONE = "none"
# The status of a stack whose last update was rolled back.
ROLLED_BACK = "UPDATE_ROLLBACK_COMPLETE"
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
    _check_logs(stage)
    template = json.loads((package / "sam.json").read_text())
    stack = _stack(client, stage.function)
    _check_issuer(stack, template)
    deployed = _deployed_template(client, stack)
    _name_code(template, package / "deployment.zip", bucket)
    if stage.has_alias:
        _describe_version(template, stack, deployed)
    dynamodb = boto3.client("dynamodb")
    indexes.check_imports(dynamodb, deployed, template, stage.name)
    version_before = _live_version(stack)
    is_rolled_back = stack is not None and stack["StackStatus"] == ROLLED_BACK
    values: dict[str, str] = {}
    for update in indexes.updates(deployed, template):
        indexes.delete_leftovers(dynamodb, update, is_rolled_back=is_rolled_back)
        url = upload(update.template, bucket)
        values = apply(client, stage, update.template, url, new_values=update.is_code_update)
        indexes.wait(dynamodb, update)
    if stage.settings.site:
        values = _name_the_api(client, stage, template, upload(template, bucket), values)
    if stage.has_alias:
        _delete_old_versions(values["APIHandlerName"], version_before)
    for name, value in sorted(values.items()):
        print(f"{name}: {value}")
    smoke.check(stage, values["EndpointURL"], _api_key(values))


def _check_logs(stage: Stage) -> None:
    """Check that API Gateway may write the access log. Raises CommandError."""
    if not stage.settings.access_logs:
        return
    if not boto3.client("apigateway").get_account().get("cloudwatchRoleArn"):
        raise CommandError(
            "API Gateway may not write logs in this account and region yet: make account lets it, "
            f'once for all. Or say "access_logs": false for {stage.name!r} in .chalice/config.json.'
        )


def _alias(function: str) -> Any:
    """The alias of the function that API Gateway calls, or None."""
    aliases = boto3.client("lambda").list_aliases(FunctionName=function)["Aliases"]
    return next((alias for alias in aliases if alias["Name"] == ALIAS), None)


def _live_version(stack: Any) -> int | None:
    """The version of the function that a stack's alias points to, or None."""
    function = _outputs_of(stack or {}).get("APIHandlerName")
    alias = _alias(function) if function else None
    return int(alias["FunctionVersion"]) if alias else None


def _delete_old_versions(function: str, before: int | None) -> None:
    """Delete the versions of the function that the alias has left, except for the one before.

    CloudFormation keeps every version, also one that was rolled back, and with SnapStart each one
    costs by the hour. `before` is the version of the alias before this deployment: where the alias
    has not moved, nothing is deleted.
    """
    client = boto3.client("lambda")
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    numbers = sorted(
        int(each["Version"])
        for page in pages
        for each in page["Versions"]
        if each["Version"].isdigit()
    )
    alias = _alias(function)
    routed = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    aliased = {int(alias["FunctionVersion"]), *map(int, routed)}
    if numbers[-1] not in aliased:
        print(
            f"The alias {ALIAS} points to version {alias['FunctionVersion']}, and the newest is "
            f"{numbers[-1]}: somebody has moved it. aws lambda update-alias --name {ALIAS} "
            f"--function-name {function} --function-version {numbers[-1]} moves it back."
        )
    if before is None or before in aliased:
        return
    obsolete = [number for number in numbers if number not in {before, *aliased}]
    for number in obsolete:
        client.delete_function(FunctionName=function, Qualifier=str(number))
    if obsolete:
        print(f"Old versions of the function were deleted: {', '.join(map(str, obsolete))}.")


def _deployed_template(client: "CloudFormationClient", stack: Any) -> dict[str, Any] | None:
    """The template that a stack was made of, or None."""
    if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
        return None
    body: Any = client.get_template(StackName=stack["StackName"], TemplateStage="Original")
    text = body["TemplateBody"]
    template: dict[str, Any] = json.loads(text) if isinstance(text, str) else text
    return template


def _describe_version(
    template: dict[str, Any], stack: Any, deployed: dict[str, Any] | None
) -> None:
    """Give the function a description with a digest of all that its version depends on.

    SAM names a version after the function's properties, and Lambda publishes no version of a
    function that has not changed: a change of the tags alone would fail, and a new value of a
    parameter would not reach the alias. After a deployment that was rolled back, the digest depends
    on its time, too, because the version that it published stays.
    https://github.com/aws/serverless-application-model/issues/3281
    """
    properties = template["Resources"][FUNCTION]["Properties"]
    text = json.dumps(properties, sort_keys=True)
    values = {
        name: value
        for name, value in _values(template, stack).items()
        if f'{{"Ref": "{name}"}}' in text
    }
    digest = sha256((text + json.dumps(values, sort_keys=True)).encode()).hexdigest()[:12]
    before = (deployed or {"Resources": {}})["Resources"].get(FUNCTION, {})
    description: str = before.get("Properties", {}).get("Description", "")
    if description.partition(" ")[0] == digest:
        properties["Description"] = description
    elif stack and stack["StackStatus"] == ROLLED_BACK:
        properties["Description"] = f"{digest} {stack['LastUpdatedTime']:%Y-%m-%dT%H:%M:%SZ}"
    else:
        properties["Description"] = digest


def _api_key(values: Mapping[str, str]) -> str | None:
    """The API key of a stack's usage plan, if its outputs name one."""
    if "ApiKeyId" not in values:
        return None
    client = boto3.client("apigateway")
    return client.get_api_key(apiKey=values["ApiKeyId"], includeValue=True).get("value")


def _check_issuer(stack: Any, template: dict[str, Any]) -> None:
    """Check that callers of a stack are not locked out by accident. Raises CommandError."""
    values = _outputs_of(stack or {})
    before, after = values.get("Issuer"), template["Outputs"]["Issuer"]["Value"]
    is_same = "UserPoolId" in values if isinstance(after, dict) else before == after
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
    values: dict[str, str],
) -> dict[str, str]:
    """Name the API in the site's Content-Security-Policy. Returns the stack's outputs.

    The API allows the site's origin, so that CloudFormation creates the site before the API.
    """
    current = values["SiteApiUrl"]
    # API Gateway's own address is closed if the API has a domain.
    domain = stage.custom_domain
    api_url = f"https://{domain}" if domain else values["EndpointURL"].rstrip("/")
    # A URL that the operator has named stays.
    is_own = current != site.NO_API and ".execute-api." not in current
    if os.environ.get("API_URL") or is_own or current == api_url:
        return values
    print(f"The site gets the API's URL, {api_url}.", flush=True)
    os.environ["API_URL"] = api_url
    return apply(client, stage, template, url)


def _name_code(template: dict[str, Any], code: Path, bucket: str) -> None:
    """Put the zip into a bucket, and its place into the template.

    Its name is its digest: what an earlier stack was made of stays for a roll back.
    """
    zip_bytes = code.read_bytes()
    key = f"storefront/{sha256(zip_bytes).hexdigest()}.zip"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=zip_bytes)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://{bucket}/{key}"


def upload(template: dict[str, Any], bucket: str) -> str:
    """Put a template into a bucket, named by its digest. Returns its URL."""
    client = boto3.client("s3")
    text = json.dumps(template).encode()
    key = f"storefront/{sha256(text).hexdigest()}.json"
    client.put_object(Bucket=bucket, Key=key, Body=text)
    endpoint = client.meta.endpoint_url
    host = endpoint.partition("://")[2]
    return f"https://{bucket}.{host}/{key}" if "amazonaws" in host else f"{endpoint}/{bucket}/{key}"


def outputs(stage: Stage) -> dict[str, str]:
    """The outputs of a stage's stack. Raises CommandError if there is none."""
    stack = _stack(boto3.client("cloudformation"), stage.function)
    if stack is None:
        raise CommandError(
            f"There is no stack {stage.function}: make package stack STAGE={stage.name} "
            "BUCKET=... makes it."
        )
    return _outputs_of(stack)


def _outputs_of(stack: Any) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def apply(
    client: "CloudFormationClient",
    stage: Stage,
    template: dict[str, Any],
    url: str,
    *,
    new_values: bool = True,
) -> dict[str, str]:
    """Create or update the stack. Returns its outputs. Raises CommandError.

    Parameters get their values from the environment, or keep all their values.
    """
    name = stage.function
    stack = _stack(client, name)
    is_new = stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    created = client.create_change_set(
        StackName=name,
        ChangeSetName=f"{name}-{sha256(os.urandom(8)).hexdigest()[:16]}",
        ChangeSetType="CREATE" if is_new else "UPDATE",
        TemplateURL=url,
        Parameters=_parameters(template, stack) if new_values else _kept(template, stack),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=stage.tag_list,
        ImportExistingResources=True,
        **role(),
        # Or what is left of a first attempt would have to be deleted by hand before the second.
        OnStackFailure="DELETE" if is_new else "ROLLBACK",
    )
    # With the stack's name, by which the deployer's policy limits the calls.
    change_set: Any = {"StackName": name, "ChangeSetName": created["Id"]}
    if _is_ready(client, change_set):
        began = datetime.now(UTC)
        client.execute_change_set(**change_set)
        follow.follow(client, created["StackId"], began)
    stack = _stack(client, name)
    if stack.get("EnableTerminationProtection", False) != stage.settings.termination_protection:
        client.update_termination_protection(
            StackName=name, EnableTerminationProtection=stage.settings.termination_protection
        )
        state = "on" if stage.settings.termination_protection else "off"
        print(f"The stack's termination protection is {state}.")
    return _outputs_of(stack)


def role() -> dict[str, Any]:
    """The role that CloudFormation takes, if the environment names one: docs/deploy.md."""
    arn = os.environ.get(ROLE)
    return {"RoleARN": arn} if arn else {}


def _is_ready(client: "CloudFormationClient", change_set: Any) -> bool:
    """Wait for a change set and print its changes. Returns whether there are any."""
    try:
        client.get_waiter("change_set_create_complete").wait(**change_set)
    except WaiterError as error:
        response: Any = error.last_response
        if "Error" in response:
            message = response["Error"].get("Message", "no reason given")
            raise CommandError(f"The change set cannot be read: {message}") from None
        if response["Status"] != "FAILED":
            raise CommandError("CloudFormation has not made the change set in time.") from None
        reason = response.get("StatusReason", "no reason given")
        client.delete_change_set(**change_set)
        if any(words in reason for words in NO_CHANGE):
            print("There are no changes.")
            return False
        raise CommandError(f"CloudFormation rejects the template: {reason}") from None
    for page in client.get_paginator("describe_change_set").paginate(**change_set):
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


def _values(template: dict[str, Any], stack: Any) -> dict[str, str]:
    """The values of the parameters: the environment's, or else the stack's.

    A workflow sets a variable that has no value to an empty string.
    """
    values = {
        each["ParameterKey"]: each["ParameterValue"]
        for each in (stack or {}).get("Parameters", [])
        if each["ParameterKey"] in template["Parameters"]
    }
    for name in template["Parameters"]:
        if value := os.environ.get(PARAMETERS[name]):
            values[name] = "" if value == NONE else value
    return values


def _kept(template: dict[str, Any], stack: Any) -> list["ParameterTypeDef"]:
    """The parameters of a template with the values that the stack has."""
    return [
        {"ParameterKey": each["ParameterKey"], "UsePreviousValue": True}
        for each in stack.get("Parameters", [])
        if each["ParameterKey"] in template["Parameters"]
    ]


def _parameters(template: dict[str, Any], stack: Any) -> list["ParameterTypeDef"]:
    """The parameters with their values. One without a value has its default.

    Raises CommandError if a required one has none, or the alarms have no receiver.
    """
    values = _values(template, stack)
    for name, declared in template["Parameters"].items():
        if name not in values and "Default" not in declared:
            raise CommandError(f"{PARAMETERS[name]} is not set. {declared['Description']}")
    if alarms.RULE in template.get("Rules", {}) and not any(map(values.get, alarms.RECEIVERS)):
        raise CommandError(
            "The stage's alarms have no receiver. Set ALARM_EMAIL to an email address, or "
            "ALARM_TOPIC_ARN to an SNS topic, or remove alarms from the stage's settings."
        )
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]
