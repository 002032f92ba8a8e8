"""HTTPS connections to public addresses only, so that no URL of a webhook leads inside.

The name is resolved once, and the connection is made to an address that was checked: a name that
resolves to another address a moment later (DNS rebinding) changes nothing.
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import socket
from http.client import HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from ssl import SSLContext
from time import monotonic

# https://www.iana.org/assignments/ipv6-address-space
GLOBAL_UNICAST = IPv6Network("2000::/3")
# It contains IPv4 addresses, also private ones (RFC 3056).
SIX_TO_FOUR = IPv6Network("2002::/16")
# IPv4 addresses, for networks that have IPv6 alone (RFC 6052).
NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(OSError):
    """A name that resolves to an address that is not public."""


def is_public(text: str) -> bool:
    """Whether an IP address is public: not private, loopback, link-local, multicast or reserved.

    Raises ValueError for a text that is no address.
    """
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address in NAT64:
            address = IPv4Address(int(address) & 0xFFFFFFFF)
        elif address not in GLOBAL_UNICAST or address in SIX_TO_FOUR:
            return False
    return address.is_global and not address.is_multicast


class PublicHTTPSConnection(HTTPSConnection):
    """An HTTPS connection that connects to public addresses only.

    `timeout` is in seconds. It bounds connecting in all, the TLS handshake, each read and each
    write.
    """

    def __init__(self, host: str, port: int | None, *, timeout: float, context: SSLContext) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._tls = context
        self._seconds = timeout

    def connect(self) -> None:
        """Open the connection.

        Raises OSError (AddressRefused is one), or UnicodeError for a name that DNS cannot have.
        """
        connected = _connect(self.host, self.port, self._seconds)
        connected.settimeout(self._seconds)
        self.sock = self._tls.wrap_socket(connected, server_hostname=self.host)


def _connect(host: str, port: int, seconds: float) -> socket.socket:
    """A connection to the first address of a host that accepts one.

    The addresses share `seconds`, so that one that does not answer leaves time for the next.
    """
    deadline = monotonic() + seconds
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_, address in found]
    # A single one that is not public is a mistake or an attack.
    if not all(is_public(address) for address in addresses):
        raise AddressRefused("The host has an address that is not public.")
    problem: OSError = TimeoutError("The name was not resolved in time.")
    for number, address in enumerate(addresses):
        share = (deadline - monotonic()) / (len(addresses) - number)
        if share <= 0:
            break
        try:
            return socket.create_connection((address, port), timeout=share)
        except OSError as error:
            problem = error
    raise problem
