"""Blocking calls (names, files, the keyring) on daemon threads of ours, which can be abandoned and are never joined.

asyncio's default executor will not do: it takes no work once main has ended, and its threads are joined at the exit,
so that one prompt which nobody answers, or one disk that hangs, would hold the process forever. Once main has ended
Python 3.12 starts no thread any more; then the call runs at once, where it is asked for.
Must not know: what is called.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from sendkit._lifetime import green, logs

T = TypeVar("T")


class NoThread(OSError):
    """No further thread can be started (EAGAIN): the system has no more, or, `at_exit`, main has ended."""

    def __init__(self, *, at_exit: bool) -> None:
        self.at_exit = at_exit
        why = "main has ended" if at_exit else "raise the limit (ulimit -u), or use fewer"
        super().__init__(errno.EAGAIN, f"no further thread can be started; {why}")


class _RealThread(threading.Thread):
    """Beside the greenlets of gevent, for what works for a real thread."""

    def start(self) -> None:
        self._ended = green.real_lock()
        self._ended.acquire()
        green.start_real(self._to_the_end)

    def join(self, timeout: float | None = None) -> None:
        if self._ended.acquire(timeout=-1 if timeout is None else timeout):
            self._ended.release()

    def _to_the_end(self) -> None:
        try:
            self.run()
        finally:
            self._ended.release()


def start_thread(target: Callable[[], object], *, name: str) -> threading.Thread:
    """Start a daemon thread. Raises NoThread."""
    kind = _RealThread if green.on_real_thread() else threading.Thread
    thread = kind(target=target, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        # "can't create new thread at interpreter shutdown", or "can't start new thread". Nothing else tells them apart:
        # while executors end, the main thread of Python 3.12 counts as alive.
        raise NoThread(at_exit="shutdown" in str(error)) from None
    return thread


def start(call: Callable[[], T]) -> Future[T]:
    """Start the call on a thread; the future can be waited for with or without an event loop. Raises NoThread."""
    future: Future[T] = Future()
    green.make_real(future)
    # From here on a cancelled waiter cannot cancel the future, so the thread may always set it.
    future.set_running_or_notify_cancel()
    try:
        start_thread(lambda: _work(call, future), name="sendkit-worker")
    except NoThread as error:
        if not error.at_exit:
            raise
        _run(call, future)
    return future


def spare(call: Callable[[], object]) -> None:
    """Do it on a thread, if there can be one; nobody waits for it."""
    with contextlib.suppress(NoThread):
        start(call)


async def run(call: Callable[[], T]) -> T:
    """Await the call; who is cancelled leaves it to itself. Raises NoThread, and whatever it raises."""
    return await asyncio.wrap_future(start(call))


async def run_anyhow(call: Callable[[], T]) -> T:
    """As `run`, but on this thread where no other can be started."""
    try:
        future = start(call)
    except NoThread:
        return call()
    return await asyncio.wrap_future(future)


def _run(call: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001  a SystemExit in here must reach the waiter, not leave it waiting
        future.set_exception(error)


def _work(call: Callable[[], T], future: Future[T]) -> None:
    logs.hold()
    _run(call, future)
    logs.hand_on(logs.release())


def within(seconds: float, call: Callable[[], object]) -> None:
    """Make the call, and raise what it raises, but wait for it no longer than that; a loop that runs here waits too."""
    try:
        future = start(call)
    except NoThread:
        call()
        return
    with contextlib.suppress(TimeoutError):
        future.result(seconds)
