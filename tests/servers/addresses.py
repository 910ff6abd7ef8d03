"""An address of this machine that is not a loopback one, to stand for another machine."""

from __future__ import annotations

import socket

import pytest


def outside_address() -> str:
    """The address that this machine has in its network; skips the test where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: RFC 5737, and a datagram socket
        except OSError:
            pytest.skip("this machine has no network but loopback")
        return str(probe.getsockname()[0])
