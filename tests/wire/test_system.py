"""What the operating system says of a connection is taken where it says it, and is nothing anywhere else."""

from __future__ import annotations

import asyncio
import socket

import pytest

from sendkit._wire import system
from sendkit._wire.system import unacknowledged


async def test_what_lies_in_the_kernel_is_counted() -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport, _ = await loop.create_connection(asyncio.Protocol, *listener.getsockname())
        peer, _ = listener.accept()
        with peer:
            transport.write(b"x" * 1_000)
            assert unacknowledged(transport.get_extra_info("socket")) in range(1_001)
            transport.write(b"x" * 50_000_000)
            if system.sys.platform == "linux":
                assert unacknowledged(transport.get_extra_info("socket")) > 0
            transport.abort()
        await asyncio.sleep(0)
        assert unacknowledged(transport.get_extra_info("socket")) == 0


def test_where_nothing_is_said_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unacknowledged(None) == 0
    monkeypatch.setattr(system.sys, "platform", "plan9")
    with socket.socket() as sock:
        assert unacknowledged(sock) == 0  # type: ignore[arg-type]
