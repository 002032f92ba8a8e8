"""HTTPS connections to public addresses alone, so that no URL of a subscriber leads inside.

The name is resolved once, and the connection is made to an address that was checked: a name that
resolves to another address a moment later (DNS rebinding) gains nothing.
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
    """Whether an IP address is one of the internet's: not private, loopback, link-local, ..."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address in NAT64:
            address = IPv4Address(int(address) & 0xFFFFFFFF)
        elif address not in GLOBAL_UNICAST or address in SIX_TO_FOUR:
            return False
    return address.is_global and not address.is_multicast


class PublicHTTPSConnection(HTTPSConnection):
    """An HTTPS connection that connects to public addresses alone.

    `timeout` bounds connecting, in seconds, and then each read and write.
    """

    def __init__(self, host: str, port: int | None, *, timeout: float, context: SSLContext) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._tls = context
        self._seconds = timeout

    def connect(self) -> None:
        """Open the connection. Raises OSError: AddressRefused, or what connecting raises."""
        self.sock = self._tls.wrap_socket(
            _connect(self.host, self.port, self._seconds), server_hostname=self.host
        )


def _connect(host: str, port: int, seconds: float) -> socket.socket:
    """A connection to the first address of a host that accepts one."""
    deadline = monotonic() + seconds
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_, address in found]
    # A single one that is not public is a mistake or an attack.
    if not all(is_public(address) for address in addresses):
        raise AddressRefused("The host has an address that is not public.")
    problem = OSError("The host has no address.")
    for address in addresses:
        if (left := deadline - monotonic()) <= 0:
            break
        try:
            connected = socket.create_connection((address, port), timeout=left)
        except OSError as error:
            problem = error
        else:
            connected.settimeout(seconds)
            return connected
    raise problem
