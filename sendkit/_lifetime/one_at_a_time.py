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
    """Has the turn for a key, within `async with`; others wait for its future, which is made only if one does."""

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
    """Lets one task at a time proceed for each key."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.start_over()
        starts_over(self)

    def start_over(self) -> None:
        """In the child of a fork no task of the parent has a turn."""
        self._taken: dict[K, _Holder] = {}

    def turn(self, key: K) -> AbstractAsyncContextManager[None]:
        """Wait until no other task has the turn for this key, and take it."""
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
