"""A session works over the transports of another event loop than asyncio's own, which descend from none of its."""

from __future__ import annotations

import asyncio

import pytest

from sendkit import Attachment, DeliveryResult, Message, Security
from tests.accounts import LUIS

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
        results = runner.run(asyncio.wait_for(act(), 30))
    assert [result.ok for result in results] == [True] * 6
    assert len(server.accepted) == 6
