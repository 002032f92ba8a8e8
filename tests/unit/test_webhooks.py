"""Webhooks: signatures, addresses, and the attempts of a day, with the code that Lambda runs."""

import importlib
import json
import os
import signal
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from email.utils import formatdate
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import pytest
import time_machine
import trustme
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.utils import unix_time_millis
from moto.sqs.models import sqs_backends
from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.webhooks import delivery
from chalicelib.webhooks.public import is_public
from chalicelib.webhooks.signature import SecretError, new_secret, parse_secret, sign
from infra.template import webhooks as template
from tests.conftest import free_port
from tests.internet.fake_dns import Internet
from tests.receivers import PUBLIC, Handler, Receiver, drip, hang, keep_informing, redirect

HOST = "hooks.shop.example"
SECRET = "storefront/mail"
MINUTE, HOUR = 60, 60 * 60
EVENT = {
    "specversion": "1.0",
    "id": "d3b0",
    "type": "product.updated",
    "data": {"item": {"name": "Käse", "price": 12.5}, "changed": ["price"]},
}
CONTEXT = SimpleNamespace(aws_request_id="request")


def test_signature_by_the_library() -> None:
    """It is that of the Standard Webhooks library, and verifies until a byte changes."""
    secret, body = new_secret(), b'{"id":"d3b0"}'

    headers = sign([parse_secret(secret)], "d3b0", int(time.time()), body)

    Webhook(secret).verify(body, headers)
    for changed in (b'{"id":"d3b1"}', body + b"\n", b""):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(changed, headers)
    for name, value in (("webhook-id", "d3b1"), ("webhook-timestamp", str(int(time.time()) - 1))):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers | {name: value})
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)


def test_signature_after_five_minutes() -> None:
    """A request that somebody has kept is refused."""
    secret, body = new_secret(), b"{}"
    headers = sign([parse_secret(secret)], "d3b0", int(time.time()), body)

    with time_machine.travel(time.time() + 299):
        Webhook(secret).verify(body, headers)
    with time_machine.travel(time.time() + 302), pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


def test_two_secrets() -> None:
    """While a secret changes, a receiver may have either."""
    old, new = new_secret(), new_secret()

    headers = sign([parse_secret(new), parse_secret(old)], "d3b0", int(time.time()), b"{}")

    Webhook(old).verify(b"{}", headers)
    Webhook(new).verify(b"{}", headers)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_c2hvcnQ=",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\u00e9",
        "whsec_MfKQ9r8GKYqr TwjUPD8ILPZIo2LaLaSw",
        # 23 and 65 bytes.
        "whsec_" + b64encode(b"x" * 23).decode(),
        "whsec_" + b64encode(b"x" * 65).decode(),
    ],
)
def test_wrong_secret(text: str) -> None:
    """It is refused, and not quoted."""
    with pytest.raises(SecretError) as refused:
        parse_secret(text)
    assert not text or text.removeprefix("whsec_") not in str(refused.value).split()


@pytest.mark.parametrize("length", [24, 64])
def test_shortest_and_longest_secret(length: int) -> None:
    """They are those of the specification."""
    text = "whsec_" + b64encode(b"x" * length).decode()

    assert parse_secret(text) == b"x" * length


def test_no_secret() -> None:
    """A request is never sent without a signature."""
    with pytest.raises(SecretError):
        sign([], "d3b0", 1, b"{}")


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.1.2.3", "10.0.0.1", "172.31.255.255", "192.168.1.1"),
        # The metadata of machines and containers.
        *("169.254.169.254", "169.254.170.2"),
        *("100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.1", "224.0.0.1"),
        *("239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "fe80::1", "fc00::1"),
        *("fd00:ec2::254", "ff02::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::"),
        *("2001:0:7f00:1::", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1"),
        "5f00::1",
    ],
)
def test_address_that_is_not_public(address: str) -> None:
    """No connection is made to it."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", PUBLIC, "2606:4700::1111", "64:ff9b::8.8.8.8"])
def test_public_address(address: str) -> None:
    """A connection to the address is allowed."""
    assert is_public(address)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that the sender trusts."""
    return trustme.CA()


@pytest.fixture
def receiver(authority: trustme.CA) -> Iterator[Receiver]:
    """A receiver with the certificate of HOST."""
    with Receiver(authority, HOST).running() as running:
        yield running


class Queue:
    """A webhook's queue and dead-letter queue, as the template has them, and its function.

    `poll` is what Lambda does: it hands a visible message over, and deletes it unless it failed.
    """

    def __init__(self, handler: Any, url: str, dead_letters: str, internet: Internet) -> None:
        self.handler = handler
        self.internet = internet
        self.sqs = boto3.client("sqs")
        self.url = url
        self.dead_letters = dead_letters
        self.attempts: list[float] = []
        self.now = time.time()

    def publish(self, event: dict[str, Any] = EVENT) -> None:
        """Put an event into the queue, as EventBridge does."""
        body = {"version": "0", "detail-type": event["type"], "detail": event}
        self.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(body, ensure_ascii=False))

    def poll(self) -> None:
        """Deliver what is visible."""
        received = self.sqs.receive_message(
            QueueUrl=self.url, AttributeNames=["ApproximateReceiveCount"]
        )
        for message in received.get("Messages", []):
            self.attempts.append(time.time())
            # SQS counts its limit of 12 hours from here, and moto from the sending.
            stored = sqs_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].queues["mail"]
            for each in stored._messages:  # noqa: SLF001
                each.sent_timestamp = unix_time_millis()
            record = {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "attributes": message["Attributes"],
                "body": message["Body"],
            }
            failed = self.handler.handle({"Records": [record]}, CONTEXT)["batchItemFailures"]
            assert failed in ([], [{"itemIdentifier": message["MessageId"]}])
            if not failed:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def poll_for(self, seconds: int, step: int = MINUTE) -> None:
        """Deliver what is visible, at each step; the next call goes on where this one ends."""
        for _ in range(seconds // step):
            with time_machine.travel(self.now, tick=True):
                self.poll()
            # And a little: a message that is due at a step is visible.
            self.now += step + 1

    def has_tried_again_after(self, *seconds: int) -> None:
        """Check the times between attempts: so long, and at most until the next poll."""
        waited = [after - before for before, after in pairwise(self.attempts)]
        assert len(waited) == len(seconds)
        for actual, least in zip(waited, seconds, strict=True):
            assert least <= actual < least + 1.1 * MINUTE

    def count(self, url: str | None = None) -> int:
        """How many messages are in a queue, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        response = self.sqs.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=names)
        return sum(int(value) for value in response["Attributes"].values())


@pytest.fixture
def secret() -> str:
    """The secret of the webhook."""
    return new_secret()


@pytest.fixture
def queue(
    monkeypatch: pytest.MonkeyPatch, authority: trustme.CA, receiver: Receiver, secret: str
) -> Iterator[Queue]:
    """An empty queue whose function sends to the receiver, by the internet."""
    sqs, secrets = boto3.client("sqs"), boto3.client("secretsmanager")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    redrive = {
        "deadLetterTargetArn": attributes["Attributes"]["QueueArn"],
        "maxReceiveCount": delivery.MAX_ATTEMPTS,
    }
    url = sqs.create_queue(
        QueueName="mail",
        Attributes={
            "VisibilityTimeout": str(template.VISIBILITY_SECONDS),
            "RedrivePolicy": json.dumps(redrive),
        },
    )["QueueUrl"]
    secrets.create_secret(Name=SECRET, SecretString=secret)
    monkeypatch.setenv("WEBHOOK_NAME", "mail")
    monkeypatch.setenv("WEBHOOK_URL", f"https://{HOST}/hooks/storefront?shop=1")
    monkeypatch.setenv("WEBHOOK_QUEUE", url)
    monkeypatch.setenv("WEBHOOK_DEAD_LETTERS", dead)
    monkeypatch.setenv("EVENT_BUS", BUS)
    monkeypatch.setenv("WEBHOOK_SECRET_NAME", SECRET)
    # A new environment of Lambda: the module reads its variables.
    sys.modules.pop("chalicelib.webhooks.handler", None)
    handler = importlib.import_module("chalicelib.webhooks.handler")
    authority.configure_trust(handler.tls)
    made = Queue(handler, url, dead, Internet({HOST: [PUBLIC]}, {PUBLIC: receiver.port}))
    with made.internet.used():
        yield made
    sqs.delete_queue(QueueUrl=url)
    sqs.delete_queue(QueueUrl=dead)
    secrets.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)


BUS = "storefront-test"


def test_informational_responses(queue: Queue, receiver: Receiver) -> None:
    """An event is delivered once to a receiver that sends 100, 102 and 103 before its 204."""

    def answer(handler: Handler) -> None:
        for status in (100, 102, 103):
            handler.wfile.write(f"HTTP/1.1 {status} Wait\r\nLink: </x>\r\n\r\n".encode())
        handler.respond(204)

    receiver.answer = answer
    queue.publish()
    queue.poll_for(HOUR)

    assert len(receiver.requests) == 1
    assert queue.count() == queue.count(queue.dead_letters) == 0


def test_receiver_that_is_gone(
    queue: Queue, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    """410 ends the deliveries: the rule is disabled, and the event is a dead letter."""
    events = boto3.client("events")
    events.create_event_bus(Name=BUS)
    events.put_rule(Name="mail", EventBusName=BUS, EventPattern='{"source": ["x"]}')
    receiver.answer = 410
    queue.publish()
    queue.poll_for(2 * HOUR)

    assert len(receiver.requests) == 1
    assert events.describe_rule(Name="mail", EventBusName=BUS)["State"] == "DISABLED"
    assert (queue.count(), queue.count(queue.dead_letters)) == (0, 1)
    line = last_line(capsys)
    assert (line["level"], line["status"]) == ("ERROR", 410)
    events.delete_rule(Name="mail", EventBusName=BUS)
    events.delete_event_bus(Name=BUS)


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [
        (503, "600", 600),
        (429, "7200", 7200),
        (503, "5", MINUTE),
        (500, "7200", MINUTE),
        (503, "soon", MINUTE),
        (503, "-5", MINUTE),
        (503, "\u0665", MINUTE),
        (503, "999999999999", 12 * HOUR - MINUTE),
        (503, "Mon, 01 Jan 99999999999 00:00:00 GMT", MINUTE),
    ],
)
def test_retry_after(
    queue: Queue, receiver: Receiver, status: int, retry_after: str, seconds: int
) -> None:
    """A busy receiver says when it wants the next attempt, within SQS's 12 hours."""
    responses = iter([status])

    def answer(handler: Handler) -> None:
        status = next(responses, 204)
        headers = {"Retry-After": retry_after.encode().decode("latin-1")} if status > 299 else {}
        handler.respond(status, **headers)

    receiver.answer = answer
    queue.publish()
    queue.poll_for(13 * HOUR)

    queue.has_tried_again_after(seconds)


def test_retry_after_a_date(queue: Queue, receiver: Receiver) -> None:
    """The date is in the receiver's time zone, GMT."""
    responses = iter([503])

    def answer(handler: Handler) -> None:
        date = formatdate(time.time() + HOUR, usegmt=True)
        handler.respond(next(responses, 204), **{"Retry-After": date})

    receiver.answer = answer
    queue.publish()
    queue.poll_for(2 * HOUR)

    queue.has_tried_again_after(HOUR - 1)


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The last line of the log."""
    line: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return line


def test_delivery(
    queue: Queue, receiver: Receiver, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One request, signed, with the event as it was published; the log says which, and not what."""
    queue.publish()

    queue.poll()

    (request,) = receiver.requests
    assert (request.method, request.path) == ("POST", "/hooks/storefront?shop=1")
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert request.headers["host"] == HOST
    assert request.headers["user-agent"] == "storefront-webhooks"
    assert request.headers["webhook-id"] == EVENT["id"]
    assert request.is_signed_with(secret)
    assert json.loads(request.body) == EVENT
    assert queue.count() == 0
    line = last_line(capsys)
    assert line.pop("milliseconds") < 5_000
    assert line == {
        "level": "INFO",
        "requestId": "request",
        "function": "webhook",
        "version": None,
        "webhook": "mail",
        "attempt": 1,
        "event": "product.updated",
        "id": "d3b0",
        "status": 204,
    }


def test_attempts_of_a_day(queue: Queue, receiver: Receiver) -> None:
    """A receiver that answers 500: eight attempts in 25 hours, and then the dead-letter queue."""
    receiver.answer = 500
    queue.publish()

    queue.poll_for(30 * HOUR)

    assert sum(delivery.RETRY_SECONDS) == 24 * HOUR + 36 * MINUTE
    queue.has_tried_again_after(*delivery.RETRY_SECONDS)
    assert (queue.count(), queue.count(queue.dead_letters)) == (0, 1)
    with time_machine.travel(queue.now):
        (dead,) = queue.sqs.receive_message(QueueUrl=queue.dead_letters)["Messages"]
    # As AWS's redrive does, when the receiver is there again.
    receiver.answer = 200
    receiver.requests.clear()
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody=dead["Body"])
    queue.poll()
    assert [json.loads(request.body) for request in receiver.requests] == [EVENT]


def test_receiver_that_comes_back_after_an_hour(
    queue: Queue, receiver: Receiver, secret: str
) -> None:
    """The event arrives with the next attempt, under the same id, and signed at that time."""
    receiver.answer = 503
    queue.publish()
    verified: list[bool] = []

    def verify(handler: Handler) -> None:
        verified.append(receiver.requests[-1].is_signed_with(secret))
        handler.respond(200)

    queue.poll_for(HOUR)
    receiver.answer = verify
    queue.poll_for(2 * HOUR)

    queue.has_tried_again_after(MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR)
    assert {each.headers["webhook-id"] for each in receiver.requests} == {"d3b0"}
    assert len({each.headers["webhook-timestamp"] for each in receiver.requests}) == 5
    assert verified == [True]
    assert queue.count() == 0


def test_function_that_is_killed(queue: Queue, receiver: Receiver) -> None:
    """The next attempt is as late as after another failure, and not earlier."""

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    def die(handler: Handler) -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        hang(handler)

    queue.publish()
    receiver.answer = 500
    queue.poll_for(2 * MINUTE)
    receiver.answer = die
    before = signal.signal(signal.SIGUSR1, kill)
    try:
        with pytest.raises(Killed):
            queue.poll_for(6 * MINUTE)
    finally:
        signal.signal(signal.SIGUSR1, before)
    receiver.answer = 200
    queue.poll_for(40 * MINUTE)

    queue.has_tried_again_after(MINUTE, 5 * MINUTE, 30 * MINUTE)


@pytest.mark.parametrize("status", [300, 304, 400, 404, 410, 429, 502])
def test_status_that_is_no_success(queue: Queue, receiver: Receiver, status: int) -> None:
    """Only 2xx says that the receiver has the event."""
    receiver.answer = status
    queue.publish()

    queue.poll()

    assert len(receiver.requests) == 1
    assert queue.count() == 1


def test_redirect(queue: Queue, receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not followed, wherever it leads."""
    receiver.answer = redirect(f"https://{HOST}/elsewhere")
    queue.publish()

    queue.poll()

    assert [request.path for request in receiver.requests] == ["/hooks/storefront?shop=1"]
    assert last_line(capsys)["status"] == 307
    assert queue.count() == 1


@pytest.mark.parametrize("slow", [hang, drip, keep_informing])
def test_receiver_that_hangs(
    queue: Queue,
    receiver: Receiver,
    slow: Callable[[Handler], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The attempt ends before the function's time does, however the receiver goes on."""
    # Connecting, the TLS handshake, and the response.
    seconds = 2 * delivery.CONNECT_SECONDS + delivery.RESPONSE_SECONDS
    assert seconds < template.TIMEOUT_SECONDS < delivery.RETRY_SECONDS[0]
    monkeypatch.setattr(delivery, "RESPONSE_SECONDS", 0.3)
    receiver.answer = slow
    queue.publish()

    started = time.monotonic()
    queue.poll()

    assert time.monotonic() - started < 5
    assert last_line(capsys)["error"] == "TimeoutError"
    assert queue.count() == 1


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["169.254.169.254"], ["10.1.2.3"], ["::1"], [PUBLIC, "127.0.0.1"]],
    ids=str,
)
def test_name_of_an_address_that_is_not_public(
    queue: Queue, receiver: Receiver, capsys: pytest.CaptureFixture[str], addresses: list[str]
) -> None:
    """No connection is made, although one would succeed."""
    queue.internet.names[HOST] = addresses
    queue.internet.ports = dict.fromkeys(addresses, receiver.port)
    queue.publish()

    queue.poll()

    assert receiver.requests == []
    assert last_line(capsys)["error"] == "AddressRefused"
    assert queue.count() == 1


def test_name_is_resolved_once(queue: Queue, receiver: Receiver) -> None:
    """The connection is made to the address that was checked, and not to the next one."""
    resolved = []
    resolve = queue.internet.getaddrinfo

    def rebind(host: str, *rest: Any, **named: Any) -> Any:
        addresses = resolve(host, *rest, **named)
        if host == HOST:
            resolved.append(addresses)
            queue.internet.names[HOST] = ["127.0.0.1"]
        return addresses

    queue.publish()
    with patch("socket.getaddrinfo", rebind):
        queue.poll()

    assert len(receiver.requests) == len(resolved) == 1


def test_address_that_refuses(queue: Queue, receiver: Receiver) -> None:
    """The next address of the name is tried."""
    queue.internet.names[HOST] = ["1.1.1.1", PUBLIC]
    queue.internet.ports["1.1.1.1"] = free_port()
    queue.publish()

    queue.poll()

    assert len(receiver.requests) == 1


def test_addresses_that_do_not_answer(
    queue: Queue, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share the time, so that the last one is tried, too."""
    monkeypatch.setattr(delivery, "CONNECT_SECONDS", 3)
    silent = ["1.1.1.1", "1.0.0.1"]
    queue.internet.names[HOST] = [*silent, PUBLIC]
    queue.internet.silent.update(silent)
    queue.publish()

    started = time.monotonic()
    queue.poll()

    # A third of the time for each of the two.
    assert time.monotonic() - started > 1.9
    assert len(receiver.requests) == 1


def test_certificate_of_another_name(
    queue: Queue, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is sent."""
    queue.handler.URL = queue.handler.URL._replace(netloc="other.shop.example")
    queue.internet.names["other.shop.example"] = [PUBLIC]
    queue.publish()

    queue.poll()

    assert receiver.requests == []
    assert last_line(capsys)["error"] == "SSLCertVerificationError"


def test_secret_that_changes(queue: Queue, receiver: Receiver, secret: str) -> None:
    """Within five minutes, requests are signed with the new version, and with the one before."""
    other = new_secret()
    queue.publish()
    queue.poll()
    boto3.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString=other)

    with time_machine.travel(time.time() + 301):
        queue.publish()
        queue.poll()
        first, second = receiver.requests
        assert second.is_signed_with(other)
        assert second.is_signed_with(secret)
    assert first.is_signed_with(secret)
    assert not first.is_signed_with(other)


def test_secret_is_read_once(queue: Queue, receiver: Receiver) -> None:
    """Further events within five minutes cost no call."""
    calls = []
    client = sys.modules["chalicelib.webhooks.secret"].client
    client.meta.events.register("before-call", lambda **_: calls.append(1))

    for _ in range(3):
        queue.publish()
        queue.poll()

    assert len(receiver.requests) == 3
    # The current version, and the one before, which does not exist.
    assert len(calls) == 2


def test_secret_that_was_wrong(queue: Queue, receiver: Receiver, secret: str) -> None:
    """A change mends it, although the wrong one is now the version before."""
    secrets = boto3.client("secretsmanager")
    secrets.put_secret_value(SecretId=SECRET, SecretString="hunter2")
    secrets.put_secret_value(SecretId=SECRET, SecretString=secret)
    queue.publish()

    queue.poll()

    assert [each.is_signed_with(secret) for each in receiver.requests] == [True]


def test_secret_that_is_missing(
    queue: Queue, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log says so, and the event waits for it."""
    secrets = boto3.client("secretsmanager")
    secrets.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
    queue.publish()

    queue.poll()

    assert receiver.requests == []
    assert "can't find the specified secret" in last_line(capsys)["reason"]
    secrets.create_secret(Name=SECRET, SecretString=new_secret())
    queue.poll_for(3 * MINUTE)
    assert len(receiver.requests) == 1


def test_secret_that_cannot_sign(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not in the log."""
    secrets = boto3.client("secretsmanager")
    secrets.put_secret_value(SecretId=SECRET, SecretString="hunter2")
    queue.publish()

    queue.poll()

    line = last_line(capsys)
    assert line["error"] == "SecretError"
    assert "hunter2" not in json.dumps(line)


@pytest.mark.parametrize("body", ["x", "{}", '{"detail": 1}', '{"detail": {"id": "d3b0"}}'])
def test_message_that_is_no_event(queue: Queue, receiver: Receiver, body: str) -> None:
    """It ends in the dead-letter queue, and nothing is sent."""
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody=body)

    queue.poll_for(40 * HOUR, step=2 * HOUR)

    assert receiver.requests == []
    assert (queue.count(), queue.count(queue.dead_letters)) == (0, 1)
