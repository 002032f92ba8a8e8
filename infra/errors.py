"""Errors of the project's commands: each is a sentence that says what is wrong and what to do."""

import os

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from chalicelib.errors import DeclarationError, SettingError

# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and each service's own names
UNKNOWN_CREDENTIALS = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


class CommandError(Exception):
    """Why a command cannot do what it was asked to do, and what to do about it."""


# The errors that `error_message` has a sentence for.
EXPECTED = (CommandError, SettingError, DeclarationError, BotoCoreError, ClientError)


def error_message(error: Exception) -> str:
    """What is wrong, and what to do about it, as a sentence."""
    match error:
        case NoRegionError():
            return (
                "No region is set: say which one, for example export AWS_DEFAULT_REGION=eu-west-1."
            )
        case NoCredentialsError() | PartialCredentialsError():
            return (
                "There are no AWS credentials: set AWS_PROFILE to a profile of yours, or "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        case ProfileNotFound():
            return f"{error}: aws configure list-profiles lists the profiles."
        case EndpointConnectionError():
            return f"{error} Check the network, and AWS_ENDPOINT_URL if it is set."
        case ClientError():
            return _aws_message(error)
    return str(error)


def _aws_message(error: ClientError) -> str:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if code in UNKNOWN_CREDENTIALS:
        return (
            f"AWS does not accept these credentials ({code}): check AWS_PROFILE, or the keys, "
            "with aws sts get-caller-identity."
        )
    if code in DENIED:
        return (
            f"These credentials do not have the right to call {error.operation_name}: "
            f"{message.rstrip('.')}. docs/deploy.md has the policy that a deployer needs."
        )
    if code == "ResourceNotFoundException" and message.startswith("Requested resource not found"):
        stage = os.environ.get("STAGE")
        command = "run" if stage == "local" else f"tables STAGE={stage}"
        return f"A table is missing ({message}); make {command} makes it."
    return str(error)
