"""What is in progress on one event loop: counted, waited for, and cut short when it takes too long to end.

Knows tasks and time, and not what they do.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any, Generic, TypeVar

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds for what is in progress to end, when everything closes."""
# Seconds for what was cut short to come to its end.
_GRACE = 5.0


class Progress:
    """The pieces of work of one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun: set[Work] = set()
        self._ended: asyncio.Future[None] | None = None

    def work(self, seconds: float | None = None) -> Work:
        """One piece of work, `async with` which it is in progress: cut short after so many seconds, or when closing."""
        return Work(self, seconds)

    def begin(self, work: Work) -> None:
        """It is in progress from now on."""
        self._begun.add(work)

    def end(self, work: Work) -> None:
        """It is over."""
        self._begun.discard(work)
        if not self._begun and self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def over(self, seconds: float | None) -> None:
        """Wait until nothing is in progress; what still is after so many seconds is cut short."""
        if await self._wait(seconds):
            return
        for work in list(self._begun):
            work.cut()
        await self._wait(_GRACE)

    def cut(self) -> None:
        """Cut short everything that is in progress, and wait for nothing."""
        for work in list(self._begun):
            work.cut()

    async def _wait(self, seconds: float | None) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._begun:
                    self._ended = self._loop.create_future()
                    await self._ended
        return not self._begun


class Work:
    """A piece of work, within `async with`: there is a result at the end, also where it was cut short.

    It is in progress from `begin` on, where that comes earlier. `late`: its own time ran out. `closed`: it was cut
    short because everything ends.
    """

    __slots__ = ("__weakref__", "_entered", "_limit", "_progress", "closed")

    def __init__(self, progress: Progress, seconds: float | None) -> None:
        self._progress = progress
        self._limit = asyncio.timeout(seconds)
        self._entered = self.closed = False

    @property
    def late(self) -> bool:
        """Whether its own time ran out."""
        return self._limit.expired() and not self.closed

    def begin(self) -> None:
        """Count it as in progress, before its first step."""
        self._progress.begin(self)

    def end(self) -> None:
        """It is over, whether it had its first step or not."""
        self._progress.end(self)

    def cut(self) -> None:
        """End it now; on its event loop only."""
        if not self._limit.expired():
            self.closed = True
            if self._entered:
                self._limit.reschedule(asyncio.get_running_loop().time())

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        self._entered = True
        self._progress.begin(self)
        if self.closed:
            self.cut()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._progress.end(self)
        try:
            await self._limit.__aexit__(kind, error, traceback)
        except TimeoutError:
            return True  # cut short by us: what became of it is for whoever asked to say
        return False


class Begun(Generic[T]):
    """A coroutine that is in progress before its first step, and until `close`, for it may never have one."""

    __slots__ = ("_run", "_work")

    def __init__(self, work: Work, run: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._run = run
        work.begin()

    def __await__(self) -> Generator[Any, Any, T]:
        return self._run.__await__()

    def close(self) -> None:
        """It is over."""
        self._run.close()
        self._work.end()
