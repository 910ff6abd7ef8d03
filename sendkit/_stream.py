"""Many at a time: sends from a source with back-pressure, and hands on what finishes first.

Knows tasks and sources, and nothing of mail.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Iterable
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
    loop = asyncio.get_running_loop()
    running: set[asyncio.Task[Result]] = set()
    finished: deque[asyncio.Task[Result]] = deque()
    news, room = asyncio.Event(), asyncio.Event()

    def end(task: asyncio.Task[Result]) -> None:
        finished.append(task)
        news.set()

    def begin(index: int, item: Item) -> None:
        task = loop.create_task(send(index, item))
        running.add(task)
        task.add_done_callback(end)
        if len(running) >= width:
            room.clear()

    async def feed() -> None:
        if isinstance(source, AsyncIterable):
            index = 0
            async for item in source:
                begin(index, item)
                index += 1
                await room.wait()
                if stopped():
                    return
        else:
            for index, item in enumerate(source):
                begin(index, item)
                await room.wait()
                if stopped():
                    return

    room.set()
    feeder = asyncio.create_task(feed())
    feeder.add_done_callback(lambda _: news.set())
    try:
        while running or not feeder.done():
            await news.wait()
            news.clear()
            while finished:
                task = finished.popleft()
                running.discard(task)
                if len(running) + burst <= width:
                    room.set()
                yield task.result()
        feeder.result()
    except asyncio.CancelledError:
        for task in running:
            task.cancel()
        raise
    finally:
        feeder.cancel()
        await asyncio.gather(feeder, *running, return_exceptions=True)
