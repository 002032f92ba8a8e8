"""Lambda functions of the package that Chalice does not make: a log group, a role and a function.

Chalice's functions import app.py, and with it the whole API.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
"""

from typing import Any

from chalice.constants import XRAY_POLICY
from msgspec import Struct

from infra.stages import Stage
from infra.template import findings, key
from infra.template.part import Resource, Resources

MEMORY_MB = 256
FINDINGS = {
    "CKV_AWS_115": "Its event sources limit how often it runs at the same time.",
    "CKV_AWS_116": "What fails goes to the queue of the event source.",
    "CKV_AWS_117": "What it calls is reached without a VPC.",
    "CKV_AWS_173": "The variables have the name of a secret, and not the secret.",
}


def log_group(stage: Stage, name: str) -> Resource:
    """A log group by its name, which is retained when the stack is deleted."""
    own_key = {"KmsKeyId": key.ARN} if key.has_customer_managed_key(stage) else {}
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        **key.finding(stage, "CKV_AWS_158"),
        "Properties": {
            "LogGroupName": name,
            "RetentionInDays": stage.settings.log_retention_in_days,
            "Tags": stage.tag_list,
            **own_key,
        },
    }


class Function(Struct, frozen=True, kw_only=True):
    """A function with a role of its own.

    `prefix` begins its logical ids, and `log_group_id` is that of its log group. `sources` are its
    event sources in SAM's form, and `statements` what its role allows besides the log.
    """

    prefix: str
    handler: str
    log_group_id: str
    timeout_seconds: int
    variables: dict[str, Any]
    sources: Resources
    statements: list[dict[str, Any]]

    @property
    def id(self) -> str:
        """The logical id."""
        return f"{self.prefix}Function"

    def resources(self, stage: Stage) -> Resources:
        """The function and its role."""
        role = f"{self.prefix}Role"
        return {role: self._role(stage), self.id: self._function(stage, role)}

    def _role(self, stage: Stage) -> Resource:
        log = {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [{"Fn::GetAtt": [self.log_group_id, "Arn"]}],
        }
        traces = [XRAY_POLICY] if stage.config.xray_enabled else []
        return {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": trust("lambda.amazonaws.com"),
                "Policies": [
                    {
                        "PolicyName": "function",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [*self.statements, log, *traces],
                        },
                    }
                ],
                "Tags": stage.tag_list,
            },
        }

    def _function(self, stage: Stage, role: str) -> Resource:
        config = stage.config
        return {
            "Type": "AWS::Serverless::Function",
            "Metadata": findings.skip(FINDINGS),
            "Properties": {
                "Architectures": [config.lambda_architecture or "x86_64"],
                "CodeUri": "./deployment.zip",
                "Environment": {"Variables": {"STAGE": stage.name, **self.variables}},
                "Events": self.sources,
                "Handler": self.handler,
                "LoggingConfig": {"LogGroup": {"Ref": self.log_group_id}},
                "MemorySize": MEMORY_MB,
                "Role": {"Fn::GetAtt": [role, "Arn"]},
                "Runtime": config.lambda_python_version,
                "Tags": stage.tags,
                "Timeout": self.timeout_seconds,
                **({"Tracing": "Active"} if config.xray_enabled else {}),
            },
        }


def trust(service: str) -> dict[str, Any]:
    """The policy of a role that a service of AWS may assume."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ],
    }
