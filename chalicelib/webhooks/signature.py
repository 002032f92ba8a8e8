"""Signatures of Standard Webhooks, with symmetric secrets.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from secrets import token_bytes

PREFIX = "whsec_"
# Of the secret's bytes, by the specification.
MIN_BYTES, MAX_BYTES = 24, 64


class SecretError(ValueError):
    """A secret that cannot sign. The message does not quote it."""


def parse_secret(text: str) -> bytes:
    """The bytes of a secret, `whsec_` and 24 to 64 bytes in base64. Raises SecretError."""
    try:
        secret = b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        secret = b""
    if not text.startswith(PREFIX) or not MIN_BYTES <= len(secret) <= MAX_BYTES:
        raise SecretError(
            f"A secret is {PREFIX} and {MIN_BYTES} to {MAX_BYTES} bytes in base64, as make "
            "webhook-secret prints it."
        )
    return secret


def new_secret() -> str:
    """A secret of 32 random bytes."""
    return PREFIX + b64encode(token_bytes(32)).decode()


def sign(secrets: Sequence[bytes], id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers with a request's id, its time in Unix seconds, and a signature by each secret.

    Raises SecretError without a secret.
    """
    if not secrets:
        raise SecretError("A request is signed by at least one secret.")
    signed = f"{id_}.{timestamp}.".encode() + body
    digests = [hmac.digest(secret, signed, sha256) for secret in secrets]
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{b64encode(digest).decode()}" for digest in digests),
    }
