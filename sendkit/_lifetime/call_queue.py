"""Calls for which nobody waits, made one after the other on a daemon thread of ours.

Whoever adds a call does not wait. Where calls are rare, each wakes the thread; while many come, the thread sleeps for
a moment between two batches, so that a thousand calls a second cost twenty changes of threads. A call that hangs delays
those behind it and nobody else: no caller, no closing beyond its limit, no exit. Must not know: what is called.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from sendkit._lifetime import exits, threads
from sendkit._lifetime.forks import Lock, starts_over
from sendkit._lifetime.green import make_real, real_lock

# Seconds: how late a call may be made while others come, and how long the thread waits for another one.
_NAP, _LINGER = 0.05, 10.0
# So many that wait end the nap: the more they hold, the more the garbage collector has to look at.
_BATCH = 32
PATIENCE = 5.0
"""Seconds that an end waits for the calls that were added before it."""


class _News:
    """A flag that wakes one thread (a real one under gevent too); waiting clears it."""

    def __init__(self) -> None:
        self._lock = real_lock()
        self._lock.acquire()

    def set(self) -> None:
        with contextlib.suppress(RuntimeError):  # there is news already
            self._lock.release()

    def wait(self, seconds: float) -> bool:
        return self._lock.acquire(timeout=seconds)


class CallQueue:
    """Makes the calls in the order in which they were added; at most `most` wait at a time. A call raises nothing."""

    def __init__(self, name: str, most: int = 10_000) -> None:
        self._name, self._most = name, most
        self._lock = Lock()
        self.start_over()
        starts_over(self)
        exits.at_exit(self)

    def start_over(self) -> None:
        """In the child of a fork: what was added before is the parent's."""
        self._calls: deque[Callable[[], object]] = deque()
        self._thread: threading.Thread | None = None
        self._asleep = self._stuck = False
        self._news = _News()

    def add(self, call: Callable[[], object]) -> bool:
        """Queue the call; returns False, and drops it, if too many wait."""
        waiting = len(self._calls)
        if waiting >= self._most:
            return False
        self._calls.append(call)
        if self._thread is not None and not self._asleep:  # it looks once more before it sleeps
            if waiting == _BATCH:
                self._news.set()
            return True
        with self._lock:
            alone = self._thread is None and not self._start()
            self._news.set()
        if alone:
            self._call_all()
        return True

    async def over(self, seconds: float) -> None:
        """Wait for what was added before; no longer than that, and not again for a call that hangs."""
        if not self._stuck:
            try:
                async with asyncio.timeout(seconds):
                    await asyncio.wrap_future(self._passed())
            except TimeoutError:
                self._stuck = True

    def _passed(self) -> Future[None]:
        """What is done when all that was added before has been called; it is called without a nap."""
        mark: Future[None] = Future()
        make_real(mark)
        mark.set_running_or_notify_cancel()
        with self._lock:
            self._calls.append(lambda: mark.set_result(None))
            alone = self._thread is None and (len(self._calls) == 1 or not self._start())
            self._news.set()
        if alone:
            self._call_all()
        return mark

    def rest(self) -> None:
        """At the end of the interpreter: as `over`."""
        if not self._stuck and threading.current_thread() is not self._thread:
            with contextlib.suppress(TimeoutError):
                self._passed().result(PATIENCE)

    def _start(self) -> bool:
        """Whether somebody else makes the calls: a thread, or, where the system has none left, that of a later call."""
        try:
            self._thread = threads.start_thread(self._work, name=self._name)
        except threads.NoThread as error:
            return not error.at_exit
        return True

    def _work(self) -> None:
        many = False  # whether calls come so often that a nap pays
        while True:
            if self._call_all() and many:
                self._news.wait(_NAP)
                continue
            self._asleep, since = True, time.monotonic()
            woken = bool(self._calls) or self._news.wait(_LINGER)
            many = time.monotonic() - since < _NAP
            with self._lock:
                self._asleep = False
                if not woken and not self._calls:
                    self._thread = None
                    return

    def _call_all(self) -> bool:
        calls, some = self._calls, False
        while calls:
            calls.popleft()()
            self._stuck, some = False, True
        return some
