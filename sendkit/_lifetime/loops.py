"""What belongs to one event loop, made for it when it is first needed there, and gone with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, InvalidStateError
from functools import partial
from time import monotonic
from typing import Any, Generic, TypeVar

from sendkit._lifetime.forks import Lock, leave_behind, starts_over
from sendkit.errors import ConfigurationError

T = TypeVar("T")

loop_or_none = asyncio._get_running_loop  # noqa: SLF001 - one of asyncio.events.__all__, without an exception
"""The event loop that runs on this thread, if one does."""

# Seconds that another loop has to answer.
_PATIENCE = 5.0


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
        found = self._made.get(id(loop_or_none()))  # a loop that is kept here keeps its id
        if found is not None:
            return found[1]
        loop, made = running_loop(), make()
        with self._lock:
            self._made = {key: one for key, one in self._made.items() if not one[0].is_closed()}
            self._made[id(loop)] = loop, made
        return made

    async def each(self, work: Callable[[T], Coroutine[Any, Any, None]], patience: float = _PATIENCE) -> None:
        """Do this for the one of the running loop, and at the same time for those of the loops that run elsewhere.

        A loop that is closed meanwhile is waited for no longer, and one that does not answer, as when its thread waits
        for this one, for so many seconds.
        """
        here, mine, there = running_loop(), list[T](), list[_Elsewhere]()
        for loop, one in list(self._made.values()):
            if loop is here:
                mine.append(one)
            elif loop.is_running():
                there.append(_Elsewhere(loop, partial(work, one)))
        try:
            for one in mine:
                await work(one)
            for other in there:
                await other.ended(patience)
        finally:
            for other in there:
                other.cancel()

    def forget(self) -> None:
        """Drop all of them."""
        self._made = {}


class _Elsewhere:
    """Work on an event loop that another thread runs. It starts there, so that nothing is left if it never does."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._loop = loop
        self._start = start
        self._task: asyncio.Task[None] | None = None
        self._given_up = False
        self._heard = monotonic()
        self._over: Future[None] = Future()
        self._over.set_running_or_notify_cancel()
        self._post(self._begin)

    async def ended(self, patience: float) -> None:
        """Wait until it has ended or cannot any more, or the loop has not answered for so many seconds."""
        over, self._heard = asyncio.wrap_future(self._over), monotonic()
        while not over.done() and monotonic() < self._heard + patience:
            await asyncio.wait({over}, timeout=patience / 100)
            self._post(self._hear)

    def cancel(self) -> None:
        """Cancel it, unless it has ended, and do not start it any more."""
        self._given_up = True
        self._post(self._cancel)

    def _post(self, act: Callable[[], object]) -> None:
        if not self._over.done():
            try:
                self._loop.call_soon_threadsafe(act)
            except RuntimeError:  # the loop is closed
                self._lose()

    def _lose(self) -> None:
        """The loop is closed before the work has ended, perhaps before its first step; nobody has to be told."""
        if (task := self._task) is not None and not task.done():
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001  # pyright: ignore - as gather() does
            work = task.get_coro()
            if work is not None:  # pyright: ignore[reportUnnecessaryComparison] - from Python 3.12 on it may be
                work.close()
        self._end()

    # On its event loop, where the end of the loop is the end of the work.

    def _begin(self) -> None:
        self._hear()
        if self._given_up:
            self._end()
            return
        self._task = self._loop.create_task(self._start())
        self._task.add_done_callback(self._end)

    def _hear(self) -> None:
        self._heard = monotonic()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _end(self, _task: object = None) -> None:
        with contextlib.suppress(InvalidStateError):
            self._over.set_result(None)
