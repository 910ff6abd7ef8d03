"""One at a time, also where those who wait are on the event loops of several threads.

Must not know: what they wait for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Hashable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from sendkit._lifetime.forks import Lock, starts_over

K = TypeVar("K", bound=Hashable)


class OneAtATime(Generic[K]):
    """Lets one task at a time go on for each key."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.start_over()
        starts_over(self)

    def start_over(self) -> None:
        """Nobody of the parent's has a turn in the child."""
        self._taken: dict[K, Future[None]] = {}

    @asynccontextmanager
    async def turn(self, key: K) -> AsyncGenerator[None]:
        """Wait until nobody else has a turn with this key, and have it."""
        mine: Future[None] = Future()
        # From here on a waiter that is cancelled cannot cancel it for the others.
        mine.set_running_or_notify_cancel()
        while (holder := self._holder(key, mine)) is not mine:
            await asyncio.wrap_future(holder)
        try:
            yield
        finally:
            with self._lock:
                if self._taken.get(key) is mine:
                    del self._taken[key]
            mine.set_result(None)

    def _holder(self, key: K, mine: Future[None]) -> Future[None]:
        with self._lock:
            return self._taken.setdefault(key, mine)
