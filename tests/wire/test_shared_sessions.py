"""Several conversations on one connection: who reads, who waits to write, and who goes away disturb nobody else."""

from __future__ import annotations

import asyncio

import pytest

from sendkit import Attachment, DeliveryResult, Message, Outcome, RetryPolicy, Security, errors
from sendkit._message.compose import compose
from sendkit._seam.terms import Terms
from sendkit._transport.failover import FailoverTransport
from sendkit._wire import pool
from tests.accounts import LUIS, mailer, message
from tests.servers.skipping import move_on

from .conftest import Account, Start
from .delivering import deliver


def large(subject: str, octets: int) -> Message:
    """A message of about that size."""
    extra = [Attachment.from_bytes(b"z" * octets, filename="z.bin")]
    return Message(sender="ana@example.com", to=LUIS, subject=subject, text="x", attachments=extra)


def outcome(result: DeliveryResult) -> Outcome:
    """What became of it."""
    return result.recipients[LUIS].outcome


async def test_more_than_the_send_buffer_takes_may_be_written_ahead(start: Start, account: Account) -> None:
    """One conversation waits for its replies while another one waits until it may write."""
    server = start(Security.NONE)
    messages = [large(str(number), 44_000) for number in range(100)]
    async with account(server, username=None, max_connections=1) as used, asyncio.timeout(300):
        results = [result async for result in used.send_many(messages, in_flight=100)]
    assert [outcome(result) for result in results] == [Outcome.ACCEPTED] * 100
    assert len(server.accepted) == 100


async def test_who_writes_nothing_leaves_the_connection_to_those_before_it(start: Start, account: Account) -> None:
    server = start(Security.NONE)
    server.after_data().hold(times=1)
    async with account(server, username=None, max_connections=1) as used:
        first = asyncio.create_task(deliver(used, compose(message()), Terms(in_flight=4)))
        await asyncio.to_thread(server.wait_for, lambda: any("LAST" in line for line in server.lines()))
        last = await deliver(used, compose(large("late", 300_000)), Terms(in_flight=4), 0.1)
        server.release()
        assert outcome(await first) is Outcome.ACCEPTED
    assert outcome(last) is Outcome.DEFERRED
    assert len(server.accepted) == 1


async def test_who_is_cancelled_while_an_idle_connection_is_asked_wakes_the_next(
    start: Start, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_MOMENT", -1.0)
    server = start(Security.NONE)
    async with account(server, username=None, max_connections=1) as used:
        _ = [result async for result in used.send_many([message(), message()], in_flight=2)]
        server.on_rset().silence(times=1)
        asked = asyncio.create_task(used.send(message(), check=False, deadline=3600))
        await asyncio.to_thread(server.wait_for, lambda: "RSET" in server.lines())
        waiting = asyncio.create_task(used.send(message(), check=False))
        await asyncio.sleep(0)
        move_on(3600)
        assert outcome(await asked) is Outcome.DEFERRED
        assert outcome(await waiting) is Outcome.ACCEPTED


async def test_a_callback_that_raises_an_error_of_ours_stops_the_message_at_all_servers(
    start: Start, account: Account
) -> None:
    servers = [start(Security.NONE), start(Security.NONE)]
    wires = [account(server, username=None)._plan.transport for server in servers]

    def stop(sent: int, total: int) -> None:
        raise errors.ConfigurationError("stop", hint="this is the caller's own")

    async with mailer(FailoverTransport(wires), RetryPolicy(max_attempts=3, wait=lambda _: 0)) as used:
        with pytest.raises(errors.ConfigurationError, match="stop") as stopped:
            await used.send(large("stopped", 300_000), on_progress=stop)
    assert outcome(vars(stopped.value)["result"]) is Outcome.DEFERRED
    assert [server.accepted for server in servers] == [[], []]
