"""Many messages: as they finish, no faster than they leave, and one failure is a result and never an exception."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from sendkit import AsyncMailer, DeliveryResult, MemoryTransport, Message, errors
from sendkit._delivery.stream import Window
from sendkit._many import AsyncSendStream
from sendkit._message.letter import Letter
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from tests.accounts import LUIS, OPS, mailer, message
from tests.waiting import LIMIT


class Gate(Transport):
    """Holds every letter until it is opened; counts those under way."""

    def __init__(self) -> None:
        self.inner = MemoryTransport()
        self.clock = self.inner.clock
        self.open = asyncio.Event()
        self.waiting = asyncio.Condition()
        self.under_way = self.most = 0

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Wait, and carry it."""
        async with self.waiting:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            self.waiting.notify_all()
        try:
            await self.open.wait()
            await self.inner.deliver(letter, log)
        finally:
            self.under_way -= 1

    async def full(self, count: int) -> None:
        """Return when so many are under way."""
        async with self.waiting:
            await self.waiting.wait_for(lambda: self.under_way == count)


class Source:
    """Messages, and how many of them were taken."""

    def __init__(self, count: int) -> None:
        self.count, self.taken = count, 0

    def __iter__(self) -> Iterator[Message]:
        for number in range(self.count):
            self.taken += 1
            yield message(subject=str(number))

    async def __aiter__(self) -> AsyncIterator[Message]:
        for one in Source.__iter__(self):
            yield one


class SyncSource(Source):
    __aiter__ = None  # type: ignore[assignment]


def fan_out(source: Any, send: Callable[[int, Any], Coroutine[Any, Any, Any]], width: int, burst: int = 1) -> Any:
    """A stream of whatever `send` returns."""
    return AsyncSendStream(Window(send, width, burst), source, None)


async def settle() -> None:
    """Let everything run that can run."""
    for _ in range(50):
        await asyncio.sleep(0)


async def everything(postman: AsyncMailer, messages: object) -> list[DeliveryResult]:
    """All results, in the order of the messages."""
    results = [result async for result in postman.send_many(messages)]  # type: ignore[arg-type]
    return sorted(results, key=lambda result: result.index or 0)


@pytest.mark.parametrize("kind", [Source, SyncSource])
async def test_every_message_of_a_sync_or_async_source_has_one_result(kind: type[Source]) -> None:
    transport = MemoryTransport()
    async with mailer(transport) as postman:
        results = await everything(postman, kind(10) if kind is Source else list(kind(10)))
    assert [result.index for result in results] == list(range(10))
    by_id = {str(one.message["Message-ID"]): one.message["Subject"] for one in transport.sent}
    assert [by_id[str(result.message_id)] for result in results] == list(map(str, range(10)))


async def test_an_empty_source_has_no_result() -> None:
    async with mailer(MemoryTransport()) as postman:
        assert await everything(postman, []) == []


async def test_a_failure_is_a_result_and_never_an_exception() -> None:
    transport = MemoryTransport()
    transport.on_rcpt(OPS).reply("550 5.1.1 no such user")
    async with mailer(transport) as postman:
        results = await everything(postman, [message(), message(OPS), "Hola", Message(sender=LUIS), message()])
    assert [result.ok for result in results] == [True, False, False, False, True]
    assert [type(result.error) for result in results[2:4]] == [errors.MessageError] * 2
    assert results[1].error is None
    assert (results[2].recipients, results[2].attempts) == ({}, ()) or len(results[2].recipients) == 0


class LetsOneThrough(Gate):
    """Holds all but one."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number, self.count = number, 0

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Carry it here or there."""
        self.count += 1
        if self.count == self.number:
            await self.inner.deliver(letter, log)
        else:
            await super().deliver(letter, log)


async def test_a_result_comes_as_soon_as_it_is_there() -> None:
    gate = LetsOneThrough(2)
    async with AsyncMailer(transport=gate) as postman, aclosing(postman.send_many(Source(3))) as results:
        assert (await anext(results)).index == 1
        gate.open.set()


@pytest.mark.parametrize("connections", [1, 4])
async def test_the_source_is_read_no_faster_than_messages_leave(connections: int) -> None:
    gate, source = Gate(), Source(100)
    postman = AsyncMailer(transport=gate, max_connections=connections)
    async with postman, aclosing(postman.send_many(source)) as results:
        taking = asyncio.create_task(anext(results))
        await gate.full(connections)
        await settle()
        assert connections <= source.taken <= connections + 1
        gate.open.set()
        await taking
        await settle()
        assert source.taken <= 2 * connections + 1
    assert gate.most <= connections


async def test_who_does_not_take_results_is_not_sent_ahead_of() -> None:
    transport, source = MemoryTransport(), Source(100)
    async with (
        AsyncMailer(transport=transport, max_connections=2) as postman,
        aclosing(postman.send_many(source)) as results,
    ):
        await anext(results)
        await settle()
        assert source.taken <= 4


async def open_later(gate: Gate) -> None:
    """Open the gate when everything else has come as far as it can."""
    await settle()
    gate.open.set()


async def test_who_leaves_early_waits_for_what_is_in_flight() -> None:
    gate, source = LetsOneThrough(1), Source(100)
    async with AsyncMailer(transport=gate, max_connections=3) as postman:
        results = postman.send_many(source)
        await anext(results)
        await gate.full(2)
        opening = asyncio.create_task(open_later(gate))
        await results.aclose()
        assert gate.under_way == 0
        assert len(gate.inner.sent) == source.taken
    await opening


async def test_who_breaks_out_of_the_loop_loses_nothing_that_is_in_flight() -> None:
    gate, source = LetsOneThrough(1), Source(100)
    async with AsyncMailer(transport=gate, max_connections=3) as postman:
        async for _ in postman.send_many(source):
            await gate.full(2)
            opening = asyncio.create_task(open_later(gate))
            break
    assert gate.under_way == 0
    assert len(gate.inner.sent) == source.taken
    await opening


async def test_a_source_that_fails_ends_the_stream_after_what_is_in_flight() -> None:
    async def source() -> AsyncIterator[Message]:
        for number in range(3):
            yield message(subject=str(number))
        raise LookupError("no more")

    transport = MemoryTransport()
    async with mailer(transport) as postman:
        with pytest.raises(LookupError, match="no more"):
            await everything(postman, source())
    assert sorted(one.message["Subject"] for one in transport.sent) == ["0", "1", "2"]


async def test_a_cancelled_stream_cancels_what_is_in_flight() -> None:
    gate = Gate()
    async with AsyncMailer(transport=gate, max_connections=3) as postman:
        task = asyncio.create_task(everything(postman, Source(100)))
        await gate.full(3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (gate.under_way, gate.inner.sent) == (0, [])


async def test_a_stream_that_ends_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    async with mailer(MemoryTransport()) as postman:
        await everything(postman, Source(20))
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("in_flight", [0, -1])
async def test_at_least_one_message_is_in_flight(in_flight: int) -> None:
    async with mailer(MemoryTransport()) as postman:
        with pytest.raises(errors.ConfigurationError, match="in_flight"):
            async for _ in postman.send_many([], in_flight=in_flight):
                pass


async def test_what_fails_in_an_unforeseen_way_is_raised_after_what_is_in_flight() -> None:
    done: list[int] = []

    async def send(index: int, item: str) -> int:
        if index == 0:
            raise RuntimeError(item)
        await settle()
        done.append(index)
        return index

    with pytest.raises(RuntimeError, match="a"):
        async for _ in fan_out("abc", send, 3):
            pass
    assert done == [1, 2]


async def test_one_who_fails_leaves_nobody_waiting_for_a_place() -> None:
    async def send(index: int, item: str) -> int:
        await settle()
        raise RuntimeError(item)

    async with asyncio.timeout(LIMIT):
        with pytest.raises(RuntimeError, match="a"):
            async for _ in fan_out("abcdefgh", send, 4, burst=4):
                pass


async def test_a_source_that_is_slow_keeps_nobody_from_taking_what_has_finished() -> None:
    more, first = asyncio.Event(), asyncio.Event()

    async def source() -> AsyncIterator[str]:
        yield "a"
        first.set()
        await more.wait()
        yield "b"

    async def send(index: int, item: str) -> str:
        await first.wait()
        return item

    async with asyncio.timeout(LIMIT), aclosing(fan_out(source(), send, 8, burst=4)) as results:
        assert await anext(results) == "a"
        more.set()
        assert [result async for result in results] == ["b"]


async def test_who_leaves_while_a_source_is_waited_for_does_not_wait_for_it() -> None:
    async def source() -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    async def send(index: int, item: str) -> str:
        return item

    async with asyncio.timeout(LIMIT):
        results = fan_out(source(), send, 4)
        assert await anext(results) == "a"
        await results.aclose()


async def test_no_more_are_begun_at_a_time_than_wanted_and_as_many_together_as_wanted() -> None:
    begun: list[int] = []
    answers = [asyncio.Event() for _ in range(12)]

    async def send(index: int, item: int) -> int:
        begun.append(index)
        await answers[index].wait()
        return index

    async with aclosing(fan_out(range(12), send, 4, burst=2)) as results:
        taking = asyncio.create_task(anext(results))
        await settle()
        assert begun == [0, 1, 2, 3]
        answers[1].set()
        assert await taking == 1
        await settle()
        assert len(begun) == 4  # there is room for one, and that is not enough
        taking = asyncio.create_task(anext(results))
        answers[3].set()
        assert await taking == 3
        await settle()
        assert len(begun) == 6
        for answer in answers:
            answer.set()
        assert sorted([result async for result in results]) == [0, 2, *range(4, 12)]
