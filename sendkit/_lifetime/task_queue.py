"""Coroutines for which nobody waits, run one after the other by a task of one event loop.

Must not know: what they do. One that hangs holds up those behind it, and no one else; it is cancelled at the end.
"""

from __future__ import annotations

import asyncio
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any


class TaskQueue:
    """Runs them in the order in which they were added, each in its context; at most `most` wait. None raises."""

    def __init__(self, most: int = 10_000) -> None:
        self._loop = asyncio.get_running_loop()
        self._most = most
        self._waiting: deque[tuple[Context, Callable[[], Coroutine[Any, Any, None]]]] = deque()
        self._running: asyncio.Task[None] | None = None

    def add(self, context: Context, begin: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Have it run soon; False where too many wait, and it is not run. On the event loop only."""
        if len(self._waiting) >= self._most:
            return False
        if self._running is None:
            self._running = self._loop.create_task(self._run(begin), context=context)
        else:
            self._waiting.append((context, begin))
        return True

    async def over(self, *, seconds: float) -> None:
        """Wait until all have ended; what has not after so many seconds is cancelled."""
        if (running := self._running) is None:
            return
        await asyncio.wait({running}, timeout=seconds)
        if not running.done():
            self._waiting.clear()
            running.cancel()

    async def _run(self, first: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await first()
            while self._waiting:
                context, begin = self._waiting.popleft()
                await _within(context, begin())
        finally:
            self._running = None


@types.coroutine
def _within(context: Context, coroutine: Coroutine[Any, Any, None]) -> Generator[Any, Any, None]:
    """Run it as a part of this task, which costs less than a task of its own, but each of its steps in the context."""
    step: Callable[[Any], Any] = coroutine.send
    value: Any = None
    try:
        while True:
            try:
                pending = context.run(step, value)
            except StopIteration:
                return  # it has ended
            try:
                value, step = (yield pending), coroutine.send
            except BaseException as error:  # noqa: BLE001 - a cancellation is for the coroutine
                value, step = error, coroutine.throw
    finally:
        value = None  # an error holds this frame
