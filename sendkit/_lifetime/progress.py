"""What is in progress on one event loop: counted, waited for, and cut short when it takes too long to end.

Knows tasks and time, and not what they do.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Protocol

PATIENCE = 30.0
"""Seconds for what is in progress to end, when everything closes."""
# Seconds for what was cut short to come to its end.
_GRACE = 5.0


class Cancellable(Protocol):
    """Something in progress that can be ended at once."""

    def cancel(self) -> object:
        """End it."""
        ...


class Progress:
    """The pieces of work of one event loop: those that have `begun`, and those who are `waiting` for their end."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.begun: set[Work] = set()
        self.waiting: set[asyncio.Future[None]] = set()

    def work(self, seconds: float | None = None) -> Work:
        """One piece of work, `with` which it is in progress: cut short after so many seconds, or when closing."""
        return Work(self, seconds)

    def tell(self) -> None:
        """Tell those who wait that something is over."""
        waiting, self.waiting = self.waiting, set()
        for one in waiting:
            if not one.done():
                one.set_result(None)

    async def over(self, seconds: float | None) -> None:
        """Wait until nothing is in progress; what still is after so many seconds is cut short."""
        await self._end_all(self.begun, seconds)

    async def over_so_far(self, seconds: float | None) -> None:
        """The same for what is in progress now, and not for what begins meanwhile."""
        await self._end_all(self.begun.copy(), seconds)

    def cut(self) -> None:
        """Cut short everything that is in progress, and wait for nothing."""
        _cut(self.begun)

    async def _end_all(self, works: set[Work], seconds: float | None) -> None:
        if not await self._wait(works, seconds):
            _cut(works & self.begun)
            await self._wait(works, _GRACE)

    async def _wait(self, works: set[Work], seconds: float | None) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not works.isdisjoint(self.begun):
                    await self._news()
        return works.isdisjoint(self.begun)

    async def _news(self) -> None:
        waiter: asyncio.Future[None] = self._loop.create_future()
        self.waiting.add(waiter)
        try:
            await waiter
        finally:
            self.waiting.discard(waiter)


def _cut(works: set[Work]) -> None:
    for work in list(works):
        work.cut()


class Work:
    """A piece of work of one task, within `with`: there is a result at the end, also where it was cut short.

    It is in progress from `begin` on, where that comes earlier. `late`: its own time ran out. `closed`: it was cut
    short because everything ends. As `asyncio.timeout` does it, which costs more where there is no limit.
    """

    __slots__ = ("__weakref__", "_cancelling", "_progress", "_task", "_timer", "closed", "late", "seconds")

    def __init__(self, progress: Progress, seconds: float | None) -> None:
        self._progress = progress
        self.seconds = seconds
        self._task: Cancellable | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._cancelling = 0
        self.late = self.closed = False

    def begin(self) -> None:
        """Count it as in progress, before its first step."""
        self._progress.begun.add(self)

    def carried_by(self, one: Cancellable) -> None:
        """No task carries it out; to cut it cancels this one."""
        self._task = one

    def end(self) -> None:
        """It is over, whether it had its first step or not."""
        self._task, progress = None, self._progress
        progress.begun.discard(self)
        if progress.waiting:
            progress.tell()

    def cut(self) -> None:
        """End it now; on its event loop only."""
        if not (self.late or self.closed):
            self.closed = True
            if self._task is not None:
                self._task.cancel()

    def _run_out(self) -> None:
        if self._task is not None and not self.closed:
            self.late = True
            self._task.cancel()

    def __enter__(self) -> None:
        self._task = task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only the work of a task can be cut short")
        self._cancelling = task.cancelling()
        if self.seconds is not None:
            self._timer = task.get_loop().call_later(self.seconds, self._run_out)
        self.begin()
        if self.closed:
            task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        task = self._task
        self.end()
        if self._timer is not None:
            self._timer.cancel()
        if not (self.late or self.closed) or not isinstance(task, asyncio.Task):
            return False
        # Cut short by us: what became of it is for whoever asked to say. A cancellation by others goes on.
        return task.uncancel() <= self._cancelling and kind is asyncio.CancelledError
