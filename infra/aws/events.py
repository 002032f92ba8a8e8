"""Change events: the streams of the tables, the function that reads them, and the event bus.

https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
"""

from typing import Any

from chalice.constants import XRAY_POLICY

from infra.aws import alarms, findings, key
from infra.stages import Stage

Resource = dict[str, Any]
Resources = dict[str, Resource]

BUS, FUNCTION, ROLE, QUEUE, LOGS = (
    "EventBus",
    "EventsFunction",
    "EventsRole",
    "EventsQueue",
    "EventsLogGroup",
)
HANDLER = "chalicelib.events.handler.handle"
MEMORY_MB = 256
TIMEOUT_SECONDS = 60
BATCH = 100
# A record is tried again for six hours, and then goes to the queue. Streams keep it for a day.
UNLIMITED = -1
RECORD_SECONDS = 6 * 60 * 60
# How old the record may be that the function reads.
MOST_MILLISECONDS = 15 * 60 * 1000
QUEUE_SECONDS = 14 * 24 * 60 * 60
FINDINGS = {
    "CKV_AWS_115": "Lambda runs one invocation for each shard of a stream.",
    "CKV_AWS_116": "What fails goes to the queue of the event source.",
    "CKV_AWS_117": "DynamoDB and EventBridge are reached without a VPC.",
    "CKV_AWS_173": "The variables hold no secret.",
}


def table_properties(stage: Stage) -> dict[str, Any]:
    """The properties of a table whose changes are published."""
    if not stage.infra.events:
        return {}
    return {"StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"}}


def resources(stage: Stage, tables: list[str]) -> Resources:
    """The resources of a stage with events. `tables` are the logical ids of the items' tables."""
    if not stage.infra.events:
        return {}
    own_key = {"KmsKeyId": key.ARN} if key.has_customer_managed_key(stage) else {}
    return {
        BUS: {
            "Type": "AWS::Events::EventBus",
            "Properties": {"Name": stage.function, "Tags": stage.tag_list},
        },
        QUEUE: {
            "Type": "AWS::SQS::Queue",
            "Metadata": findings.skip({"CKV_AWS_27": "SQS encrypts it, with a key of its own."}),
            "Properties": {
                "MessageRetentionPeriod": QUEUE_SECONDS,
                "SqsManagedSseEnabled": True,
                "Tags": stage.tag_list,
            },
        },
        LOGS: {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            **key.finding(stage, "CKV_AWS_158"),
            "Properties": {
                "LogGroupName": f"{stage.log_group}-events",
                "RetentionInDays": stage.infra.log_retention_in_days,
                "Tags": stage.tag_list,
                **own_key,
            },
        },
        ROLE: _role(stage, tables),
        FUNCTION: _function(stage, tables),
        **_alarms(stage),
    }


def outputs(stage: Stage) -> dict[str, Resource]:
    """The outputs with the bus, and with the queue of what could not be published."""
    if not stage.infra.events:
        return {}
    return {
        "EventBusName": {
            "Description": "The bus of the change events.",
            "Value": {"Ref": BUS},
        },
        "EventsQueueUrl": {
            "Description": "What could not be published: make events-resend publishes it.",
            "Value": {"Ref": QUEUE},
        },
    }


def _function(stage: Stage, tables: list[str]) -> Resource:
    config = stage.config
    source = {
        "BatchSize": BATCH,
        "BisectBatchOnFunctionError": True,
        "DestinationConfig": {
            "OnFailure": {"Type": "SQS", "Destination": {"Fn::GetAtt": [QUEUE, "Arn"]}}
        },
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumRecordAgeInSeconds": RECORD_SECONDS,
        "MaximumRetryAttempts": UNLIMITED,
        # Or changes between the first write and the start of the mapping would be left out.
        "StartingPosition": "TRIM_HORIZON",
    }
    return {
        "Type": "AWS::Serverless::Function",
        "Metadata": findings.skip(FINDINGS),
        "Properties": {
            "Architectures": [config.lambda_architecture or "x86_64"],
            "CodeUri": "./deployment.zip",
            "Environment": {
                "Variables": {
                    "STAGE": stage.name,
                    "TABLE_PREFIX": stage.table_prefix,
                    "EVENT_BUS": {"Ref": BUS},
                }
            },
            "Events": {
                f"{table}Stream": {
                    "Type": "DynamoDB",
                    "Properties": {"Stream": {"Fn::GetAtt": [table, "StreamArn"]}, **source},
                }
                for table in tables
            },
            "Handler": HANDLER,
            "LoggingConfig": {"LogGroup": {"Ref": LOGS}},
            "MemorySize": MEMORY_MB,
            "Role": {"Fn::GetAtt": [ROLE, "Arn"]},
            "Runtime": config.lambda_python_version,
            "Tags": stage.tags,
            "Timeout": TIMEOUT_SECONDS,
            **({"Tracing": "Active"} if config.xray_enabled else {}),
        },
    }


def _role(stage: Stage, tables: list[str]) -> Resource:
    """A role for the streams, the bus, the queue and the log, and for no item."""
    statements: list[dict[str, Any]] = [
        {
            "Effect": "Allow",
            "Action": [
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
            ],
            "Resource": [{"Fn::GetAtt": [table, "StreamArn"]} for table in tables],
        },
        # It has no resource.
        {"Effect": "Allow", "Action": ["dynamodb:ListStreams"], "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["events:PutEvents"],
            "Resource": [{"Fn::GetAtt": [BUS, "Arn"]}],
        },
        {
            "Effect": "Allow",
            "Action": ["sqs:SendMessage"],
            "Resource": [{"Fn::GetAtt": [QUEUE, "Arn"]}],
        },
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [{"Fn::GetAtt": [LOGS, "Arn"]}],
        },
    ]
    if stage.config.xray_enabled:
        statements.append(XRAY_POLICY)
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            },
            "Policies": [
                {
                    "PolicyName": "events",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
                }
            ],
            "Tags": stage.tag_list,
        },
    }


def _alarms(stage: Stage) -> Resources:
    if not stage.infra.alarms:
        return {}
    queue = {"QueueName": {"Fn::GetAtt": [QUEUE, "QueueName"]}}
    waiting = alarms.metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue, "Maximum")
    age = alarms.metric("AWS/Lambda", "IteratorAge", {"FunctionName": {"Ref": FUNCTION}}, "Maximum")
    return {
        "EventsQueueAlarm": alarms.alarm(
            stage,
            "change events",
            "Changes could not be published for six hours, and are in the queue.",
            0,
            **waiting,
        ),
        "EventsAgeAlarm": alarms.alarm(
            stage,
            "change events",
            "Changes are published more than 15 minutes late.",
            MOST_MILLISECONDS,
            **age,
        ),
    }
