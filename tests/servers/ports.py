"""Ports of loopback for programs that cannot be told "any", and one where nobody listens, whoever else runs here.

A port that the system gave and that was closed again belongs to the next who asks, such as another worker's server. So
these stand below the range that the system gives from, are tried first, and are drawn by chance; those of each worker
are others, since nobody holds them until the program does.
"""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

_BELOW = range(10_000, 32_000)  # Linux gives from 32768, the others from 49152 (ip_local_port_range)
_WORKERS = 32


def free_ports(count: int) -> list[int]:
    """Distinct ports of 127.0.0.1 that nobody uses, and that the system gives to nobody who asks for any."""
    dice, found, worker = random.SystemRandom(), list[int](), int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    mine = _BELOW[worker % _WORKERS :: _WORKERS]
    with ExitStack() as held:
        while len(found) < count:
            each, port = held.enter_context(socket.socket()), dice.choice(mine)
            with suppress(OSError):
                each.bind(("127.0.0.1", port))
                found.append(port)
    return found


@contextmanager
def nobody_listens() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses everybody: it is held, and nobody listens there."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])
