"""One at a time, also where those who wait are on the event loops of several threads.

Must not know: what they wait for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Generic, TypeVar

from sendkit._lifetime.forks import Lock, starts_over

K = TypeVar("K", bound=Hashable)


class _Holder(AbstractAsyncContextManager[None]):
    """Who goes on with a key, within `async with`; those behind wait for its future, which few need."""

    __slots__ = ("_give_back", "_wait", "over")

    def __init__(self, wait: Callable[[_Holder], Future[None] | None], give_back: Callable[[_Holder], None]) -> None:
        self._wait, self._give_back = wait, give_back
        self.over: Future[None] | None = None

    async def __aenter__(self) -> None:
        while (before := self._wait(self)) is not None:
            await asyncio.wrap_future(before)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._give_back(self)
        if self.over is not None:
            self.over.set_result(None)


class OneAtATime(Generic[K]):
    """Lets one task at a time go on for each key."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.start_over()
        starts_over(self)

    def start_over(self) -> None:
        """Nobody of the parent's has a turn in the child."""
        self._taken: dict[K, _Holder] = {}

    def turn(self, key: K) -> AbstractAsyncContextManager[None]:
        """Wait until nobody else has a turn with this key, and have it."""
        return _Holder(partial(self._before, key), partial(self._give_back, key))

    def _give_back(self, key: K, mine: _Holder) -> None:
        with self._lock:
            if self._taken.get(key) is mine:
                del self._taken[key]

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
