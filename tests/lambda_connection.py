"""The server's side of an HTTP/1.1 connection, as cheap as it gets.

The two servers around a function share its machine, so what they spend on unused headers
would be seen in the wall time of what is measured.
"""

import socket

CHUNK = 1 << 16
CONTENT_LENGTH = b"\r\ncontent-length:"


class Connection:
    """Requests that come in on a socket, each with a Content-Length or without a body."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = b""

    def receive(self) -> tuple[bytes, bytes] | None:
        """The next request's head, in lower case, and its body; None where the client has gone."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if not self._more():
                return None
        head = self._buffer[:end].lower()
        _, _, length = head.partition(CONTENT_LENGTH)
        size = end + 4 + int(length.partition(b"\r\n")[0] or 0)
        while len(self._buffer) < size:
            if not self._more():
                return None
        body = self._buffer[end + 4 : size]
        self._buffer = self._buffer[size:]
        return head, body

    def send(self, status: str, headers: dict[str, str], body: bytes) -> None:
        """Respond, with a Content-Length."""
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
        self._socket.sendall(head.encode() + body)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _more(self) -> bool:
        received = self._socket.recv(CHUNK)
        self._buffer += received
        return bool(received)
