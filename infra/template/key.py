"""The customer-managed key of a stage, which encrypts its tables and logs.

A principal without permission for the key cannot read the data. Deleting the key deletes the data.
https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

from typing import Any

from infra.stages import Stage
from infra.template import findings
from infra.template.part import Part, Resource, Resources

KEY = "Key"
ARN = {"Fn::GetAtt": [KEY, "Arn"]}
NO_CUSTOMER_KEY = "A key of AWS's encrypts it; a customer-managed one is a setting, `encryption`."
KEY_ACTIONS = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
]


def has_customer_managed_key(stage: Stage) -> bool:
    """Whether the template of a stage has its key."""
    return stage.settings.encryption == "CUSTOMER_MANAGED"


def finding(stage: Stage, id_: str) -> Resource:
    """The part of a resource with the reason why checkov's finding on its key does not apply."""
    if has_customer_managed_key(stage):
        return {}
    return {"Metadata": findings.skip({id_: NO_CUSTOMER_KEY})}


def part(stage: Stage) -> Part:
    """The key and its alias."""
    if not has_customer_managed_key(stage):
        return Part()
    retained = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    resources: Resources = {
        KEY: {
            "Type": "AWS::KMS::Key",
            **retained,
            "Metadata": findings.skip(
                {"CKV_AWS_33": "Conditions limit the principals to the stack's roles."}
            ),
            "Properties": {
                "Description": f"Encrypts the tables and logs of {stage.function}.",
                "EnableKeyRotation": True,
                "KeyPolicy": _policy(stage),
                "Tags": stage.tag_list,
            },
        },
        "KeyAlias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": stage.key_alias, "TargetKeyId": {"Ref": KEY}},
        },
    }
    return Part(resources=resources)


def _policy(stage: Stage) -> dict[str, Any]:
    logs = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:"
    iam = "arn:${AWS::Partition}:iam::${AWS::AccountId}:"
    statements = [
        {
            # Without it, nobody could change this policy. The permissions are those of IAM.
            "Sid": "Account",
            "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
            "Action": "kms:*",
        },
        {
            # By the names of the roles, which a stack that is created again has, too.
            "Sid": "Functions",
            "Principal": {"AWS": "*"},
            "Action": KEY_ACTIONS,
            "Condition": {
                "StringEquals": {
                    "kms:CallerAccount": {"Ref": "AWS::AccountId"},
                    "kms:ViaService": {"Fn::Sub": "dynamodb.${AWS::Region}.amazonaws.com"},
                },
                "ArnLike": {"aws:PrincipalArn": {"Fn::Sub": f"{iam}role/{stage.function}-*"}},
            },
        },
        {
            "Sid": "Logs",
            "Principal": {"Service": {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}},
            "Action": KEY_ACTIONS,
            "Condition": {
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": [
                        {"Fn::Sub": f"{logs}{name}"}
                        for name in (
                            stage.log_group,
                            f"{stage.log_group}-*",
                            stage.access_log_group,
                        )
                    ]
                }
            },
        },
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Resource": "*", **each} for each in statements],
    }
