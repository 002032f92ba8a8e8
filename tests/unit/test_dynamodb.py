"""The codec between values and attribute values."""

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import settings
from chalicelib.storage import attributes, dynamodb
from chalicelib.storage.attributes import NotStorable, decode, encode
from tests.conftest import PROJECT
from tests.receivers import Handler, Receiver

text = st.text()
# What DynamoDB's N holds: 38 digits, and JSON numbers of any field the contract allows.
integers = st.integers(-(10**38) + 1, 10**38 - 1)
decimals = st.decimals(-(10**12), 10**12, places=2)
prices = st.integers(0, 99_999_999_999).map(lambda cents: Decimal(cents) / 100)
scalars = text | integers | decimals | prices | st.booleans() | st.none()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=10
)


@given(values)
def test_encoded_value_decodes_to_an_equal_value(value: Any) -> None:
    """decode(encode(x)) == x, for all that JSON can say."""
    assert decode(encode(value)) == value


@given(prices | decimals)
def test_a_number_has_one_spelling(number: Decimal) -> None:
    """Equal numbers have equal attribute values, with any number of zeros."""
    spelled = Decimal(f"{number:f}" + ("00" if "." in f"{number:f}" else ".000"))

    assert encode(number) == encode(spelled) == encode(decode(encode(number)))


def test_dynamodb_stores_encoded_values() -> None:
    """DynamoDB returns the row that was written."""
    table = settings.TABLE_PREFIX + "codec"
    dynamodb.client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    row = attributes.encode_row(
        {"id": "x", "price": Decimal("999999999.99"), "n": [1, None, True, {"é": "茶"}]}
    )

    dynamodb.put(TableName=table, Item=row)
    stored = dynamodb.get(TableName=table, Key={"id": {"S": "x"}})
    dynamodb.client.delete_table(TableName=table)

    assert stored == row


@pytest.mark.parametrize("value", [0.1, b"x", {1, 2}, object()])
def test_non_json_values_are_rejected(value: object) -> None:
    """A binary float above all: it would not be returned equal."""
    with pytest.raises(TypeError, match="has no attribute value"):
        encode(value)


def nested(levels: int) -> Any:
    """Lists in lists."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        10**38,
        -(10**38),
        Decimal("1." + "1" * 38),
        Decimal("1e126"),
        Decimal("1e-131"),
        nested(33),
        {"deep": nested(32)},
    ],
    ids=lambda value: str(value)[:20],
)
def test_values_that_dynamodb_cannot_store(value: Any) -> None:
    """More digits, larger or deeper than its limits; the limits themselves are stored."""
    with pytest.raises(NotStorable):
        encode(value)
    for possible in (10**38 - 1, Decimal("1e125"), Decimal("1e-130"), nested(32)):
        assert decode(encode(possible)) == possible


def test_unknown_attribute_types_are_rejected() -> None:
    """Binary and sets are not written here, so they are not read."""
    with pytest.raises(TypeError, match="type SS"):
        decode({"SS": ["a"]})


def test_invalid_transaction_is_an_error() -> None:
    """A reason that is neither a refusal nor passing is not tried again: it is shown as it is."""
    table = {"TableName": dynamodb.table_name("nowhere"), "Item": {"id": {"S": "x"}}}

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        dynamodb.transact(TransactItems=[{"Put": table}])


ANYTHING = [{"Put": {"TableName": "x", "Item": {"id": {"S": "x"}}}}]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["None", "ConditionalCheckFailed"], [(False, False), (True, False)]),
        (["TransactionConflict", "ThrottlingError"], [(False, True), (False, True)]),
        (["ProvisionedThroughputExceeded", "None"], [(False, True), (False, False)]),
        (["ValidationError", "ConditionalCheckFailed"], None),
    ],
)
def test_cancellation_reasons(codes: list[str], expected: list[tuple[bool, bool]] | None) -> None:
    """A reason is a refusal, transient, or a bug of this app, which is raised as it is."""

    def cancel(**_: Any) -> Any:
        reasons = [{"Code": code} for code in codes]
        error = {
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "message": "Transaction cancelled",
            "CancellationReasons": reasons,
        }
        headers: Any = {}
        return AWSResponse("https://x", 400, headers, Raw(json.dumps(error).encode()))

    events: Any = dynamodb.client.meta.events
    events.register_first("before-send.dynamodb", cancel)
    try:
        if expected is None:
            with pytest.raises(ClientError, match="Transaction cancelled"):
                dynamodb.transact(TransactItems=ANYTHING)
        else:
            with pytest.raises(dynamodb.Cancelled) as cancelled:
                dynamodb.transact(TransactItems=ANYTHING)
            output = [(reason.refused, reason.transient) for reason in cancelled.value.reasons]
            assert output == expected
    finally:
        events.unregister("before-send.dynamodb", cancel)


@pytest.mark.parametrize(("scheme", "error"), [("http", "Unavailable"), ("https", "SSLError")])
def test_connection_errors(scheme: str, error: str) -> None:
    """A refused connection is Unavailable; a wrong certificate is the deployment's, and raised."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if scheme == "http":
            listener.close()
        else:
            Thread(target=_answer_in_plain_text, args=(listener,), daemon=True).start()
        code = (
            "from chalicelib.storage import dynamodb\n"
            "try:\n    dynamodb.get(TableName='t', Key={'id': {'S': 'x'}})\n"
            "except Exception as error:\n    print(type(error).__name__)"
        )
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=PROJECT,
            env=os.environ | {"AWS_ENDPOINT_URL_DYNAMODB": f"{scheme}://127.0.0.1:{port}"},
            capture_output=True,
            text=True,
            check=True,
        )

    assert result.stdout == f"{error}\n"


def test_write_does_not_use_a_connection_that_was_idle() -> None:
    """A frozen environment's connection may be closed by now, and a write on it would be a 503."""
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=_accept, args=(listener, connections), daemon=True).start()
        code = (
            "from chalicelib.storage import dynamodb\n"
            "put = lambda: dynamodb.put(TableName='t', Item={'id': {'S': 'x'}})\n"
            "put(), put()\n"
            "dynamodb.idle_connections.used_at -= 61\n"
            "put(), put()\n"
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environment = os.environ | {"AWS_ENDPOINT_URL_DYNAMODB": url}
        subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=environment, check=True)

    assert len(connections) == 2


def test_write_whose_response_cannot_be_decrypted(tmp_path: Path) -> None:
    """An SSLError after the request is no failed handshake: the write is not sent again."""
    authority = trustme.CA()
    receiver = Receiver(authority, "127.0.0.1")
    receiver.answer = _send_damaged_record
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    code = (
        "from chalicelib.storage import dynamodb\n"
        "try:\n    dynamodb.put(TableName='t', Item={'id': {'S': 'x'}})\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, type(error.__cause__).__name__)"
    )
    with receiver.running():
        environment = os.environ | {
            "AWS_ENDPOINT_URL_DYNAMODB": f"https://127.0.0.1:{receiver.port}",
            "AWS_CA_BUNDLE": str(tmp_path / "ca.pem"),
        }
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )

    assert result.stdout == "OutcomeUnknown SSLError\n"
    assert len(receiver.requests) == 1


def _send_damaged_record(handler: Handler) -> None:
    handler.close_connection = True
    # Below the TLS layer: an application data record (RFC 8446 section 5.1) of another key.
    os.write(handler.connection.fileno(), b"\x17\x03\x03\x00\x40" + os.urandom(64))


def _accept(listener: socket.socket, connections: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            connections.append(listener.accept()[0])
            Thread(target=_answer_all, args=(connections[-1],), daemon=True).start()


def _answer_all(connection: socket.socket) -> None:
    # A request of botocore's comes in one piece, or its body in a second one.
    with connection, suppress(OSError):
        while text := connection.recv(65536):
            while not text.endswith(b"}"):
                text += connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


def _answer_in_plain_text(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")


class Raw(BytesIO):
    """The body of a response, as urllib3 has it."""

    def stream(self, **_: Any) -> Any:
        """The body in one piece."""
        yield self.read()
