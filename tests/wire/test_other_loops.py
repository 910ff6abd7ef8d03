"""A session works over the transports of another event loop than asyncio's own, which descend from none of its."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sendkit import AsyncMailer, Attachment, DeliveryResult, Message, Security, Server
from tests.accounts import LUIS, OPS
from tests.servers.proxies import FakeProxy, passes
from tests.servers.scripted import ScriptedServer

from .conftest import PASSWORD, USER, Account, Start

uvloop = pytest.importorskip("uvloop", reason="pip install uvloop, which is not made for this system everywhere")


@pytest.mark.parametrize("security", list(Security))
def test_messages_go_out_on_uvloop(start: Start, account: Account, security: Security) -> None:
    secure = security is not Security.NONE
    server = start(security, users={USER: PASSWORD}) if secure else start(security)
    large = [Attachment.from_bytes(b"z" * 300_000, filename="z.bin")]
    messages = [Message(sender=USER, to=LUIS, subject=str(n), text="x", attachments=large[: n % 2]) for n in range(6)]

    async def act() -> list[DeliveryResult]:
        async with account(server) if secure else account(server, username=None) as used:
            one = [await used.send(message) for message in messages[:2]]
            return one + [result async for result in used.send_many(messages[2:], in_flight=2)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(asyncio.wait_for(act(), 300))
    assert [result.ok for result in results] == [True] * 6
    assert len(server.accepted) == 6


@pytest.mark.parametrize("way", ["http", "socks5", "lmtp at a unix socket", "sock", "local_address"])
def test_each_way_to_a_server_is_gone_on_uvloop(start: Start, tmp_path: Path, way: str) -> None:
    letter = Message(sender=USER, to=[LUIS, OPS], text="x\n" * 60_000)
    answers = {"http": (b"HTTP/1.1 200 OK\r\n\r\n",), "socks5": (b"\x05\x00", b"\x05\x00\x00\x01\x7f\0\0\1\0\x19")}
    lmtp = way.startswith("lmtp")
    with ExitStack() as stack:
        server = stack.enter_context(ScriptedServer(path=tmp_path / "s.sock" if lmtp else None, lmtp=lmtp))
        settings: dict[str, Any] = {"protocol": "lmtp"} if lmtp else {"security": Security.NONE}
        if way in answers:
            proxy = stack.enter_context(FakeProxy(passes(server.address, *answers[way])))
            settings["proxy"] = f"{way}://127.0.0.1:{proxy.port}"
        elif way == "sock":
            settings["sock"] = socket.create_connection(server.address)
        elif way == "local_address":
            settings["local_address"] = "127.0.0.4"

        async def act() -> DeliveryResult:
            async with AsyncMailer(Server(server.host, server.port or None, **settings)) as used:
                return await used.send(letter)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            assert runner.run(asyncio.wait_for(act(), 300)).ok
        assert sum(len(taken.recipients) for taken in server.accepted) == 2
