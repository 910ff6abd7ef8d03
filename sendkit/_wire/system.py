"""What only the operating system knows: how much of what was sent the other side has acknowledged (RFC 9293)."""

from __future__ import annotations

import array
import sys
from asyncio.trsock import TransportSocket


def unacknowledged(sock: TransportSocket | None) -> int:
    """Octets that were sent and not yet acknowledged; 0 where the system does not say."""
    if sock is None or sock.fileno() < 0 or not sys.platform.startswith("linux"):
        return 0
    import fcntl  # noqa: PLC0415 - not there on every system
    import termios  # noqa: PLC0415

    count = array.array("i", [0])
    try:
        fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, count)
    except OSError:
        return 0  # no TCP socket, so there is nothing to wait for
    return count[0]
