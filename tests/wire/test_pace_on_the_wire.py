"""On the wire the pace is one for all connections, and every way in which a server says "slow down" is heard."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from sendkit import AsyncMailer, DeliveryResult, RetryPolicy, Security
from sendkit._transport.memory import VirtualClock
from tests.accounts import message
from tests.servers.scripted import Ending

from .conftest import Account, Start
from .test_connections import begin, every_mode

SOME = 11


def timeless(mailer: AsyncMailer) -> AsyncMailer:
    """The same mailer, whose waits cost no time."""
    mailer._plan.transport.clock = VirtualClock()
    return mailer


async def send_some(mailer: AsyncMailer) -> None:
    """So many messages that there is a pace to be slowed down."""
    for _ in range(SOME):
        await mailer.send(message())


def gaps(*results: DeliveryResult) -> list[float]:
    """The seconds between the beginnings of tries."""
    moments = sorted(attempt.started for result in results for attempt in result.attempts)
    return [round((later - sooner).total_seconds(), 3) for sooner, later in pairwise(moments)]


@every_mode
@pytest.mark.parametrize("in_flight", [1, 4])
async def test_the_rate_holds_for_all_connections_together(
    start: Start, account: Account, mode: str, in_flight: int
) -> None:
    server = begin(start, mode)
    async with timeless(account(server, username=None, rate="30/minute", max_connections=3)) as mailer:
        many = mailer.send_many((message(subject=str(number)) for number in range(9)), in_flight=in_flight)
        results = [result async for result in many]
    assert all(result.ok for result in results)
    assert gaps(*results) == [2] * 8


@every_mode
@pytest.mark.parametrize("reply", ["421 4.7.0 too much mail", "450 4.7.1 too much mail", "452 4.3.1 no room"])
@pytest.mark.parametrize("place", ["on_mail", "after_data"])
async def test_a_complaint_slows_down_what_follows(
    start: Start, account: Account, mode: str, reply: str, place: str
) -> None:
    server = begin(start, mode)
    retry = RetryPolicy(wait=lambda _: 0)
    async with timeless(account(server, username=None, messages_per_connection=SOME, retry=retry)) as mailer:
        await send_some(mailer)
        getattr(server, place)().reply(reply, times=1)
        results = [await mailer.send(message(subject=str(number))) for number in range(3)]
    assert [len(result.attempts) for result in results] == [2, 1, 1]
    assert gaps(*results)[0] == 2
    assert all(1 < gap < 2 for gap in gaps(*results)[1:])


@every_mode
async def test_a_421_in_the_middle_of_it_slows_down_too(start: Start, account: Account, mode: str) -> None:
    server = begin(start, mode)
    async with timeless(account(server, username=None, messages_per_connection=SOME)) as mailer:
        await send_some(mailer)
        server.on_mail().silence(times=1)
        sending = asyncio.create_task(mailer.send(message(), check=False))
        await asyncio.to_thread(
            server.wait_for, lambda: "MAIL" in server.connections[-1].commands and len(server.connections) > 1
        )
        server.say(b"421 4.7.0 too much mail\r\n", ending=Ending.CLOSE)
        results = [await sending, await mailer.send(message())]
    assert gaps(*results) == [2]


@every_mode
async def test_a_421_for_sitting_idle_is_no_complaint(start: Start, account: Account, mode: str) -> None:
    server = begin(start, mode)
    async with timeless(account(server, username=None)) as mailer:
        await mailer.send(message())
        server.on_rset().reply("421 4.4.2 idle for too long", times=1)
        server.on_mail().reply("421 4.4.2 idle for too long", times=1)
        await mailer.send(message(), check=False)
        assert mailer._plan.pace.unlimited


async def test_of_many_tasks_no_more_are_past_the_line_than_there_are_connections(
    start: Start, account: Account
) -> None:
    """So that the others still feel what the server says to the first."""
    server = start(Security.NONE)
    server.on_mail().reply("450 4.7.1 too much mail", times=2)
    retry = RetryPolicy(max_attempts=1)
    async with timeless(account(server, username=None, max_connections=2, retry=retry)) as mailer:
        sending = [mailer.send(message(subject=str(number)), check=False) for number in range(10)]
        results = await asyncio.gather(*sending)
    assert sum(result.ok for result in results) == 8
    assert sum(gap > 0 for gap in gaps(*results)) >= 8
