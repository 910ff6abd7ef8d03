"""A portal for greenlets of gevent: the loop runs on a real thread, and a greenlet that waits stops no other.

The loop tells the greenlet by an event of its hub, which any thread may send; no lock is shared between the two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from importlib import import_module
from typing import Any, TypeVar, cast

from sendkit._lifetime import exits, green, logs
from sendkit._lifetime.calls import Awaited
from sendkit._lifetime.loops import loop_or_none
from sendkit._lifetime.own_loop import close_loop, made_loop, run_on
from sendkit._lifetime.portal import Portal

Result = TypeVar("Result")


class GreenPortal(Portal):
    """The same as Portal, where gevent has patched threads."""

    def call(self, work: Awaited[Result]) -> Result:
        """As Portal.call; what is raised in a greenlet while it waits cancels the work, and is raised when it ended."""
        try:
            self._check(loop_or_none(), last=False)
            return self._await(work)
        finally:
            work.close()
            if exits.begun:
                self.rest()

    def rest(self) -> None:
        """As Portal.rest."""
        if self._loop is not None and not self._closed:
            self._await(self._rest())

    def abandon(self) -> None:
        """Have the loop end in the background."""
        if self._take_closing() and self._loop is not None:
            self._give_back(self._loop, self._end)

    def close(self, end: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """As Portal.close."""
        self._check(loop_or_none(), last=True)
        if not self._take_closing():
            return
        try:
            if (loop := self._loop) is not None:
                self._await((end or self._end)())
                # At the exit a thread in the middle of gevent's own code would crash.
                gone = _Signal()
                self._gone.append(gone.send)
                loop.call_soon_threadsafe(loop.stop)
                gone.wait()
        finally:
            self._over.set()

    def _give_back(self, loop: asyncio.AbstractEventLoop, end: Callable[[], Coroutine[Any, Any, None]]) -> None:
        def ending() -> None:
            task = loop.create_task(end())
            task.add_done_callback(lambda _: loop.stop())

        loop.call_soon_threadsafe(ending)

    def _await(self, work: Awaited[Result]) -> Result:
        waiting = _Waiting(work, self._running_loop())
        try:
            waiting.wait()
        except BaseException as ended:
            waiting.cancel()
            waiting.wait()
            if (known := getattr(waiting.error, "result", waiting.value)) is not None:
                vars(ended).setdefault("result", known)
            raise
        finally:
            logs.hand_on(waiting.records)
        if waiting.error is not None:
            raise waiting.error
        return cast("Result", waiting.value)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            loop, gone = made_loop(), list[Callable[[], object]]()
            self._loop, self._gone = loop, gone
            green.start_real(lambda: _run(loop), lambda: [tell() for tell in gone])
        return self._loop


def portal(rest: Callable[[], Coroutine[Any, Any, None]], end: Callable[[], Coroutine[Any, Any, None]]) -> Portal:
    """The portal for threads as they are here. Raises ConfigurationError where there are none."""
    if green.patched_by_gevent():
        return GreenPortal(rest, end)
    green.refuse_green_threads()
    return Portal(rest, end)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    logs.hold()
    run_on(loop)
    close_loop(loop)


class _Signal:
    """Any thread may send it; a greenlet waits for it, and others run meanwhile."""

    def __init__(self) -> None:
        self._sent = import_module("gevent.event").Event()
        self._watcher = import_module("gevent").get_hub().loop.async_()
        self._watcher.start(self._sent.set)
        self.send: Callable[[], object] = self._watcher.send

    def wait(self) -> None:
        self._sent.wait()
        self._watcher.stop()
        self._watcher.close()


class _Waiting:
    """A coroutine on its way, and the greenlet that waits for it."""

    def __init__(self, work: Awaited[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.value: object = None
        self.error: BaseException | None = None
        self.records: list[Any] = []
        self._work, self._loop, self._context = work, loop, copy_context()
        self._task: asyncio.Task[None] | None = None
        self._over = _Signal()
        loop.call_soon_threadsafe(self._begin)

    def wait(self) -> None:
        """Let other greenlets run until it is over."""
        self._over.wait()

    def cancel(self) -> None:
        """It is over a little later."""
        self._loop.call_soon_threadsafe(lambda: self._task is not None and self._task.cancel())

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._run(), context=self._context)
        self._task.add_done_callback(self._ended)

    async def _run(self) -> None:
        try:
            self.value = await self._work
        except BaseException as error:  # noqa: BLE001 - handed to the greenlet that waits
            self.error = error

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():  # before its first step
            self.error = asyncio.CancelledError()
        self.records = logs.taken()
        self._over.send()
