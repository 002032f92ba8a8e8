"""The customer-managed key of a stage, which encrypts its tables and logs.

Whoever may not use the key cannot read the data, whatever else they may do; to delete the key is to
delete the data. https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

from typing import Any

from infra.stages import Stage

Resource = dict[str, Any]
Resources = dict[str, Resource]

KEY = "Key"
ARN = {"Fn::GetAtt": [KEY, "Arn"]}
USE = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]


def is_made(stage: Stage) -> bool:
    """Whether a stage has a key of its own."""
    return stage.infra.encryption == "CUSTOMER_MANAGED"


def resources(stage: Stage, roles: list[str]) -> Resources:
    """The key and its alias. `roles` are the logical ids of the functions' roles."""
    if not is_made(stage):
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
                "Tags": [{"Key": key, "Value": value} for key, value in stage.tags.items()],
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
            "Action": USE,
            "Condition": {
                "StringEquals": {
                    "kms:ViaService": {"Fn::Sub": "dynamodb.${AWS::Region}.amazonaws.com"}
                }
            },
        },
        {
            "Sid": "Logs",
            "Principal": {"Service": {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}},
            "Action": USE,
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
