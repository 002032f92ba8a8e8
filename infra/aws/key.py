"""The customer-managed key of a stage, which encrypts its tables and logs.

A principal without permission for the key cannot read the data. Deleting the key deletes the data.
https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

from typing import Any

from infra.stages import Stage

Resource = dict[str, Any]
Resources = dict[str, Resource]

KEY = "Key"
ARN = {"Fn::GetAtt": [KEY, "Arn"]}
KEY_ACTIONS = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
]


def has_customer_managed_key(stage: Stage) -> bool:
    """Whether the template of a stage has its key."""
    return stage.infra.encryption == "CUSTOMER_MANAGED"


def resources(stage: Stage, roles: list[str]) -> Resources:
    """The key and its alias. `roles` are the logical ids of the functions' roles."""
    if not has_customer_managed_key(stage):
        return {}
    retained = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {
        KEY: {
            "Type": "AWS::KMS::Key",
            **retained,
            "Properties": {
                "Description": f"Encrypts the tables and logs of {stage.function}.",
                "EnableKeyRotation": True,
                "KeyPolicy": _policy(stage, roles),
                "Tags": stage.tag_list,
            },
        },
        "KeyAlias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": stage.key_alias, "TargetKeyId": {"Ref": KEY}},
        },
    }


def _policy(stage: Stage, roles: list[str]) -> dict[str, Any]:
    logs = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/*/"
    statements = [
        {
            # Without it, nobody could change this policy. The permissions are those of IAM.
            "Sid": "Account",
            "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
            "Action": "kms:*",
        },
        {
            "Sid": "Functions",
            "Principal": {"AWS": [{"Fn::GetAtt": [role, "Arn"]} for role in roles]},
            "Action": KEY_ACTIONS,
            "Condition": {
                "StringEquals": {
                    "kms:ViaService": {"Fn::Sub": "dynamodb.${AWS::Region}.amazonaws.com"}
                }
            },
        },
        {
            "Sid": "Logs",
            "Principal": {"Service": {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}},
            "Action": KEY_ACTIONS,
            "Condition": {
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": {"Fn::Sub": f"{logs}{stage.function}*"}
                }
            },
        },
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Resource": "*", **each} for each in statements],
    }
