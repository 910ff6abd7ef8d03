"""From a thread into an event loop of ours: the loop of the synchronous API, run by whoever waits for it.

One thread at a time runs the loop: the caller's own while it waits, so that no message is handed from thread to thread;
and a daemon thread, the keeper, between calls (idle connections, a stream whose loop body takes its time), and for
callers who cannot: they have a running loop already, or a signal handler that may raise. A caller that comes
while another thread runs the loop hands its work over, and waits. Where no thread can be started any more, a caller
runs the loop until the others are done too.
Knows threads that are real ones (see `green_portal.portal`) and loops, and nothing of mail. After a fork the child
begins with a loop of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine
from enum import Enum
from sys import is_finalizing
from typing import Any, TypeVar

from sendkit._lifetime import exits, logs, threads
from sendkit._lifetime.calls import GLANCE, Awaited, Call, interrupted
from sendkit._lifetime.forks import held_here, leave_behind, starts_over
from sendkit._lifetime.green import refuse_green_threads
from sendkit._lifetime.imports import load_for_a_send
from sendkit._lifetime.interrupts import Interrupts, end_held, may_raise, on_the_main_thread
from sendkit._lifetime.keeper import LINGER, Keeper
from sendkit._lifetime.loops import loop_or_none
from sendkit._lifetime.own_loop import close_loop, made_loop, run_on, stop_soon
from sendkit.errors import ConfigurationError, SendkitError

Result = TypeVar("Result")

_LAST_WORDS = 6.0  # seconds for the keeper to end what a finalizer has given up, when the interpreter ends
_KEEPER, _CLOSER = object(), object()


class _Event(Enum):
    WORK = "work"
    ABANDONED = "abandoned"
    CLOSED = "closed"


class Portal:
    """One loop, and who runs it. `rest` closes the connections, and more can follow; behind `end` nothing can."""

    def __init__(
        self, rest: Callable[[], Coroutine[Any, Any, None]], end: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        self._rest, self._end = rest, end
        self._closed, self._closing = False, [True]
        self._begin_anew()
        starts_over(self)
        exits.at_exit(self)

    def start_over(self) -> None:
        """In the child of a fork: the parent's loop is left alone, with all that belongs to it."""
        leave_behind(vars(self).copy())
        self._begin_anew()

    def _begin_anew(self) -> None:
        # Nothing is logged under it, and no signal handler comes where it is held for long.
        self._lock = threading.RLock()
        self._freed = threading.Condition(self._lock)
        self._loop: asyncio.AbstractEventLoop | None = None
        # Who runs the loop (a call, or the keeper), and the calls that were left to whoever does.
        self._runs: object = None
        self._left: set[Call[Any]] = set()
        self._keeper: Keeper[_Event] = Keeper()
        # How many calls there were, how many the keeper has seen, and whether it is to end.
        self._calls: int = 0
        self._seen: int = -1
        self._ends: _Event | None = None
        # Whether closing has come to its end; in the child of a fork nobody closes for the parent.
        self._over = threading.Event()
        if self._closed:
            self._over.set()

    @property
    def closed(self) -> bool:
        """Whether it takes no more calls."""
        return self._closed

    def wait_closed(self) -> None:
        """Once it is `closed`: wait until what was in progress has ended."""
        while not self._runs_here(loop_or_none()) and not self._over.wait(GLANCE):
            pass

    def call(self, work: Awaited[Result]) -> Result:
        """Run it on the loop, and return what it returns, or raise what it raises.

        An interrupt of this thread cancels it, and is raised when it has ended, with what it came to as its `.result`.
        Raises ConfigurationError when closed, and on the thread that runs the loop, which would wait for itself;
        SendkitError where there can be no loop.
        """
        try:
            return self._call(work)
        finally:
            if exits.begun:
                self.rest()

    def rest(self) -> None:
        """Wait for what is in progress, and close the connections; the next call opens new ones."""
        if self._loop is None:
            return
        if not self._closed:
            self._call(self._rest())
        elif not self._keeper:  # a finalizer has given it up, and there was no thread to end it
            self._end_loop(_Event.ABANDONED)
        elif not self._keeper.here:
            self._keeper.join(_LAST_WORDS)

    def close(self, end: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Refuse new calls, end what is in progress (as `end` says), and give up loop and thread. Raises as `call`."""
        self._check(loop_or_none(), last=True)
        if not self._take_closing() or is_finalizing():  # the connections were closed at the exit
            return
        try:
            with self._lock:  # a call that has just made one is waited for
                loop = self._loop
            if loop is not None:
                self._end_with(loop, end or self._end)
        finally:
            self._over.set()

    def _take_closing(self) -> bool:
        # Without the lock: a signal handler may wait for the loop in between.
        with contextlib.suppress(IndexError):
            closed, self._closed = self._closed, self._closing.pop()
            return not closed
        return False

    def _end_with(self, loop: asyncio.AbstractEventLoop, end: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            self._call(end(), last=True)
        finally:
            self._give_up(loop)

    def abandon(self) -> None:
        """The same for a finalizer, on whatever thread and in the middle of anything: it waits for nothing."""
        self._closed = True
        self._keeper.tell(_Event.ABANDONED)
        if (loop := self._loop) is not None and not loop.is_closed():
            stop_soon(loop)
            if not self._keeper:
                exits.keep(self)

    # A call.

    def _call(self, work: Awaited[Result], *, last: bool = False) -> Result:
        call = Call(work, self._ended)
        main = on_the_main_thread()
        able, interrupts = not (main and may_raise()), Interrupts(call.cancel, main=main)
        try:
            with interrupts:
                try:
                    loop = self._begin(call, able=able, last=last)
                    if loop is not None:
                        self._run(call, loop)
                    elif not call.wait():
                        self.check_open()
                except BaseException as error:  # an interrupt, or that there can be no call
                    self._cut_short(call, error)
                    raise
            interrupts.check()
            return call.outcome()
        except KeyboardInterrupt as interrupt:
            vars(interrupt).setdefault("result", call.result())
            end_held(interrupt)
            raise
        finally:
            if call.records:
                logs.hand_on(call.records)

    @staticmethod
    def _cut_short(call: Call[Any], error: BaseException) -> None:
        call.cancel()
        with contextlib.suppress(SendkitError):  # it cannot end before this thread goes on
            call.wait()
        if (result := call.result()) is not None:
            vars(error)["result"] = result

    def _begin(self, call: Call[Any], *, able: bool, last: bool) -> asyncio.AbstractEventLoop | None:
        """The loop, if this thread is to run it for the call; None when it was left to who does."""
        if not last:
            refuse_green_threads()  # they may have been patched since
        if held_here(self._lock):  # who runs the loop needs it
            raise interrupted()
        running = loop_or_none()
        if self._loop is None or not able or running is not None:
            self._check(running, last=last)
        loop = self._loop or self._make_loop(last=last)
        if not able or running is not None:
            self._need_keeper()
            self._leave_to_keeper(call, loop, last=last)
            return None
        with self._lock:
            self._check(running, last=last)
            self._calls += 1
            while self._runs is _KEEPER and not self._left:
                stop_soon(loop)
                self._freed.wait(5 * LINGER)  # the keeper may run it again before this thread has noticed
                self._check(running, last=last)  # and another thread may have closed
            if self._runs is None:
                self._runs = call
                return loop
            self._left.add(call)
            call.will_wait(loop)
        return None

    def _leave_to_keeper(self, call: Call[Any], loop: asyncio.AbstractEventLoop, *, last: bool) -> None:
        """Without the lock: who runs the loop needs it, and a signal handler, which comes in between, the loop."""
        load_for_a_send()  # such a handler may hold up this thread in the middle of it
        self._left.add(call)
        try:
            self._check(None, last=last)  # another thread may have closed; from here on it waits for this call
            self._calls += 1
            call.will_wait(loop)
        except BaseException:
            self._left.discard(call)
            raise
        if call.over:  # an interrupt came in between
            self._left.discard(call)
        self._keeper.tell(_Event.WORK)

    def check_open(self) -> None:
        """Raise ConfigurationError when closed."""
        if self._closed:
            hint = "send inside its `with` block, or make a new one"
            raise ConfigurationError("this mailer is closed", hint=hint)

    def _check(self, running: asyncio.AbstractEventLoop | None, *, last: bool) -> None:
        if self._closed and not last:
            self.check_open()
        if self._runs_here(running):
            hint = "use AsyncMailer and `await` there"
            raise ConfigurationError("a synchronous mailer was called from its own event loop", hint=hint)

    def _runs_here(self, running: asyncio.AbstractEventLoop | None) -> bool:
        """Whether this thread runs the loop; a finalizer may come just before it does so, or just after."""
        runs = self._runs
        if runs is None and running is None:
            return False
        here = runs.here if isinstance(runs, Call) else runs is _KEEPER and self._keeper.here
        return here or (running is not None and running is self._loop)

    def _make_loop(self, *, last: bool) -> asyncio.AbstractEventLoop:
        made = made_loop()
        with self._lock:
            if self._loop is None and (last or not self._closed):
                self._loop = made
        if self._loop is not made:
            made.close()
        if self._loop is None:
            self.check_open()
        return self._loop or made

    def _run(self, call: Call[Any], loop: asyncio.AbstractEventLoop) -> None:
        held = logs.hold()
        try:
            call.begin(loop)
            while not call.over:
                loop.run_forever()
        finally:
            if held:
                call.records = logs.release()
            self._leave(loop)

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand the loop to the keeper where others wait for it, and have one for the time between calls."""
        while True:
            with self._lock:
                if not self._left:
                    self._runs = None
                    break
                if self._keeper:
                    self._runs = _KEEPER
                    self._keeper.tell(_Event.WORK)
                    return
            if not self._keeper.try_start(self._look_after):
                run_on(loop)  # nobody else can see them through
        if not self._keeper:
            self._keeper.try_start(self._look_after)

    def _ended(self, call: Call[Any]) -> None:
        """A call is over, which is told by whoever runs the loop."""
        if call is not self._runs:
            with self._lock:
                self._left.discard(call)
                if self._left:
                    return
        if self._loop is not None:
            self._loop.stop()

    # The keeper.

    def _need_keeper(self) -> None:
        try:
            self._keeper.start(self._look_after)
        except threads.NoThread as error:
            hint = "call it outside of a running event loop, on a thread where signals raise nothing"
            raise SendkitError(f"this call needs a thread of its own, and {error.strerror}", hint=hint) from error

    def _look_after(self, event: _Event | None) -> bool | None:
        """Run the loop if nobody else does; whether there was something to do, None at the end."""
        if self._runs is _CLOSER:
            return None
        if event in (_Event.ABANDONED, _Event.CLOSED):
            self._ends = self._ends or event
        with self._lock:
            quiet, self._seen = event is None and self._calls == self._seen, self._calls
            if self._runs is None and (quiet or self._left or self._ends):
                self._runs = _KEEPER
            mine = self._runs is _KEEPER
        if mine and self._ends:
            self._end_loop(self._ends)
            return None
        if mine and self._loop is not None:
            self._run_for_others(self._loop)
        return mine or not quiet

    def _run_for_others(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run the loop until the waiting calls are done, or, if none waits, until one comes."""
        while True:
            run_on(loop)
            with self._lock:
                if not self._left:
                    self._runs = None
                    self._freed.notify_all()
                    return

    def _end_loop(self, event: _Event) -> None:
        if self._loop is not None and not self._loop.is_closed():
            close_loop(self._loop, self._end() if event is _Event.ABANDONED else None)

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._keeper:
            self._keeper.tell(_Event.CLOSED)
            stop_soon(loop)
            self._keeper.join()
            return
        while True:  # the others are about to leave
            with self._lock:
                if self._runs is None:
                    self._runs = _CLOSER
                    break
            time.sleep(0.001)
        close_loop(loop)
