"""What belongs to one event loop, made for it when it is first needed there, and gone with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from sendkit._lifetime.forks import Lock, leave_behind, starts_over
from sendkit.errors import ConfigurationError

T = TypeVar("T")

# Seconds that another loop has longer than this one.
_GRACE = 5.0


def running_loop(who: str = "AsyncMailer", otherwise: str = "mailer.send, message") -> asyncio.AbstractEventLoop:
    """asyncio's loop that runs here. Raises ConfigurationError under trio, which has none of it, and without a loop.

    `who` needs it, and `otherwise` is what trio may have done on a thread.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        plain, thread = who.removeprefix("Async"), f"await trio.to_thread.run_sync({otherwise})"
        hint = f"use {plain}; under trio on a thread of its own, {thread}"
        raise ConfigurationError(f"{who} needs an asyncio event loop, and none is running here", hint=hint) from None


class PerLoop(Generic[T]):
    """One `T` for each event loop that asks; those of closed loops are let go when another loop comes.

    Closing forgets them too, so that no circle of references holds them. Safe to ask from several threads. In the child
    of a fork there are none, and the parent's are left alone.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: dict[int, tuple[asyncio.AbstractEventLoop, T]] = {}
        starts_over(self)

    def start_over(self) -> None:
        """The parent's loops do not run here."""
        leave_behind(self._made)
        self._made = {}

    def here(self, make: Callable[[], T]) -> T:
        """What belongs to the running loop, made now if there is nothing yet. Raises as `running_loop`."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = running_loop()
        found = self._made.get(id(loop))
        if found is not None and found[0] is loop:
            return found[1]
        made = make()
        with self._lock:
            self._made = {key: one for key, one in self._made.items() if not one[0].is_closed()}
            self._made[id(loop)] = loop, made
        return made

    async def each(self, work: Callable[[T], Coroutine[Any, Any, None]]) -> None:
        """Do this for the one of the running loop, and at the same time for those of the loops that run elsewhere.

        A loop that has stopped meanwhile, or whose thread waits for this one, is waited for no longer than `_GRACE`.
        """
        here, mine, there = running_loop(), list[T](), list[asyncio.Future[None]]()
        for loop, one in list(self._made.values()):
            if loop is here:
                mine.append(one)
            elif loop.is_running():
                there.append(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(one), loop)))
        try:
            for one in mine:
                await work(one)
            if there:
                await asyncio.wait(there, timeout=_GRACE)
        finally:
            for future in there:
                future.cancel()

    def forget(self) -> None:
        """None is needed any more."""
        self._made = {}
