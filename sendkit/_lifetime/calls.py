"""One call into an event loop, from a thread that waits for what it comes to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast

from sendkit._lifetime import imports, logs
from sendkit._lifetime.by_itself import ByItself
from sendkit._lifetime.forks import one_is_held_here
from sendkit.errors import SendkitError

if TYPE_CHECKING:
    import logging

Result = TypeVar("Result")

GLANCE = 1.0
"""Seconds of a wait, which is then repeated: what came just before, or did not wake it, is seen then."""


def _stuck() -> SendkitError | None:
    """Why a call that is left to another thread may wait for this one, which waits for it."""
    if (name := imports.held_up()) is not None:
        return imports.in_the_middle_of(name)
    return interrupted() if one_is_held_here() else None


def interrupted() -> SendkitError:
    """Why a call of a finalizer or a signal handler cannot be made."""
    hint = "leave the sending to another thread, or to what comes after the finalizer or signal handler"
    return SendkitError("a call waits for the one that it interrupted", hint=hint)


Awaited: TypeAlias = Coroutine[Any, Any, Result] | ByItself[Result]


class Call(Generic[Result]):
    """Work that runs on a loop, and what became of it; `ended` is told on the loop when it is over.

    `records` were held back on the loop's thread meanwhile, for the caller's thread to hand on.
    """

    __slots__ = (
        "_begun",
        "_caller",
        "_context",
        "_ended",
        "_error",
        "_loop",
        "_news",
        "_runs",
        "_task",
        "_value",
        "_work",
        "over",
        "records",
    )

    def __init__(self, work: Awaited[Result], ended: Callable[[Call[Any]], object]) -> None:
        self._work = work
        self._ended = ended
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context: Context | None = None
        self._task: asyncio.Task[None] | None = None
        self._runs = self._begun = False
        self._value: Result | None = None
        self._error: BaseException | None = None
        self._news: threading.Lock | None = None
        self._caller = threading.get_ident()
        self.over = False
        self.records: list[logging.LogRecord] = []

    # On the caller's thread.

    @property
    def here(self) -> bool:
        """Whether this is the caller's thread."""
        return self._caller == threading.get_ident()

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have it begin in the first turn of the loop, which this thread runs."""
        self._loop, self._context = loop, copy_context()
        loop.call_soon(self._start, context=self._context)

    def will_wait(self, loop: asyncio.AbstractEventLoop) -> None:
        """Leave it to whoever runs the loop."""
        self._loop, self._context, self._news = loop, copy_context(), threading.Lock()
        self._news.acquire()
        loop.call_soon_threadsafe(self._start, context=self._context)

    def wait(self) -> bool:
        """Wait until it is over; False where the loop was closed before, which runs nothing any more.

        Raises SendkitError where it cannot end before this thread goes on: a finalizer or a signal handler waits here,
        and has interrupted an import, or what holds a lock.
        """
        before: SendkitError | None = None
        if self._news is not None and self._loop is not None and not self.over:
            while not self._news.acquire(timeout=GLANCE):
                if self._loop.is_closed():
                    return self.over
                stuck = _stuck()
                if before is not None and stuck is not None:
                    raise stuck
                before = stuck
        return True

    def cancel(self) -> None:
        """Cancel it, from any thread or signal handler; it is over a little later."""
        if self._loop is None:  # the loop has not got it yet, and must not begin it any more
            self._call_off()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._call_off)

    def result(self) -> object:
        """Its result so far, even if it ended with an error."""
        return getattr(self._error, "result", None) if self._error is not None else self._value

    def outcome(self) -> Result:
        """Return what it returned, or raise what it raised."""
        error, self._error = self._error, None
        if error is None:
            return cast("Result", self._value)
        try:
            raise error
        finally:
            del error  # or its traceback would hold this very frame

    # On the thread that runs the loop.

    def _start(self) -> None:
        """Start it, unless it was cancelled before."""
        if self.over:
            return
        work = self._work
        if isinstance(work, ByItself):
            try:
                self._begun = work.start(self._come_to)
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
                self._error = error
                self._end()
                return
            if self._begun:
                return
        self._begin_task()

    def _come_to(self) -> None:
        try:
            self._value = cast("ByItself[Result]", self._work).result
        except BaseException as error:  # noqa: BLE001 - as above
            self._error = error
        else:
            if self._value is None:
                self._begin_task()
                return
        self._end()

    def _begin_task(self) -> None:
        # As `create_task` does, in half the time.
        self._task = asyncio.Task(self._run(), loop=self._loop, context=self._context)

    async def _run(self) -> None:
        self._runs = True
        try:
            self._value = await self._work
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._error = error
        self._end()

    def _call_off(self) -> None:
        if self.over:
            return
        if self._begun and self._task is None:
            cast("ByItself[Result]", self._work).cancel()
        elif self._begun and not self._runs and self._loop is not None:
            self._loop.call_soon(self._call_off)  # its task tells what has become of it so far
        else:
            self._cancel_task()

    def _cancel_task(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if not self._runs:
            self._error = asyncio.CancelledError()
            self._end()

    def _end(self) -> None:
        self.over = True
        self._work.close()
        if self._news is not None:
            self.records = logs.taken()
        self._ended(self)
        if self._news is not None:
            self._news.release()
