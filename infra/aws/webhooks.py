"""Webhooks: each has a rule of the event bus, a queue, and a function that delivers.

Webhooks share the bus and the log group only, so that a receiver that hangs delays only its own
events.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

import re
from typing import Any
from urllib.parse import urlsplit

from chalicelib.events.changes import ACTIONS
from chalicelib.models import RESOURCES
from chalicelib.webhooks import delivery
from chalicelib.webhooks.signature import PREFIX
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
# The queue's own visibility timeout. It applies after the last attempt, and where Lambda could not
# start the function, which counts as an attempt, too: eight of them take four hours.
VISIBILITY_SECONDS = 30 * 60
# SQS deletes an event that has waited for so long; the alarm goes off after half of it.
RETENTION_SECONDS = 4 * 24 * 60 * 60
MAX_AGE_SECONDS = RETENTION_SECONDS // 2

MAX_URL_LENGTH = 1000
NAME = r"[a-z][a-z0-9]{0,29}"
# https://www.rfc-editor.org/rfc/rfc1123#section-2
HOST = r"(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,62}"
# Of the path and the query: no space, and no fragment.
TARGET = r"(/[!$-~]*)?(\?[!$-~]*)?"
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
SECRET_NAME = r"[A-Za-z0-9/_+=.@-]{1,512}"  # noqa: S105, a pattern of names


def check(stage: Stage) -> None:
    """Raise CommandError for a webhook that cannot work."""
    for name, webhook in stage.infra.webhooks.items():
        if problem := _problem(name, webhook):
            raise CommandError(
                f"The webhook {name!r} of the stage {stage.name!r} in .chalice/config.json is "
                f"wrong: {problem}."
            )


def _problem(name: str, webhook: Webhook) -> str | None:
    """What is wrong with a webhook, or None."""
    if not re.fullmatch(NAME, name):
        return "its name must be a lowercase letter, and at most 29 lowercase letters and digits"
    if not _is_url(webhook.url):
        return (
            f"its url must be https://, the name of a host, and at most {MAX_URL_LENGTH} "
            "characters, such as https://mail.example.com/hooks, without a user and a fragment"
        )
    if webhook.secret.startswith(PREFIX):
        return (
            "its secret must be the name of a secret in AWS Secrets Manager, and it is the secret "
            "itself. Do not keep a secret in a file of the repository: make another one"
        )
    if not re.fullmatch(SECRET_NAME, webhook.secret):
        return "its secret must be the name of a secret in AWS Secrets Manager, and no ARN"
    types = _types()
    for event in webhook.events:
        if event not in {"*", *types, *(part for each in types for part in _patterns(each))}:
            return f"there is no event {event}. The events are {', '.join(types)}"
    return None


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        len(url) <= MAX_URL_LENGTH
        and parts.scheme == "https"
        and re.fullmatch(HOST, parts.hostname or "") is not None
        and port != 0
        and parts.netloc.lower() in {parts.hostname, f"{parts.hostname}:{port}"}
        and re.fullmatch(TARGET, url.partition("://")[2].removeprefix(parts.netloc)) is not None
    )


def _types() -> list[str]:
    """The types of all events."""
    return [f"{resource.noun}.{action}" for resource in RESOURCES for action in ACTIONS.values()]


def _patterns(type_: str) -> tuple[str, str]:
    """The patterns that contain a type: all of its resource, and all of its action."""
    noun, _, action = type_.rpartition(".")
    return f"{noun}.*", f"*.{action}"


def resources(stage: Stage) -> Resources:
    """The resources of a stage's webhooks."""
    if not stage.infra.webhooks:
        return {}
    made = {LOGS: functions.log_group(stage, f"{stage.log_group}-webhooks")}
    for name, webhook in stage.infra.webhooks.items():
        made |= _webhook(stage, name, webhook)
    return made


def outputs(stage: Stage) -> dict[str, Resource]:
    """The outputs with the queues, between which AWS's command moves dead letters."""
    return {
        f"{_id(name)}{part}Arn": {
            "Description": f"{description} of the webhook {name}.",
            "Value": {"Fn::GetAtt": [f"{_id(name)}{part}", "Arn"]},
        }
        for name in stage.infra.webhooks
        for part, description in (("Queue", "The queue"), ("DeadLetters", "The dead-letter queue"))
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
        **_alarms(stage, name, queue, dead_letters),
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


def _alarms(stage: Stage, name: str, queue: str, dead_letters: str) -> Resources:
    if not stage.infra.alarms:
        return {}

    return {
        f"{_id(name)}DeadLettersAlarm": alarms.alarm(
            stage,
            "webhooks",
            f"The webhook {name} has events that could not be delivered, in its dead-letter queue.",
            0,
            **alarms.queue_metric("ApproximateNumberOfMessagesVisible", dead_letters),
        ),
        f"{_id(name)}AgeAlarm": alarms.alarm(
            stage,
            "webhooks",
            f"The webhook {name} is two days behind, and loses events after four.",
            MAX_AGE_SECONDS,
            **alarms.queue_metric("ApproximateAgeOfOldestMessage", queue),
        ),
    }
