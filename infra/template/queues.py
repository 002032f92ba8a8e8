"""Queues of a stage, for what waits and for what has failed.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

from typing import Any

from infra.stages import Stage
from infra.template import findings

# Of a message, from its first sending on: 14 days are SQS's maximum.
RETENTION_SECONDS = 14 * 24 * 60 * 60


def queue(stage: Stage, *, retention: int = RETENTION_SECONDS, **properties: Any) -> dict[str, Any]:
    """An encrypted queue, which keeps messages for `retention` seconds."""
    return {
        "Type": "AWS::SQS::Queue",
        "Metadata": findings.skip({"CKV_AWS_27": "SQS encrypts it, with a key of its own."}),
        "Properties": {
            "MessageRetentionPeriod": retention,
            "SqsManagedSseEnabled": True,
            "Tags": stage.tag_list,
            **properties,
        },
    }
