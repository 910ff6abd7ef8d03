"""Many at a time: sends from a source with back-pressure, and hands on what finishes first.

Knows tasks and sources, and nothing of mail.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Tally:
    """How many sends are under way on one event loop: each is inside its `with`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._count = 0
        self._none = asyncio.Event()

    def __enter__(self) -> None:
        self._count += 1
        self._none.clear()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._count -= 1
        if not self._count:
            self._none.set()

    async def over(self) -> None:
        """Wait until none is."""
        if self._count:
            await self._none.wait()


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
    window = _Window(send, width, burst, stopped)
    feeder = asyncio.create_task(window.feed(source))
    feeder.add_done_callback(lambda _: window.news.set())
    running = window.running
    try:
        while running or not feeder.done():
            await window.news.wait()
            window.news.clear()
            while window.finished:
                yield window.take()
        feeder.result()
    except asyncio.CancelledError:
        for task in running:
            task.cancel()
        raise
    finally:
        feeder.cancel()
        await asyncio.gather(feeder, *running, return_exceptions=True)


class _Window(Generic[Item, Result]):
    """What is under way, and what has finished and waits to be taken."""

    def __init__(
        self,
        send: Callable[[int, Item], Coroutine[Any, Any, Result]],
        width: int,
        burst: int,
        stopped: Callable[[], bool],
    ) -> None:
        self._send = send
        self._width = width
        self._enough = width - burst
        self._stopped = stopped
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        self._room.set()
        self.running: set[asyncio.Task[Result]] = set()
        self.finished: deque[asyncio.Task[Result]] = deque()
        self.news = asyncio.Event()

    async def feed(self, source: Iterable[Item] | AsyncIterable[Item]) -> None:
        """Begin one after the other, as long as there is room."""
        if isinstance(source, AsyncIterable):
            index = 0
            async for item in source:
                if not await self._begin(index, item):
                    return
                index += 1
        else:
            for index, item in enumerate(source):
                if not await self._begin(index, item):
                    return

    async def _begin(self, index: int, item: Item) -> bool:
        """Begin one, and wait until there is room for the next; False when there is to be none."""
        task = self._loop.create_task(self._send(index, item))
        self.running.add(task)
        task.add_done_callback(self._end)
        if len(self.running) >= self._width:
            self._room.clear()
            await self._room.wait()
        return not self._stopped()

    def _end(self, task: asyncio.Task[Result]) -> None:
        self.finished.append(task)
        self.news.set()

    def take(self) -> Result:
        """The result that was there first; what was raised in its place is raised."""
        task = self.finished.popleft()
        self.running.discard(task)
        if len(self.running) <= self._enough:
            self._room.set()
        return task.result()
