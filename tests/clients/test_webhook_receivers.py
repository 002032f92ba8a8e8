"""The receivers of docs/receiving-webhooks.md, as the page prints them, and a `make run`."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection
from time import time

import httpx
import pytest

from chalicelib.webhooks.signature import new_secret, parse_secret, sign
from infra.local import run
from tests.conftest import PROJECT, Launch, free_port
from tests.processes import eventually

PAGE = (PROJECT / "docs" / "receiving-webhooks.md").read_text()
COMMANDS = {"python": [sys.executable], "js": ["node"]}
BODY = b'{"id":"test-2","type":"product.deleted","subject":"kettle"}'


def example(language: str, begins: str) -> str:
    """A block of code of the page, by its beginning."""
    (code,) = re.findall(rf"```{language}\n({re.escape(begins)}.*?)```", PAGE, re.DOTALL)
    return str(code)


@contextmanager
def receiver(language: str, folder: Path, port: int, secret: str) -> Iterator[Path]:
    """The page's receiver in a language, on another port. Gives the file with what it prints."""
    names = {"python": "receiver.py", "js": "receiver.mjs"}
    comment = {"python": "# receiver.py", "js": "// receiver.mjs"}
    code = example(language, comment[language])
    assert "9000" in code
    file = folder / names[language]
    file.write_text(code.replace("9000", str(port)))
    said = folder / "said"
    with (
        said.open("w") as output,
        subprocess.Popen(
            [*COMMANDS[language], file],
            env=os.environ | {"WEBHOOK_SECRET": secret},
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            eventually(lambda: run.is_listening(port))
            yield said
        finally:
            process.terminate()


def curl(port: int, secret: str) -> str:
    """The status line that the page's curl command prints."""
    command = example("sh", "id=test-1").replace("9000", str(port))
    result = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"WEBHOOK_SECRET": secret},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.splitlines()[0]


def printed(file: Path, line: str) -> int:
    """How often a receiver has printed a line."""
    return file.read_text().splitlines().count(line)


def test_request_of_the_page() -> None:
    """Its signature is that of its secret, headers and body."""
    (request,) = re.findall(r"```http\n(.*?)\n```", PAGE, re.DOTALL)
    head, body = request.split("\n\n")
    headers = dict(line.split(": ") for line in head.splitlines()[1:])
    (secret,) = re.findall(r"secret of this example is `(\S+)`", PAGE)

    signed = sign(
        [parse_secret(secret)],
        headers["webhook-id"],
        int(headers["webhook-timestamp"]),
        body.encode(),
    )

    assert signed.items() <= headers.items()
    assert json.loads(body)["id"] == headers["webhook-id"]


@pytest.mark.parametrize("language", COMMANDS)
def test_receiver(launch: Launch, tmp_path: Path, language: str) -> None:
    """It accepts what make run and curl send, once, and refuses what is wrong or old."""
    secret, port = new_secret(), free_port()
    url = f"http://127.0.0.1:{port}/hook"
    with receiver(language, tmp_path, port, secret) as output:
        local = launch(WEBHOOK_URL=url, WEBHOOK_SECRET=f"{new_secret()} {secret}")
        local.read_until("ready")
        local.forget()
        local.api.create("/products", {"id": "bowl", "name": "Bowl", "price": 5})
        eventually(lambda: printed(output, "product.created bowl") == 1)

        assert " 204" in curl(port, secret)
        assert " 204" in curl(port, secret)
        assert " 401" in curl(port, new_secret())

        now = int(time())
        good = sign([parse_secret(secret)], "test-2", now, BODY)
        late = sign([parse_secret(secret)], "test-2", now - 301, BODY)
        early = sign([parse_secret(secret)], "test-2", now + 310, BODY)
        other = good | {"webhook-signature": good["webhook-signature"].replace("v1,", "v2,")}
        for body, headers in (
            (BODY + b" ", good),
            (BODY, late),
            (BODY, early),
            (BODY, other),
            (BODY, good | {"webhook-id": "test-3"}),
            (BODY, good | {"webhook-timestamp": "now"}),
            *(
                (BODY, good | {"webhook-signature": text})
                for text in ("", "v1", "v1,", "v1,a,b", "x", "v1,\u00e4")
            ),
            (BODY, {}),
        ):
            encoded = [(name.encode(), text.encode("latin-1")) for name, text in headers.items()]
            assert httpx.post(url, content=body, headers=encoded).status_code == 401
        # A client that goes away ends nothing.
        with create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        text = b"no JSON"
        signed = sign([parse_secret(secret)], "test-3", now, text)
        assert httpx.post(url, content=text, headers=signed).status_code in (400, 401)
        large = b"x" * (256 * 1024 + 1)
        assert httpx.post(url, content=large, headers=good).status_code == 413
        assert printed(output, "product.deleted kettle") == 0
        assert httpx.post(url, content=BODY, headers=good).status_code == 204
        eventually(lambda: printed(output, "product.deleted kettle") == 1)
        assert printed(output, "product.updated teapot") == 1
