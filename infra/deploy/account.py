"""The role with which API Gateway writes access logs: one for an account and region.

All APIs share the role, so no stage owns it, and deleting a stage does not delete it.
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
"""

import json

import boto3

from infra.errors import CommandError

ROLE = "api-gateway-logs"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "apigateway.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def allow_logs() -> None:
    """Create the role and register it with API Gateway, unless one is registered."""
    api_gateway = boto3.client("apigateway")
    region = api_gateway.meta.region_name
    known = api_gateway.get_account().get("cloudwatchRoleArn")
    if known:
        print(f"API Gateway may write logs in {region} already, as {known}.")
        return
    iam = boto3.client("iam")
    try:
        role = iam.get_role(RoleName=ROLE)["Role"]
    except iam.exceptions.NoSuchEntityException:
        role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
        iam.get_waiter("role_exists").wait(RoleName=ROLE)
    policy = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    iam.attach_role_policy(
        RoleName=ROLE, PolicyArn=f"arn:{api_gateway.meta.partition}:iam::aws:policy/{policy}"
    )
    try:
        api_gateway.update_account(
            patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role["Arn"]}]
        )
    except api_gateway.exceptions.BadRequestException:
        raise CommandError(
            f"API Gateway does not know the new role {ROLE} yet: make account again in a minute."
        ) from None
    print(f"API Gateway may write logs in {region}, as {role['Arn']}.")
