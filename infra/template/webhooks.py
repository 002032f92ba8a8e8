"""Webhooks: each has a rule of the event bus, a queue, and a function that delivers.

Webhooks share the bus and the log group only, so that a receiver that hangs delays only its own
events.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from typing import Any

from chalicelib.webhooks import delivery
from infra.settings import Webhook
from infra.stages import Stage
from infra.template import alarms, events, functions, queues
from infra.template.functions import Function
from infra.template.part import Part, Resources

HANDLER = "chalicelib.webhooks.handler.handle"
LOGS = "WebhooksLogGroup"
# Less than the time until the first retry, so that no event is delivered twice at the same time.
TIMEOUT_SECONDS = 45
# The queue's own visibility timeout. It applies after the last attempt, and where Lambda could not
# start the function, which counts as an attempt, too: eight of them take four hours.
VISIBILITY_SECONDS = 30 * 60
# SQS deletes an event that has waited for so long; the alarm goes off after half of it.
RETENTION_SECONDS = 4 * 24 * 60 * 60
MAX_AGE_SECONDS = RETENTION_SECONDS // 2


def part(stage: Stage) -> Part:
    """The log group that webhooks share, and what each has for itself."""
    if not stage.settings.webhooks:
        return Part()
    resources: Resources = {LOGS: functions.log_group(stage, f"{stage.log_group}-webhooks")}
    alarms_of_all: Resources = {}
    for name, webhook in stage.settings.webhooks.items():
        resources |= _webhook(stage, name, webhook)
        alarms_of_all |= _alarms(stage, name)
    return Part(resources=resources, alarms=alarms_of_all, outputs=_outputs(stage))


def _outputs(stage: Stage) -> Resources:
    """The queues, between which AWS's command moves dead letters."""
    return {
        f"{_id(name)}{kind}Arn": {
            "Description": f"{description} of the webhook {name}.",
            "Value": {"Fn::GetAtt": [f"{_id(name)}{kind}", "Arn"]},
        }
        for name in stage.settings.webhooks
        for kind, description in (("Queue", "The queue"), ("DeadLetters", "The dead-letter queue"))
    }


def _id(name: str) -> str:
    """What the logical ids of a webhook begin with."""
    return f"Webhook{name.capitalize()}"


def _webhook(stage: Stage, name: str, webhook: Webhook) -> Resources:
    queue, dead_letters, policy = (
        f"{_id(name)}{part}" for part in ("Queue", "DeadLetters", "QueuePolicy")
    )
    rules = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule"
    rule_arn = f"{rules}/{stage.function}/{name}"
    function = _function(name, webhook, queue, dead_letters, {"Fn::Sub": rule_arn})
    redrive = {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]},
        "maxReceiveCount": delivery.MAX_ATTEMPTS,
    }
    return {
        dead_letters: queues.queue(stage),
        queue: queues.queue(
            stage,
            retention=RETENTION_SECONDS,
            RedrivePolicy=redrive,
            VisibilityTimeout=VISIBILITY_SECONDS,
        ),
        f"{_id(name)}Rule": {
            "Type": "AWS::Events::Rule",
            # EventBridge discards what a queue refuses.
            "DependsOn": policy,
            "Properties": {
                # Of a bus of the stage's own.
                "Name": name,
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
        policy: {
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
                            "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::Sub": rule_arn}}},
                        }
                    ],
                },
            },
        },
        **function.resources(stage),
    }


def _pattern(stage: Stage, webhook: Webhook) -> dict[str, Any]:
    """The events of a webhook, as the event pattern of a rule."""
    source = {"source": [f"storefront.{stage.name}"]}
    if "*" in webhook.events:
        return source
    return source | {"detail-type": [_detail_type(pattern) for pattern in webhook.events]}


def _detail_type(pattern: str) -> Any:
    if pattern.endswith("*"):
        return {"prefix": pattern.removesuffix("*")}
    return {"suffix": pattern.removeprefix("*")} if pattern.startswith("*") else pattern


def _function(
    name: str, webhook: Webhook, queue: str, dead_letters: str, rule_arn: Any
) -> Function:
    """The function. Its role allows its own queues, rule and secret, and no table."""
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    secrets = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
    return Function(
        prefix=_id(name),
        handler=HANDLER,
        log_group_id=LOGS,
        timeout_seconds=TIMEOUT_SECONDS,
        variables={
            "WEBHOOK_NAME": name,
            "WEBHOOK_URL": webhook.url,
            "WEBHOOK_QUEUE": {"Ref": queue},
            "WEBHOOK_DEAD_LETTERS": {"Ref": dead_letters},
            "EVENT_BUS": {"Ref": events.BUS},
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
                "Action": ["sqs:SendMessage"],
                "Resource": [{"Fn::GetAtt": [dead_letters, "Arn"]}],
            },
            {"Effect": "Allow", "Action": ["events:DisableRule"], "Resource": [rule_arn]},
            {
                "Effect": "Allow",
                "Action": ["secretsmanager:GetSecretValue"],
                # Secrets Manager adds six characters to the name.
                "Resource": [{"Fn::Sub": f"{secrets}{webhook.secret}-??????"}],
            },
        ],
    )


def _alarms(stage: Stage, name: str) -> Resources:
    return {
        f"{_id(name)}DeadLettersAlarm": alarms.alarm(
            stage,
            "webhooks",
            f"The webhook {name} has events that could not be delivered, in its dead-letter queue.",
            0,
            **alarms.queue_metric("ApproximateNumberOfMessagesVisible", f"{_id(name)}DeadLetters"),
        ),
        f"{_id(name)}AgeAlarm": alarms.alarm(
            stage,
            "webhooks",
            f"The webhook {name} is two days behind, and loses events after four.",
            MAX_AGE_SECONDS,
            **alarms.queue_metric("ApproximateAgeOfOldestMessage", f"{_id(name)}Queue"),
        ),
    }
