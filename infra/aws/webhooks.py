"""Webhooks: for each subscriber, a rule of the event bus, a queue, and a function that delivers.

Nothing of one subscriber is shared with another but the bus and the log group, so that a receiver
that hangs delays its own events alone.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from typing import Any

from chalicelib.events.changes import ACTIONS
from chalicelib.models import RESOURCES
from chalicelib.webhooks import delivery
from infra.aws import alarms, events, functions, queues
from infra.aws.functions import Function
from infra.errors import CommandError
from infra.stages import Stage, Webhook

Resource = dict[str, Any]
Resources = dict[str, Resource]

HANDLER = "chalicelib.webhooks.handler.handle"
LOGS = "WebhooksLogGroup"
# Less than the time until the first retry, so that no event is delivered twice at the same time.
TIMEOUT_SECONDS = 45
# Of a message whose function could not say when the next attempt is, and of the last one.
VISIBILITY_SECONDS = 6 * TIMEOUT_SECONDS
# An event waits for four days; the alarm on its age goes off after two.
QUEUE_SECONDS = 4 * 24 * 60 * 60
MOST_SECONDS = 2 * 24 * 60 * 60


def check(stage: Stage) -> None:
    """Raise CommandError for a webhook that asks for events that no resource has."""
    types = [f"{resource.noun}.{action}" for resource in RESOURCES for action in ACTIONS.values()]
    for name, webhook in stage.infra.webhooks.items():
        for pattern in webhook.events:
            if not any(_matches(pattern, type_) for type_ in types):
                raise CommandError(
                    f"The webhook {name!r} of the stage {stage.name!r} in .chalice/config.json "
                    f"asks for {pattern}, and the events are {', '.join(types)}."
                )


def resources(stage: Stage) -> Resources:
    """The resources of a stage's webhooks."""
    if not stage.infra.webhooks:
        return {}
    made = {LOGS: functions.log_group(stage, f"{stage.log_group}-webhooks")}
    for name, webhook in stage.infra.webhooks.items():
        made |= _webhook(stage, name, webhook)
    return made


def outputs(stage: Stage) -> dict[str, Resource]:
    """The outputs with the dead-letter queues, by which AWS's command delivers again."""
    return {
        f"{_id(name)}DeadLettersArn": {
            "Description": f"The events that the webhook {name} could not deliver.",
            "Value": {"Fn::GetAtt": [f"{_id(name)}DeadLetters", "Arn"]},
        }
        for name in stage.infra.webhooks
    }


def _id(name: str) -> str:
    """What the logical ids of a webhook begin with."""
    return f"Webhook{name.capitalize()}"


def _webhook(stage: Stage, name: str, webhook: Webhook) -> Resources:
    rule, queue, dead_letters = (f"{_id(name)}{part}" for part in ("Rule", "Queue", "DeadLetters"))
    function = _function(name, webhook, queue)
    redrive = {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]},
        "maxReceiveCount": delivery.MAX_ATTEMPTS,
    }
    return {
        dead_letters: queues.queue(stage),
        queue: queues.queue(
            stage,
            retention=QUEUE_SECONDS,
            RedrivePolicy=redrive,
            VisibilityTimeout=VISIBILITY_SECONDS,
        ),
        rule: {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Description": f"The events of the webhook {name}.",
                "EventBusName": {"Ref": events.BUS},
                "EventPattern": _pattern(stage, webhook),
                "Targets": [
                    {
                        "Id": name,
                        "Arn": {"Fn::GetAtt": [queue, "Arn"]},
                        "DeadLetterConfig": {"Arn": {"Fn::GetAtt": [dead_letters, "Arn"]}},
                    }
                ],
            },
        },
        f"{_id(name)}QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": queue}, {"Ref": dead_letters}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "events.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": [
                                {"Fn::GetAtt": [queue, "Arn"]},
                                {"Fn::GetAtt": [dead_letters, "Arn"]},
                            ],
                            "Condition": {
                                "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}
                            },
                        }
                    ],
                },
            },
        },
        **function.resources(stage),
        **_alarms(stage, name, queue, dead_letters),
    }


def _pattern(stage: Stage, webhook: Webhook) -> dict[str, Any]:
    """The events that a subscriber asks for, as a rule's event pattern."""
    source = {"source": [f"storefront.{stage.name}"]}
    if "*" in webhook.events:
        return source
    return source | {"detail-type": [_detail_type(pattern) for pattern in webhook.events]}


def _detail_type(pattern: str) -> Any:
    if pattern.endswith("*"):
        return {"prefix": pattern.removesuffix("*")}
    return {"suffix": pattern.removeprefix("*")} if pattern.startswith("*") else pattern


def _matches(pattern: str, type_: str) -> bool:
    """Whether a rule with a pattern takes events of a type."""
    match _detail_type(pattern):
        case {"prefix": prefix}:
            return type_.startswith(prefix)
        case {"suffix": suffix}:
            return type_.endswith(suffix)
        case exact:
            return bool(type_ == exact)


def _function(name: str, webhook: Webhook, queue: str) -> Function:
    """The function. Its role allows its own queue and secret, and no table."""
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    secrets = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
    return Function(
        name=_id(name),
        handler=HANDLER,
        logs=LOGS,
        seconds=TIMEOUT_SECONDS,
        variables={
            "WEBHOOK_NAME": name,
            "WEBHOOK_URL": webhook.url,
            "WEBHOOK_QUEUE": {"Ref": queue},
            "WEBHOOK_SECRET_NAME": webhook.secret,
        },
        sources={
            "Queue": {
                "Type": "SQS",
                "Properties": {
                    # A batch would have one visibility timeout for events of different ages.
                    "BatchSize": 1,
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                    "Queue": arn,
                    "ScalingConfig": {"MaximumConcurrency": webhook.concurrency},
                },
            }
        },
        statements=[
            {
                "Effect": "Allow",
                "Action": [
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ReceiveMessage",
                ],
                "Resource": [arn],
            },
            {
                "Effect": "Allow",
                "Action": ["secretsmanager:GetSecretValue"],
                # Secrets Manager adds six characters to the name.
                "Resource": [{"Fn::Sub": f"{secrets}{webhook.secret}-??????"}],
            },
        ],
    )


def _alarms(stage: Stage, name: str, queue: str, dead_letters: str) -> Resources:
    if not stage.infra.alarms:
        return {}

    def metric(metric_name: str, logical_id: str) -> dict[str, Any]:
        queue_name = {"QueueName": {"Fn::GetAtt": [logical_id, "QueueName"]}}
        return alarms.metric("AWS/SQS", metric_name, queue_name, "Maximum")

    return {
        f"{_id(name)}DeadLettersAlarm": alarms.alarm(
            stage,
            "webhooks",
            f"Events could not be delivered to the webhook {name} for a day.",
            0,
            **metric("ApproximateNumberOfMessagesVisible", dead_letters),
        ),
        f"{_id(name)}AgeAlarm": alarms.alarm(
            stage,
            "webhooks",
            f"The webhook {name} is two days behind, and loses events after four.",
            MOST_SECONDS,
            **metric("ApproximateAgeOfOldestMessage", queue),
        ),
    }
