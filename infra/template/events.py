"""Change events: the streams of the tables, the function that reads them, and the event bus.

https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
"""

from infra.data import tables
from infra.stages import Stage
from infra.template import alarms, functions, queues
from infra.template.functions import Function
from infra.template.part import Part, Resources

BUS, QUEUE, LOGS = "EventBus", "EventsQueue", "EventsLogGroup"
HANDLER = "chalicelib.events.handler.handle"
TIMEOUT_SECONDS = 60
BATCH = 100
# A record is tried again for six hours, and then goes to the queue. Streams keep it for a day.
UNLIMITED = -1
RECORD_SECONDS = 6 * 60 * 60
# How old the record may be that the function reads, before the alarm goes off.
MAX_AGE_MILLISECONDS = 15 * 60 * 1000


def part(stage: Stage) -> Part:
    """The bus, the function that publishes, and the queue of what it could not publish."""
    if not stage.settings.events:
        return Part()
    item_tables = [
        tables.logical_id(stage, definition)
        for definition in tables.definitions(stage)
        if not tables.expires(definition)
    ]
    function = _function(stage, item_tables)
    return Part(
        resources={
            BUS: {
                "Type": "AWS::Events::EventBus",
                "Properties": {"Name": stage.function, "Tags": stage.tag_list},
            },
            QUEUE: queues.queue(stage),
            LOGS: functions.log_group(stage, f"{stage.log_group}-events"),
            **function.resources(stage),
        },
        alarms=_alarms(stage, function),
        outputs={
            "EventBusName": {"Description": "The bus of the change events.", "Value": {"Ref": BUS}},
            "EventsQueueUrl": {
                "Description": "What could not be published: make events-resend publishes it.",
                "Value": {"Ref": QUEUE},
            },
        },
    )


def _function(stage: Stage, item_tables: list[str]) -> Function:
    """The function. Its role allows the streams, the bus and the queue, and no access to items."""
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
    streams = {table: {"Fn::GetAtt": [table, "StreamArn"]} for table in item_tables}
    return Function(
        prefix="Events",
        handler=HANDLER,
        log_group_id=LOGS,
        timeout_seconds=TIMEOUT_SECONDS,
        variables={"EVENT_BUS": {"Ref": BUS}, "TABLE_PREFIX": stage.table_prefix},
        sources={
            f"{table}Stream": {"Type": "DynamoDB", "Properties": {"Stream": stream, **source}}
            for table, stream in streams.items()
        },
        statements=[
            {
                "Effect": "Allow",
                "Action": [
                    "dynamodb:DescribeStream",
                    "dynamodb:GetRecords",
                    "dynamodb:GetShardIterator",
                ],
                "Resource": list(streams.values()),
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
        ],
    )


def _alarms(stage: Stage, function: Function) -> Resources:
    waiting = alarms.queue_metric("ApproximateNumberOfMessagesVisible", QUEUE)
    age = alarms.metric(
        "AWS/Lambda", "IteratorAge", {"FunctionName": {"Ref": function.id}}, "Maximum"
    )
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
            MAX_AGE_MILLISECONDS,
            **age,
        ),
    }
