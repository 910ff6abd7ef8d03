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


class _Holder:
    """Who goes on with a key; those behind wait for its future, which few need."""

    __slots__ = ("over",)

    def __init__(self) -> None:
        self.over: Future[None] | None = None


class OneAtATime(Generic[K]):
    """Lets one task at a time go on for each key."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.start_over()
        starts_over(self)

    def start_over(self) -> None:
        """Nobody of the parent's has a turn in the child."""
        self._taken: dict[K, _Holder] = {}

    @asynccontextmanager
    async def turn(self, key: K) -> AsyncGenerator[None]:
        """Wait until nobody else has a turn with this key, and have it."""
        mine = _Holder()
        while (before := self._before(key, mine)) is not None:
            await asyncio.wrap_future(before)
        try:
            yield
        finally:
            with self._lock:
                if self._taken.get(key) is mine:
                    del self._taken[key]
            if mine.over is not None:
                mine.over.set_result(None)

    def _before(self, key: K, mine: _Holder) -> Future[None] | None:
        with self._lock:
            holder = self._taken.setdefault(key, mine)
            if holder is mine:
                return None
            if holder.over is None:
                holder.over = Future()
                # From here on a waiter that is cancelled cannot cancel it for the others.
                holder.over.set_running_or_notify_cancel()
            return holder.over
