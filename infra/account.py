"""`make account`: lets API Gateway write access logs, once for an account and region.

API Gateway has one role for that, of all APIs. If there is one, it stays. No stage owns it, and no
stage takes it away.
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
"""

import json
import sys

import boto3

from infra import command
from infra.command import Refused

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


def main() -> None:
    """Make the role and name it to API Gateway, unless it has one."""
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
        raise Refused(
            f"API Gateway does not know the new role {ROLE} yet: make account again in a minute."
        ) from None
    print(f"API Gateway may write logs in {region}, as {role['Arn']}.")


if __name__ == "__main__":
    sys.exit(command.run(main))
