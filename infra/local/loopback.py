"""Names and addresses of this machine, as browsers and clients send them in Host and Origin."""

import re

# Names under localhost are loopback: RFC 6761 section 6.3.
HOST = r"(127\.0\.0\.1|localhost|([a-z0-9-]+\.)+localhost|\[::1\])(:\d{1,5})?"


def is_local_host(host: str) -> bool:
    """Whether a `Host` header names this machine. A page that rebinds its own name has another."""
    return re.fullmatch(HOST, host, re.IGNORECASE) is not None
