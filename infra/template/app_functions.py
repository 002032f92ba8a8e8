"""The functions that run app.py: the API's, and those of its other decorators.

Chalice makes them; here they get log groups, roles, and what has failed for the last time a queue.
"""

import re
from typing import Any

from chalice.app import (
    CloudWatchEventConfig,
    S3EventConfig,
    ScheduledEventConfig,
    SNSEventConfig,
)
from chalice.utils import to_cfn_resource_name

import app as application
from infra.data import tables
from infra.stages import Stage
from infra.template import alarms, findings, functions, policy, queues
from infra.template.part import FUNCTION, Part, Resources

# Sources that invoke asynchronously: Lambda retries a failed event, and then discards it.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
ASYNCHRONOUS = (CloudWatchEventConfig, S3EventConfig, ScheduledEventConfig, SNSEventConfig)

# Why findings of checkov do not apply.
FINDINGS = {
    "CKV_AWS_115": "Reserved concurrency is Chalice's setting `reserved_concurrency`.",
    "CKV_AWS_117": "DynamoDB and the issuer are reached without a VPC, which is Chalice's setting.",
    "CKV_AWS_173": "The variables hold no secret.",
}
NO_DEAD_LETTERS = {"CKV_AWS_116": "Nothing invokes the function asynchronously."}

LOGS = "APIHandlerLogGroup"
DEAD_LETTERS = "DeadLetters"


def part(stage: Stage) -> Part:
    """Log groups, roles and properties of the functions, and the queue of failed events."""
    queued = asynchronous_functions()
    api_function = {
        "DependsOn": [tables.logical_id(stage, each) for each in tables.definitions(stage)],
        "Metadata": findings.skip(FINDINGS | NO_DEAD_LETTERS),
        "Properties": {"LoggingConfig": {"LogGroup": {"Ref": LOGS}}},
    }
    throttles = {
        f"{name}ThrottlesAlarm": alarms.throttles(stage, name) for name in logical_ids()[1:]
    }
    return Part(
        resources={
            LOGS: functions.log_group(stage, stage.log_group),
            FUNCTION: api_function,
            **_roles(stage, queued),
            **_other_functions(stage, queued),
        },
        alarms=throttles | (dead_letters_alarm(stage) if queued else {}),
    )


def logical_ids() -> list[str]:
    """The logical ids of the functions, the API's first."""
    return [FUNCTION, *(to_cfn_resource_name(name) for name in policy.other_functions())]


def asynchronous_functions() -> list[str]:
    """The names of the app's functions that are invoked asynchronously."""
    app: Any = application.app
    return sorted(
        [
            *(function.name for function in app.pure_lambda_functions),
            *(source.name for source in app.event_sources if isinstance(source, ASYNCHRONOUS)),
        ]
    )


def dead_letters_alarm(stage: Stage) -> Resources:
    """The alarm on events in the queue of failed events."""
    waiting = alarms.queue_metric("ApproximateNumberOfMessagesVisible", DEAD_LETTERS)
    sentence = "An event has failed for the last time, and is in the dead-letter queue."
    return {"DeadLettersAlarm": alarms.alarm(stage, "dead letters", sentence, 0, **waiting)}


def _roles(stage: Stage, queued: list[str]) -> Resources:
    """The roles with the generated policy, limited to this account and region."""
    document = policy.document(stage)
    for statement in document["Statement"]:
        if isinstance(statement["Resource"], list):
            statement["Resource"] = [_own(arn) for arn in statement["Resource"]]
    roles = {"ApiHandlerRole": document}
    for name in policy.other_functions():
        statements = document["Statement"]
        if name in queued:
            arn = {"Fn::GetAtt": [DEAD_LETTERS, "Arn"]}
            send = {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [arn]}
            statements = [*statements, send]
        roles[f"{to_cfn_resource_name(name)}Role"] = document | {"Statement": statements}
    return {
        role: {
            "Properties": {
                "Policies": [{"PolicyName": "storefront", "PolicyDocument": allowed}],
                "Tags": stage.tag_list,
            }
        }
        for role, allowed in roles.items()
    }


def _own(arn: str) -> Any:
    """An ARN of the policy, limited to this partition, region and account."""
    place = r"arn:${AWS::Partition}:\1:${AWS::Region}:${AWS::AccountId}:"
    own = re.sub(r"^arn:\*:(\w+):\*:\*:", place, arn)
    return {"Fn::Sub": own} if own != arn else arn


def _other_functions(stage: Stage, queued: list[str]) -> Resources:
    """The app's other functions, and the dead-letter queue of the asynchronous ones.

    The queue has the events of which all retries have failed.
    """
    target = {"Type": "SQS", "TargetArn": {"Fn::GetAtt": [DEAD_LETTERS, "Arn"]}}
    made: Resources = {}
    for name in policy.other_functions():
        is_queued = name in queued
        id_ = to_cfn_resource_name(name)
        made[f"{id_}LogGroup"] = functions.log_group(stage, f"{stage.log_group}-{name}")
        made[id_] = {
            "Metadata": findings.skip(FINDINGS | ({} if is_queued else NO_DEAD_LETTERS)),
            "Properties": {
                "LoggingConfig": {"LogGroup": {"Ref": f"{id_}LogGroup"}},
                **({"DeadLetterQueue": target} if is_queued else {}),
            },
        }
    return {**({DEAD_LETTERS: queues.queue(stage)} if queued else {}), **made}
