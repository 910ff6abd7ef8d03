"""Many at a time: sends from a source with back-pressure, and hands on what finishes first.

Knows tasks and sources, and nothing of mail.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import Generic, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")


async def fan_out(
    source: Iterable[Item] | AsyncIterable[Item],
    send: Callable[[int, Item], Awaitable[Result]],
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
    crew = _Crew(_numbered(source), send, width, burst, stopped)
    crew.hire()
    try:
        while crew.workers or crew.finished:
            await crew.news.wait()
            crew.news.clear()
            while crew.finished:
                yield crew.take()
        if crew.error is not None:
            raise crew.error
    except asyncio.CancelledError:
        for worker in crew.workers:
            worker.cancel()
        raise
    finally:
        await crew.dismiss()


class _Crew(Generic[Item, Result]):
    """Those who send, each one item after the other, and what they have finished.

    There are as many as were needed at the same time so far; a task for each item would cost more than all else here.
    """

    def __init__(
        self,
        next_item: Callable[[], Awaitable[tuple[int, Item] | None]],
        send: Callable[[int, Item], Awaitable[Result]],
        width: int,
        burst: int,
        stopped: Callable[[], bool],
    ) -> None:
        self._next_item = next_item
        self._send = send
        self._width = width
        self._enough = width - burst
        self._stopped = stopped
        self._over = False
        self._taken = 0
        self._room = asyncio.Event()
        self._room.set()
        self._sending: set[asyncio.Task[None]] = set()
        self.workers: set[asyncio.Task[None]] = set()
        self.finished: deque[Result] = deque()
        self.news = asyncio.Event()
        self.error: BaseException | None = None

    def hire(self) -> None:
        """Have one more of them."""
        worker = asyncio.create_task(self._work())
        self.workers.add(worker)
        worker.add_done_callback(self._gone)

    def take(self) -> Result:
        """The result that was there first; its place is free again."""
        self._taken -= 1
        if self._taken <= self._enough:
            self._room.set()
        return self.finished.popleft()

    async def dismiss(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        self._over = True
        for worker in self.workers - self._sending:
            worker.cancel()
        await asyncio.gather(*self.workers, return_exceptions=True)

    async def _work(self) -> None:
        me = cast("asyncio.Task[None]", asyncio.current_task())
        while await self._place() and (numbered := await self._next_item()) is not None:
            self._sending.add(me)
            if len(self._sending) == len(self.workers) < self._width:
                self.hire()
            try:
                result = await self._send(*numbered)
            finally:
                self._sending.discard(me)
            self.finished.append(result)
            self.news.set()

    async def _place(self) -> bool:
        """Wait for a place, and take it; False when nothing more is to be begun."""
        while not (self._room.is_set() or self._over):
            await self._room.wait()
        self._taken += 1
        if self._taken >= self._width:
            self._room.clear()
        return not (self._over or self._stopped())

    def _gone(self, worker: asyncio.Task[None]) -> None:
        """One ended, since nothing is left, or something went wrong: the others finish what they have."""
        self.workers.discard(worker)
        self._over = True
        self._room.set()
        error = asyncio.CancelledError() if worker.cancelled() else worker.exception()
        self.error = self.error or error
        self.news.set()


def _numbered(source: Iterable[Item] | AsyncIterable[Item]) -> Callable[[], Awaitable[tuple[int, Item] | None]]:
    """Gives the next item and its number, or None, to several who ask: one at a time, where an item is waited for."""
    if not isinstance(source, AsyncIterable):
        at_hand = enumerate(source)

        async def take() -> tuple[int, Item] | None:
            return next(at_hand, None)

        return take

    to_come, turn, count = aiter(source), asyncio.Lock(), itertools.count()

    async def wait() -> tuple[int, Item] | None:
        async with turn:
            async for item in to_come:
                return next(count), item
            return None

    return wait
