"""What is written ahead waits as an object, and not as a task: it is answered, times out, and is cut like any other."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections import Counter
from contextvars import ContextVar

import pytest

from sendkit import Outcome, Security, Timeouts
from sendkit._lifetime import logs
from sendkit._wire import pool
from tests.accounts import LUIS, message
from tests.servers.skipping import move_on

from .conftest import Account, Start

MESSAGES = 8


def written(lines: list[str]) -> int:
    """How many messages have left as a whole."""
    return sum("LAST" in line for line in lines)


async def test_no_task_waits_for_a_message_that_is_written_ahead(
    start: Start, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_MOMENT", 60.0)  # on a busy machine the connection is not asked whether it lives
    monkeypatch.setattr(logs, "somebody_may_be_deaf", lambda: False)  # another test's handler may have heard records
    server = start(Security.NONE)
    async with account(server, username=None, max_connections=1) as used:
        await used.send(message())
        server.after_data().hold(times=1)
        stream = used.send_many([message() for _ in range(MESSAGES)], in_flight=MESSAGES)
        reading = asyncio.create_task(anext(stream))
        await asyncio.to_thread(server.wait_for, lambda: written(server.lines()) == 2)
        assert len(stream.in_progress) == MESSAGES
        assert asyncio.all_tasks() == {asyncio.current_task(), reading}
        server.release()
        results = [await reading, *[result async for result in stream]]
    assert [result.ok for result in results] == [True] * MESSAGES


async def test_a_message_leaves_nothing_to_the_garbage_collector(start: Start, account: Account) -> None:
    server = start(Security.NONE)
    async with account(server, username=None, max_connections=1) as used:

        async def send() -> None:
            async for result in used.send_many([message() for _ in range(MESSAGES)], in_flight=MESSAGES):
                result.raise_for_failure()
            await used.send(message())

        await send()
        gc.collect()
        gc.freeze()  # what other tests have left, and a thread of theirs may let go just now, is not looked at
        gc.disable()
        try:
            await send()
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            left = Counter(type(one).__module__ for one in gc.garbage)
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
            gc.unfreeze()
    assert [name for name in left if name.startswith("sendkit")] == []


async def test_an_answer_that_does_not_come_leaves_those_written_ahead_in_doubt(start: Start, account: Account) -> None:
    server = start(Security.NONE)
    timeouts = Timeouts(end_of_data=600)
    async with account(server, username=None, max_connections=1, timeouts=timeouts) as used:
        await used.send(message())
        server.after_data().silence()
        stream = used.send_many([message() for _ in range(3)], in_flight=3)
        reading = asyncio.create_task(anext(stream))
        await asyncio.to_thread(server.wait_for, lambda: written(server.lines()) == 2)
        move_on(601)
        results = [await reading, *[result async for result in stream]]
    assert [result.recipients[LUIS].outcome for result in results] == [Outcome.IN_DOUBT] * 3
    assert "no answer within 600 s" in str(results[0].recipients[LUIS].reason)


def test_a_loop_that_ends_cuts_what_is_written_ahead(start: Start, account: Account) -> None:
    server = start(Security.NONE)
    used = account(server, username=None, max_connections=1)

    async def leave() -> None:
        await used.send(message())
        server.after_data().hold(times=1)
        stream = used.send_many([message() for _ in range(3)], in_flight=3)
        reading = asyncio.create_task(anext(stream))
        await asyncio.to_thread(server.wait_for, lambda: written(server.lines()) == 2)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await reading
        found: tuple[object, ...] = vars(cancelled.value)["results"]
        assert len(found) == 3
        stream = used.send_many([message() for _ in range(3)], in_flight=3)
        server.after_data().hold(times=1)
        reading = asyncio.create_task(anext(stream))
        await asyncio.to_thread(server.wait_for, lambda: written(server.lines()) >= 3)
        del stream

    asyncio.run(leave())  # a socket that nobody closes is a warning, and an error here
    server.release()


async def test_replies_are_logged_in_the_context_of_who_sends(start: Start, account: Account) -> None:
    """Not in that of whoever opened the connection: what must not be logged again is known by it."""
    who, seen = ContextVar("who", default=""), list[tuple[str, str]]()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append((who.get(), record.getMessage()))

    logger, listener, server = logging.getLogger("sendkit.smtp"), Listener(), start(Security.NONE)
    logger.addHandler(listener)
    logger.setLevel(logging.DEBUG)
    try:
        async with account(server, username=None, max_connections=1) as used:
            who.set("the first")
            await used.send(message())
            seen.clear()
            who.set("the second")
            await used.send(message())
    finally:
        logger.removeHandler(listener)
        logger.setLevel(logging.NOTSET)
    assert [name for name, text in seen if " S: 250" in text][:4] == ["the second"] * 4


async def test_what_is_no_reply_ends_it_at_once_also_behind_replies(start: Start, account: Account) -> None:
    server = start(Security.NONE)
    async with account(server, username=None, max_connections=1) as used, asyncio.timeout(300):
        await used.send(message())
        server.after_data().garbage(times=1)
        result = await used.send(message(), check=False)
    assert result.recipients[LUIS].outcome is Outcome.IN_DOUBT
