"""The pool hands out connections in order of arrival, and no wake-up is ever lost."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, contextmanager

import pytest

from sendkit import Phase
from sendkit._seam.limits import Limits
from sendkit._seam.log import AttemptLog
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.verdict import Break, Failure, judge_failure
from sendkit._wire.channel import Channel
from sendkit._wire.failure import SessionFailed
from sendkit._wire.pool import Pool
from sendkit._wire.session import Session

Opener = Callable[[AttemptLog], Awaitable[Session]]


async def settle() -> None:
    """Let everything run that can run."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def opener() -> AsyncIterator[Opener]:
    """Opens sessions over socket pairs."""
    loop, channels = asyncio.get_running_loop(), list[Channel]()
    async with AsyncExitStack() as stack:

        async def open_session(_: AttemptLog) -> Session:
            ours, peer = socket.socketpair()
            stack.enter_context(peer)
            transport, _protocol = await loop.create_connection(asyncio.Protocol, sock=ours)
            channels.append(Channel(transport, loop))
            transport.set_protocol(channels[-1])
            return Session(channels[-1], Capabilities(), None)

        yield open_session
        for channel in channels:
            channel.abort()
        await settle()


class Leaving(Channel):
    """A channel whose QUIT ends when it is told to."""

    ended: asyncio.Future[None]

    async def quit(self, limit: float) -> None:
        await self.ended


def log() -> AttemptLog:
    return AttemptLog(())


async def take(pool: Pool, seen: list[str], name: str) -> Session:
    """A session, and a note of who got it."""
    session = await pool.acquire(log())
    seen.append(name)
    return session


async def test_who_came_first_is_served_first(opener: Opener) -> None:
    pool, seen = Pool(opener, Limits(1)), list[str]()
    session = await take(pool, seen, "a")
    waiting = []
    for name in "bcd":
        waiting.append(asyncio.create_task(take(pool, seen, name)))
        await settle()
    for task in waiting:
        pool.release(session)
        assert await task is session
    assert seen == list("abcd")


async def test_who_waits_for_a_place_says_so_in_its_log(opener: Opener) -> None:
    """So that the time is not a server's."""
    pool, seen = Pool(opener, Limits(1)), list[str]()
    late = log()

    @contextmanager
    def own_wait() -> Generator[None]:
        seen.append("waits")
        yield
        seen.append("has a place")

    late.own_wait = own_wait
    session = await take(pool, seen, "a")
    waiting = asyncio.create_task(pool.acquire(late))
    await settle()
    assert seen == ["a", "waits"]
    pool.release(session)
    await waiting
    assert seen == ["a", "waits", "has a place"]
    pool.release(session)


async def test_who_is_cancelled_just_when_it_is_served_passes_its_place_on(opener: Opener) -> None:
    pool, seen = Pool(opener, Limits(1)), list[str]()
    session = await take(pool, seen, "a")
    second, third = asyncio.create_task(take(pool, seen, "b")), asyncio.create_task(take(pool, seen, "c"))
    await settle()
    pool.release(session)
    second.cancel()
    await third
    assert seen == ["a", "c"]
    assert second.cancelled()


async def test_when_no_connection_comes_about_the_next_one_may_try(opener: Opener) -> None:
    failed = SessionFailed(judge_failure(Phase.CONNECT, Failure(Break.LOST, "refused")))
    attempts: list[int] = []

    async def at_first_in_vain(note: AttemptLog) -> Session:
        attempts.append(1)
        await settle()
        if len(attempts) == 1:
            raise failed
        return await opener(note)

    pool, seen = Pool(at_first_in_vain, Limits(1)), list[str]()
    first, second = asyncio.create_task(take(pool, seen, "a")), asyncio.create_task(take(pool, seen, "b"))
    with pytest.raises(SessionFailed):
        await first
    await second
    assert seen == ["b"]


async def test_what_is_in_use_when_the_pool_closes_is_closed_when_it_is_handed_back(opener: Opener) -> None:
    pool, seen = Pool(opener, Limits(2)), list[str]()
    session = await take(pool, seen, "a")
    await pool.aclose()
    assert session.channel.quiet
    pool.release(session)
    assert not session.channel.quiet


@pytest.mark.parametrize("first", ["the loop", "a mailer"])
def test_the_end_of_its_loop_and_closing_may_come_at_once(first: str) -> None:
    loop, errors = asyncio.new_event_loop(), list[object]()
    loop.set_exception_handler(lambda _, context: errors.append(context))
    ours, peer = socket.socketpair()

    async def opener(_: AttemptLog) -> Session:
        transport, _protocol = await loop.create_connection(asyncio.Protocol, sock=ours)
        channel = Channel(transport, loop)
        transport.set_protocol(channel)
        return Session(channel, Capabilities(), None)

    async def opened() -> Pool:
        pool = Pool(opener, Limits(1, quit=0.2))  # nobody answers QUIT
        pool.release(await pool.acquire(log()))
        return pool

    with peer:
        pool = loop.run_until_complete(opened())
        acts = [loop.shutdown_asyncgens(), pool.aclose()]
        tasks = [loop.create_task(act) for act in (acts if first == "the loop" else reversed(acts))]
        loop.run_until_complete(asyncio.wait(tasks))
        loop.run_until_complete(settle())
        loop.close()
    assert [task.exception() for task in tasks] == [None, None]
    assert errors == []


async def test_closing_ends_in_the_very_turn_in_which_the_last_connection_was_left() -> None:
    """Before anybody was told that it is left."""
    loop = asyncio.get_running_loop()
    ours, peer = socket.socketpair()
    transport, _protocol = await loop.create_connection(asyncio.Protocol, sock=ours)
    channel = Leaving(transport, loop)
    transport.set_protocol(channel)
    channel.ended = loop.create_future()

    async def opener(_: AttemptLog) -> Session:
        return Session(channel, Capabilities(), None)

    with peer:
        pool = Pool(opener, Limits(1))
        pool.release(await pool.acquire(log()))
        first = loop.create_task(pool.close_idle())
        await settle()
        channel.ended.set_result(None)
        await asyncio.gather(first, loop.create_task(pool.close_idle()))
        channel.abort()
        await settle()
