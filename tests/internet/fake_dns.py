"""Names and addresses of a test's own, for everything that resolves and connects in a process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any
from unittest.mock import patch

resolve, connect = socket.getaddrinfo, socket.create_connection


@dataclass
class Internet:
    """The addresses of names, and the ports of this machine that addresses lead to.

    A connection to a silent address is not answered.
    """

    names: dict[str, list[str]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)

    def getaddrinfo(self, host: str, port: Any, *rest: Any, **named: Any) -> Any:
        """The addresses of a name; those of other names as they are."""
        if host not in self.names:
            return resolve(host, port, *rest, **named)
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (address, port),
            )
            for address in self.names[host]
        ]

    def create_connection(self, address: Any, *rest: Any, **named: Any) -> socket.socket:
        """A connection to an address, or to what it leads to."""
        host, port = address
        if host in self.silent:
            Event().wait(named["timeout"])
            raise TimeoutError
        if host in self.ports:
            return connect(("127.0.0.1", self.ports[host]), *rest, **named)
        return connect((host, port), *rest, **named)

    @contextmanager
    def used(self) -> Iterator[None]:
        """Resolve and connect by it in this process."""
        with (
            patch("socket.getaddrinfo", self.getaddrinfo),
            patch("socket.create_connection", self.create_connection),
        ):
            yield
