"""The secret of a subscriber, in AWS Secrets Manager.

A new version of the secret makes the one before it AWSPREVIOUS. Requests are signed with both, so
that a receiver can change from one to the other without losing a request.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
"""

from time import time
from typing import Any, cast

from botocore.config import Config

from chalicelib.storage import sdk
from chalicelib.webhooks.signature import parse_secret

VERSIONS = ("AWSCURRENT", "AWSPREVIOUS")
# For how long a secret is used before it is read again, by the wall clock: Lambda stops the
# environment, and its monotonic clock, between invocations.
FRESH_SECONDS = 300

client = cast(
    "Any",
    sdk.client(
        "secretsmanager",
        config=Config(
            connect_timeout=1,
            read_timeout=5,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    ),
)


class SigningSecret:
    """A secret by its name or ARN, read when it is needed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._values: list[bytes] = []
        self._read_at = 0.0

    def values(self) -> list[bytes]:
        """The current version's bytes, and the previous one's, if there is one.

        Raises SecretError, or botocore's ClientError or BotoCoreError.
        """
        if not self._values or time() - self._read_at > FRESH_SECONDS:
            self._values = [parse_secret(text) for text in self._texts()]
            self._read_at = time()
        return self._values

    def _texts(self) -> list[str]:
        texts: list[str] = []
        for version in VERSIONS:
            try:
                answer = client.get_secret_value(SecretId=self._name, VersionStage=version)
            except client.exceptions.ResourceNotFoundException:
                # A secret that was never changed has one version.
                if not texts:
                    raise
            else:
                texts.append(answer["SecretString"].strip())
        return texts
