"""A large body is streamed, and its end is written when the rest has left; so only its own round trip is in doubt."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections import Counter

import pytest

from sendkit import Attachment, Message, Outcome, Phase, RetryPolicy, Security, Timeouts
from tests.accounts import ANA, LUIS, OPS, outcomes

from .conftest import Account, Start

ANY_SIZE = ["PIPELINING", "SIZE 0", "8BITMIME", "CHUNKING", "ENHANCEDSTATUSCODES"]
MODES = {
    "one command at a time": [word for word in ANY_SIZE if word not in ("PIPELINING", "CHUNKING")],
    "pipelining": [word for word in ANY_SIZE if word != "CHUNKING"],
    "chunking": ANY_SIZE,
}
every_mode = pytest.mark.parametrize("mode", MODES)
DOTS = b".\r\n..\r\n.hidden\r\nline\r\n" * 20_000
BEYOND_ALL_BUFFERS = 20_000_000  # so that it cannot all lie in the kernel's
RAW = b"From: ana@example.com\r\nTo: luis@example.com\r\nMessage-ID: <1@example.com>\r\n\r\n"


def large(octets: int = 2_000_000) -> Message:
    """A message with an attachment of so many octets."""
    data = Attachment.from_bytes(bytes(octets), filename="zeros.bin")
    return Message(sender=ANA, to=[LUIS, OPS], subject="Large", text="See the attachment.", attachments=[data])


@every_mode
@pytest.mark.parametrize("security", Security)
async def test_a_large_body_arrives_whole_and_once(
    start: Start, account: Account, security: Security, mode: str
) -> None:
    server = start(
        security,
        capabilities_in_tls=[*MODES[mode], "AUTH PLAIN"],
        capabilities=[*MODES[mode], "STARTTLS" if security is Security.STARTTLS else "AUTH PLAIN"],
    )
    async with account(server) as mailer:
        results = [await mailer.send(large()) for _ in range(2)]
    assert server.copies() == Counter({(str(result.message_id), to): 1 for result in results for to in (LUIS, OPS)})
    assert [len(taken.content) > 2_600_000 for taken in server.accepted] == [True, True]
    assert len(server.connections) == 1


@every_mode
async def test_a_large_body_of_dots_arrives_as_it_was(start: Start, account: Account, mode: str) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    async with account(server, username=None) as mailer:
        await mailer.send(Message.from_bytes(RAW + DOTS))
    assert server.accepted[0].content == RAW + DOTS


@every_mode
async def test_a_connection_lost_within_the_body_leaves_no_doubt(start: Start, account: Account, mode: str) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    server.on_cut().cut(received=500_000)
    async with account(server, username=None) as mailer:
        result = await mailer.send(large(BEYOND_ALL_BUFFERS), check=False)
    assert outcomes(result) == {LUIS: Outcome.DEFERRED, OPS: Outcome.DEFERRED}
    assert result.recipients[LUIS].phase is Phase.BODY
    assert result.recipients[LUIS].retryable


@every_mode
async def test_a_connection_lost_within_the_body_is_tried_again(start: Start, account: Account, mode: str) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    server.on_cut().cut(received=500_000, rst=True, times=1)
    async with account(server, username=None, retry=RetryPolicy(wait=lambda _: 0)) as mailer:
        result = await mailer.send(large(BEYOND_ALL_BUFFERS))
    assert len(result.attempts) == 2
    assert server.copies() == Counter({(str(result.message_id), to): 1 for to in (LUIS, OPS)})


@every_mode
async def test_a_connection_lost_after_the_body_is_in_doubt(start: Start, account: Account, mode: str) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    server.after_data().drop()
    async with account(server, username=None, retry=RetryPolicy(wait=lambda _: 0)) as mailer:
        result = await mailer.send(large(), check=False)
    assert outcomes(result) == {LUIS: Outcome.IN_DOUBT, OPS: Outcome.IN_DOUBT}
    assert set(server.copies().values()) == {1}


async def test_a_server_that_takes_nothing_more_is_given_up_after_the_limit_of_the_body(
    start: Start, account: Account
) -> None:
    server = start(Security.NONE, capabilities=MODES["pipelining"])
    server.on_body().hold()
    async with account(server, username=None, timeouts=Timeouts(body=0.2)) as mailer:
        result = await mailer.send(large(BEYOND_ALL_BUFFERS), check=False)
    server.release()
    assert outcomes(result) == {LUIS: Outcome.DEFERRED, OPS: Outcome.DEFERRED}
    assert "0.2 s" in (result.recipients[LUIS].reason or "")


async def test_an_answer_within_the_body_ends_it(start: Start, account: Account) -> None:
    server = start(Security.NONE, capabilities=MODES["pipelining"])
    server.on_body().raw(b"451 4.3.0 no room\r\n")
    server.after_data().reply("451 4.3.0 no room")
    async with account(server, username=None) as mailer:
        result = await mailer.send(large(), check=False)
    assert set(outcomes(result).values()) == {Outcome.DEFERRED}
    assert server.accepted == []


@every_mode
async def test_who_is_cancelled_within_the_body_leaves_no_half_message(
    start: Start, account: Account, mode: str
) -> None:
    server = start(Security.NONE, capabilities=MODES[mode])
    server.on_body().hold()
    async with account(server, username=None) as mailer:
        sending = asyncio.create_task(mailer.send(large(BEYOND_ALL_BUFFERS)))
        await asyncio.to_thread(
            server.wait_for, lambda: bool(server.connections) and len(server.connections[0].octets()) > 1_000
        )
        sending.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await sending
        server.release()
    assert set(outcomes(cancelled.value.result).values()) == {Outcome.DEFERRED}  # type: ignore[attr-defined]
    server.wait_for(lambda: server.connections[0].ended)
    assert server.accepted == []


async def test_a_refused_recipient_does_not_stop_a_large_body_for_the_others(start: Start, account: Account) -> None:
    for capabilities in MODES.values():
        server = start(Security.NONE, capabilities=capabilities)
        server.on_rcpt(OPS).reply("550 5.1.1 no such user")
        async with account(server, username=None) as mailer:
            result = await mailer.send(large(), check=False)
        assert outcomes(result) == {LUIS: Outcome.ACCEPTED, OPS: Outcome.REJECTED}


async def test_when_every_recipient_is_refused_no_body_is_sent(start: Start, account: Account) -> None:
    for capabilities in MODES.values():
        server = start(Security.NONE, capabilities=capabilities)
        server.on_rcpt().reply("550 5.1.1 no such user")
        async with account(server, username=None) as mailer:
            result = await mailer.send(large(), check=False)
        assert set(outcomes(result).values()) == {Outcome.REJECTED}
        assert len(server.connections[0].octets()) < 2_000


@pytest.mark.parametrize("mode", ["one command at a time", "pipelining"])
async def test_the_wire_holds_a_few_blocks_of_a_body_at_a_time(start: Start, account: Account, mode: str) -> None:
    ready = Message.from_bytes(RAW + b".line of text\r\n" * (BEYOND_ALL_BUFFERS // 15))
    server = start(Security.NONE, capabilities=MODES[mode])
    server.on_body().hold()
    async with account(server, username=None, timeouts=Timeouts(body=0.2)) as mailer:
        tracemalloc.start()
        try:
            await mailer.send(ready, check=False)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    server.release()
    assert peak < 2_000_000
