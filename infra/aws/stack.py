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

from infra.aws import alarms, deploy, follow, indexes, site
from infra.errors import CommandError
from infra.stages import ALIAS, PROJECT, Stage

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
# The logical id of the API's function.
FUNCTION = "APIHandler"
# The environment variable with the ARN of the role that CloudFormation takes.
ROLE = "CLOUDFORMATION_ROLE_ARN"
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
    known = _stack(client, stage.function)
    _check_issuer(known, template)
    deployed = _deployed_template(client, known)
    _name_code(template, package / "deployment.zip", bucket)
    if stage.has_alias:
        _describe_version(template, known, deployed)
    dynamodb = boto3.client("dynamodb")
    made: dict[str, str] = {}
    for update in indexes.updates(deployed, template):
        indexes.delete_leftovers(dynamodb, update)
        url = upload(update.template, bucket)
        made = apply(client, stage, update.template, url, new_values=update.brings_code)
        indexes.wait(dynamodb, update)
    if stage.infra.site:
        made = _name_the_api(client, stage, template, upload(template, bucket), made)
    if stage.has_alias:
        _delete_old_versions(made["APIHandlerName"])
    for name, value in sorted(made.items()):
        print(f"{name}: {value}")
    deploy.smoke_test(stage, made["EndpointURL"], _api_key(made))


def _delete_old_versions(function: str) -> None:
    """Delete the versions of the function that the alias has left, except for the last of them.

    CloudFormation keeps every version, and with SnapStart each one costs by the hour.
    """
    client = boto3.client("lambda")
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    numbers = sorted(
        int(each["Version"])
        for page in pages
        for each in page["Versions"]
        if each["Version"].isdigit()
    )
    aliases = client.list_aliases(FunctionName=function)["Aliases"]
    (alias,) = (each for each in aliases if each["Name"] == ALIAS)
    routed = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    used = {int(alias["FunctionVersion"]), *map(int, routed)}
    if numbers[-1] not in used:
        print(
            f"The alias {ALIAS} points to version {alias['FunctionVersion']}, and the newest is "
            f"{numbers[-1]}: somebody has moved it. aws lambda update-alias --name {ALIAS} "
            f"--function-name {function} --function-version {numbers[-1]} moves it back."
        )
    left = [number for number in numbers if number not in used]
    for number in left[:-1]:
        client.delete_function(FunctionName=function, Qualifier=str(number))
    if left[:-1]:
        print(f"Old versions of the function were deleted: {', '.join(map(str, left[:-1]))}.")


def _deployed_template(client: "CloudFormationClient", known: Any) -> dict[str, Any] | None:
    """The template that a stack was made of, or None."""
    if known is None or known["StackStatus"] == "REVIEW_IN_PROGRESS":
        return None
    body: Any = client.get_template(StackName=known["StackName"], TemplateStage="Original")
    text = body["TemplateBody"]
    template: dict[str, Any] = json.loads(text) if isinstance(text, str) else text
    return template


def _describe_version(
    template: dict[str, Any], known: Any, deployed: dict[str, Any] | None
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
        for name, value in _values(template, known).items()
        if f'{{"Ref": "{name}"}}' in text
    }
    digest = sha256((text + json.dumps(values, sort_keys=True)).encode()).hexdigest()[:12]
    before = (deployed or {"Resources": {}})["Resources"].get(FUNCTION, {})
    description: str = before.get("Properties", {}).get("Description", "")
    if description.partition(" ")[0] == digest:
        properties["Description"] = description
    elif known and known["StackStatus"].endswith("ROLLBACK_COMPLETE"):
        properties["Description"] = f"{digest} {known['LastUpdatedTime']:%Y-%m-%dT%H:%M:%SZ}"
    else:
        properties["Description"] = digest


def _api_key(made: Mapping[str, str]) -> str | None:
    """The API key of a stack's usage plan, if it has one."""
    if "ApiKeyId" not in made:
        return None
    client = boto3.client("apigateway")
    return client.get_api_key(apiKey=made["ApiKeyId"], includeValue=True).get("value")


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
    known = made["SiteApiUrl"]
    # API Gateway's own address is closed if the API has a domain.
    domain = stage.custom_domain
    api_url = f"https://{domain}" if domain else made["EndpointURL"].rstrip("/")
    # A URL that the operator has named stays.
    is_own = known != site.NO_API and ".execute-api." not in known
    if os.environ.get("API_URL") or is_own or known == api_url:
        return made
    print(f"The site gets the API's URL, {api_url}.", flush=True)
    os.environ["API_URL"] = api_url
    return apply(client, stage, template, url)


def _name_code(template: dict[str, Any], code: Path, bucket: str) -> None:
    """Put the zip into a bucket, and its place into the template.

    Its name is its digest: what an earlier stack was made of stays for a roll back.
    """
    packed = code.read_bytes()
    key = f"storefront/{sha256(packed).hexdigest()}.zip"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=packed)
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
    known = _stack(boto3.client("cloudformation"), stage.function)
    if known is None:
        raise CommandError(
            f"There is no stack {stage.function}: make package stack STAGE={stage.name} makes it."
        )
    return _outputs_of(known)


def _outputs_of(known: Any) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in known.get("Outputs", [])}


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
    known = _stack(client, name)
    is_new = known is None or known["StackStatus"] == "REVIEW_IN_PROGRESS"
    made = client.create_change_set(
        StackName=name,
        ChangeSetName=f"{name}-{sha256(os.urandom(8)).hexdigest()[:16]}",
        ChangeSetType="CREATE" if is_new else "UPDATE",
        TemplateURL=url,
        Parameters=_parameters(template, known) if new_values else _kept(template, known),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=stage.tag_list,
        ImportExistingResources=True,
        **role(),
        # Or what is left of a first attempt would have to be deleted by hand before the second.
        OnStackFailure="DELETE" if is_new else "ROLLBACK",
    )
    # With the stack's name, by which the deployer's policy limits the calls.
    change_set: Any = {"StackName": name, "ChangeSetName": made["Id"]}
    if _is_ready(client, change_set):
        began = datetime.now(UTC)
        client.execute_change_set(**change_set)
        follow.follow(client, made["StackId"], began)
    known = _stack(client, name)
    if known.get("EnableTerminationProtection", False) != stage.infra.termination_protection:
        client.update_termination_protection(
            StackName=name, EnableTerminationProtection=stage.infra.termination_protection
        )
        is_on = "on" if stage.infra.termination_protection else "off"
        print(f"The stack's termination protection is {is_on}.")
    return _outputs_of(known)


def role() -> dict[str, Any]:
    """The role that CloudFormation takes, if the environment names one: docs/operating.md."""
    arn = os.environ.get(ROLE)
    return {"RoleARN": arn} if arn else {}


def _is_ready(client: "CloudFormationClient", change_set: Any) -> bool:
    """Wait for a change set and print its changes. Returns whether there are any."""
    try:
        client.get_waiter("change_set_create_complete").wait(**change_set)
    except WaiterError as error:
        last: Any = error.last_response
        # A call that is denied ends the wait, too.
        reason = last.get("StatusReason") or last.get("Error", {}).get("Message", "no reason given")
        if any(words in reason for words in NO_CHANGE):
            client.delete_change_set(**change_set)
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


def _values(template: dict[str, Any], known: Any) -> dict[str, str]:
    """The values of the parameters: the environment's, or else the stack's.

    A workflow sets a variable that has no value to an empty string.
    """
    values = {
        each["ParameterKey"]: each["ParameterValue"]
        for each in (known or {}).get("Parameters", [])
        if each["ParameterKey"] in template["Parameters"]
    }
    for name in template["Parameters"]:
        if value := os.environ.get(PARAMETERS[name]):
            values[name] = "" if value == NONE else value
    return values


def _kept(template: dict[str, Any], known: Any) -> list["ParameterTypeDef"]:
    """The parameters of a template with the values that the stack has."""
    return [
        {"ParameterKey": each["ParameterKey"], "UsePreviousValue": True}
        for each in known.get("Parameters", [])
        if each["ParameterKey"] in template["Parameters"]
    ]


def _parameters(template: dict[str, Any], known: Any) -> list["ParameterTypeDef"]:
    """The parameters with their values. One without a value has its default.

    Raises CommandError if a required one has none, or the alarms have no receiver.
    """
    values = _values(template, known)
    for name, declared in template["Parameters"].items():
        if name not in values and "Default" not in declared:
            raise CommandError(f"{PARAMETERS[name]} is not set. {declared['Description']}")
    if alarms.RULE in template.get("Rules", {}) and not any(map(values.get, alarms.RECEIVERS)):
        raise CommandError(
            "The stage's alarms have no receiver. Set ALARM_EMAIL to an email address, or "
            "ALARM_TOPIC_ARN to an SNS topic, or remove alarms from the stage's settings."
        )
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]
