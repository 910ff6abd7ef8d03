"""What the operating system says of a connection is taken where it says it, and is nothing anywhere else."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from sendkit._wire import system
from sendkit._wire.system import unacknowledged, watch


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


def test_where_nothing_is_said_there_is_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert unacknowledged(None) == 0
    with (tmp_path / "no socket").open("wb") as file:
        assert unacknowledged(file) == 0  # type: ignore[arg-type]
    monkeypatch.setattr(system.sys, "platform", "plan9")
    with socket.socket() as sock:
        assert unacknowledged(sock) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("poll", [True, False], ids=["poll", "select"])
def test_what_has_just_come_is_seen_before_the_loop_has(monkeypatch: pytest.MonkeyPatch, poll: bool) -> None:
    if not poll:
        monkeypatch.delattr(system.select, "poll", raising=False)
    ours, peer = socket.socketpair()
    with ours, peer:
        stirred = watch(ours)  # type: ignore[arg-type]
        assert not stirred()
        peer.send(b"421 bye")
        assert stirred()
        ours.recv(100)
        assert not stirred()
        peer.shutdown(socket.SHUT_WR)
        assert stirred()


def test_of_a_closed_connection_anything_may_have_come() -> None:
    ours, peer = socket.socketpair()
    stirred = watch(ours)  # type: ignore[arg-type]
    for sock in (ours, peer):
        sock.close()
    assert stirred()
    assert watch(ours)()  # type: ignore[arg-type]
    assert watch(None)()
