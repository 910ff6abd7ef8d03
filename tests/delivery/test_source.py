"""The source of many messages: who reads it, when, and what becomes of what it raises or stops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from sendkit import AsyncMailer, MemoryTransport, Message
from tests.accounts import mailer, message


async def test_a_source_that_cannot_be_read_at_all_is_an_error_of_the_source() -> None:
    class Unreadable:
        def __iter__(self) -> Iterator[Message]:
            raise LookupError("nothing to read")

    async with mailer(MemoryTransport()) as postman:
        with pytest.raises(LookupError, match="nothing to read"):
            _ = [result async for result in postman.send_many(Unreadable())]


async def test_a_source_that_is_there_is_read_by_no_task() -> None:
    seen: list[object] = []

    def source() -> Iterator[Message]:
        for _ in range(3):
            seen.append(asyncio.current_task())
            yield message()

    async with mailer(MemoryTransport()) as postman:
        assert [result.index async for result in postman.send_many(source())] == [0, 1, 2]
    assert seen == [None] * 3


async def test_who_takes_a_result_may_still_put_into_the_source_what_is_to_follow() -> None:
    waiting = [message(subject="0")]

    def source() -> Iterator[Message]:
        while waiting:
            yield waiting.pop()

    transport = MemoryTransport()
    async with AsyncMailer(transport=transport, max_connections=1) as postman:
        async for result in postman.send_many(source()):
            following = range(result.index + 1, 4)
            waiting.extend(message(subject=str(number)) for number in following[:1])
    assert [one.message["Subject"] for one in transport.sent] == ["0", "1", "2", "3"]


async def test_what_is_read_of_a_source_that_stops_the_stream_is_sent_and_nothing_more_is_read() -> None:
    def source() -> Iterator[Message]:
        for number in range(3):
            if number == 1:
                stream.stop()
            yield message(subject=str(number))

    transport, items = MemoryTransport(), source()
    async with mailer(transport) as postman:
        stream = postman.send_many(items)
        assert [result.index async for result in stream] == [0, 1]
        assert [one.subject for one in items] == ["2"]


@pytest.mark.parametrize("taken", [1, 2])
def test_results_that_were_not_taken_on_a_loop_that_was_closed_are_given_on_another(taken: int) -> None:
    transport = MemoryTransport()
    stream = AsyncMailer(transport=transport, max_connections=2).send_many([message() for _ in range(6)])

    async def some(count: int) -> list[int]:
        return [(await anext(stream)).index for _ in range(count)]

    async def rest() -> list[int]:
        return [result.index async for result in stream]

    assert asyncio.run(some(taken)) + asyncio.run(rest()) == [*range(len(transport.sent))]
    assert len(transport.sent) > taken
