"""Many at a time: sends from a source with back-pressure, and hands on what finishes first.

Knows tasks and sources, and nothing of mail.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def fan_out(
    source: Iterable[Item] | AsyncIterable[Item],
    send: Callable[[int, Item], Coroutine[Any, Any, Result]],
    width: int,
    stopped: Callable[[], bool] = lambda: False,
    *,
    burst: int = 1,
) -> AsyncGenerator[Result]:
    """Yield the results of `send(index, item)` as they come; at most `width` are under way or wait to be taken.

    Once so many are, none is added before there is room for `burst`, so that what goes out together stays together.
    Once `stopped` says so, nothing more is read from the source. An error of the source is raised after what is under
    way; who leaves early waits for it; a cancellation cancels it.
    """
    slots = asyncio.Semaphore(width)
    finished: asyncio.Queue[asyncio.Task[Any]] = asyncio.Queue()
    running: set[asyncio.Task[Result]] = set()

    async def feed() -> None:
        items = _numbered(source)
        room = await _room(slots, burst)
        async for index, item in items:
            task = asyncio.create_task(send(index, item))
            running.add(task)
            task.add_done_callback(finished.put_nowait)
            room = room - 1 or await _room(slots, burst)
            if stopped():
                return

    feeder = asyncio.create_task(feed())
    feeder.add_done_callback(finished.put_nowait)
    try:
        while running or not feeder.done():
            task = await finished.get()
            if task is not feeder:
                running.discard(task)
                slots.release()
                yield task.result()
        feeder.result()
    except asyncio.CancelledError:
        for task in running:
            task.cancel()
        raise
    finally:
        feeder.cancel()
        await asyncio.gather(feeder, *running, return_exceptions=True)


async def _room(slots: asyncio.Semaphore, burst: int) -> int:
    wanted = burst if slots.locked() else 1
    for _ in range(wanted):
        await slots.acquire()
    return wanted


async def _numbered(source: Iterable[Item] | AsyncIterable[Item]) -> AsyncIterator[tuple[int, Item]]:
    index = 0
    if isinstance(source, AsyncIterable):
        async for item in source:
            yield index, item
            index += 1
    else:
        for item in source:
            yield index, item
            index += 1
