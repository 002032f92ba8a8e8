"""The secret of a webhook, in AWS Secrets Manager.

A new version of the secret makes the one before it AWSPREVIOUS. Requests are signed with both, so
that a receiver can change from one to the other without losing a request.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
"""

from time import time

from chalicelib import aws_clients
from chalicelib.webhooks.signature import SecretError, parse_secret

# For how long a secret is used before it is read again, by the wall clock: Lambda stops the
# environment, and its monotonic clock, between invocations.
FRESH_SECONDS = 300

client = aws_clients.event_client("secretsmanager")


class SigningSecret:
    """A secret by its name, read when it is needed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._values: list[bytes] = []
        self._read_at = 0.0

    def values(self) -> list[bytes]:
        """The current version's bytes, and the previous one's, if there is one that can sign.

        Raises SecretError for a current version that cannot sign, KeyError for a binary one, and
        botocore's ClientError or BotoCoreError.
        """
        if not self._values or time() - self._read_at > FRESH_SECONDS:
            current = parse_secret(self._text("AWSCURRENT"))
            self._values = [current, *self._previous()]
            self._read_at = time()
        return self._values

    def _previous(self) -> list[bytes]:
        try:
            return [parse_secret(self._text("AWSPREVIOUS"))]
        except (client.exceptions.ResourceNotFoundException, KeyError, SecretError):
            # Before its first change, a secret has one version. A change can replace a version that
            # cannot sign.
            return []

    def _text(self, version: str) -> str:
        response = client.get_secret_value(SecretId=self._name, VersionStage=version)
        return str(response["SecretString"]).strip()
