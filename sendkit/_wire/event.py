"""Waits until a connection has something new, within a time limit.

One task waits for an event at a time; reading and writing on a connection have one each. Knows the event loop only.
"""

from __future__ import annotations

import asyncio


class Event:
    """One timer serves many waits: it is set again only when it would fire too late, or has fired too early."""

    __slots__ = ("_loop", "_timer", "_waiter", "_when")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiter: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._when = 0.0

    async def wait(self, when: float) -> bool:
        """Wait for `set`, until that time of the loop; False when it came first."""
        self._when = when
        if self._timer is None or self._timer.when() > when:
            self._set_timer()
        waiter: asyncio.Future[bool] = self._loop.create_future()
        self._waiter = waiter
        try:
            return await waiter
        finally:
            self._waiter = None

    def set(self) -> None:
        """Something is new."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(True)

    def close(self) -> None:
        """Nobody will wait here any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._when, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._loop.time() < self._when:
            self._set_timer()
        elif not self._waiter.done():
            self._waiter.set_result(False)
