"""Coroutines for which nobody waits, run one after the other as tasks of one event loop.

Must not know: what they do. One that hangs holds up those behind it, and no one else; it is cancelled at the end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
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
        self._waiting.append((context, begin))
        if self._running is None:
            self._running = self._loop.create_task(self._run(), context=Context())
        return True

    async def over(self, *, seconds: float) -> None:
        """Wait until all have ended; what has not after so many seconds is cancelled."""
        if (running := self._running) is None:
            return
        await asyncio.wait({running}, timeout=seconds)
        if not running.done():
            self._waiting.clear()
            running.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                context, begin = self._waiting.popleft()
                task = self._loop.create_task(begin(), context=context)
                try:
                    await asyncio.wait({task})
                finally:
                    task.cancel()
        finally:
            self._running = None
