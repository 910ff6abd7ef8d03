"""What the operating system knows of a connection: which octets the peer acknowledged, and whether data has come."""

from __future__ import annotations

import array
import select
import sys
from asyncio.trsock import TransportSocket
from collections.abc import Callable


def unacknowledged(sock: TransportSocket | None) -> int:
    """Octets that were sent and not yet acknowledged; 0 where the system does not say."""
    if sock is None or sock.fileno() < 0 or not sys.platform.startswith("linux"):
        return 0
    import fcntl  # noqa: PLC0415 - not there on every system
    import termios  # noqa: PLC0415 - as above

    count = array.array("i", [0])
    try:
        fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, count)
    except OSError:
        return 0  # no TCP socket, so there is nothing to wait for
    return count[0]


def watch(sock: TransportSocket | None) -> Callable[[], bool]:
    """Tells whether something came, or the connection ended, that the event loop has not seen yet."""
    if sock is None or sock.fileno() < 0:
        return lambda: True
    fd = sock.fileno()
    if not hasattr(select, "poll"):
        return lambda: bool(select.select([fd], [], [], 0)[0])
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return lambda: bool(poll.poll(0))
