"""Who runs the loop of a portal changes from call to call, and no caller waits for a change that is over."""

# pyright: reportPrivateUsage=false
# What the threads do to each other is not seen from outside.

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from sendkit._lifetime import keeper, threads
from sendkit._lifetime import portal as rooms
from sendkit._lifetime.forks import Lock, held_here
from sendkit._lifetime.own_loop import close_loop
from sendkit._lifetime.portal import Portal
from sendkit.errors import ConfigurationError, SendkitError


async def nothing() -> None:
    await asyncio.sleep(0)


@pytest.fixture
def portal() -> Iterator[Portal]:
    """One whose keeper runs the loop, as it does between two calls."""
    made = Portal(nothing, nothing)
    made.call(nothing())
    wait_for_keeper(made)
    yield made
    made.close()


def wait_for_keeper(portal: Portal) -> None:
    late = time.monotonic() + 60
    while portal._runs is not rooms._KEEPER:
        assert time.monotonic() < late
        time.sleep(0.005)


class TestACallerThatIsNotScheduledInTime:
    """As on a machine with much to do: it is told, and notices only when the loop is in other hands again."""

    def test_has_its_call_when_the_keeper_runs_the_loop_again(
        self, portal: Portal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tell, told = portal._freed.notify_all, list[object]()

        def lost_at_first() -> None:
            if told:
                tell()
            told.append(None)

        monkeypatch.setattr(portal._freed, "notify_all", lost_at_first)
        caller = threading.Thread(target=portal.call, args=(nothing(),), daemon=True)
        caller.start()
        caller.join(300)
        assert not caller.is_alive()

    def test_is_refused_when_another_thread_has_closed(self, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
        ended = list[object]()
        monkeypatch.setattr(portal._freed, "notify_all", lambda: None)
        monkeypatch.setattr(rooms, "LINGER", 2.0)
        monkeypatch.setattr(keeper, "LINGER", 2.0)

        def call() -> None:
            work = nothing()
            try:
                portal.call(work)
            except ConfigurationError as error:
                ended.append(error.message)
            finally:
                work.close()

        portal._calls = -5
        caller = threading.Thread(target=call, daemon=True)
        caller.start()
        late = time.monotonic() + 60
        while portal._calls == -5 and time.monotonic() < late:
            time.sleep(0.005)
        monkeypatch.undo()
        portal.close()
        caller.join(300)
        assert ended == ["this mailer is closed"]


class _Watched:
    """A lock that knows which threads took it by this."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self.taken: set[threading.Thread] = set()

    def __enter__(self) -> None:
        self._lock.acquire()
        self.taken.add(threading.current_thread())

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _is_owned(self) -> bool:
        return held_here(self._lock)


def handle(number: int, frame: FrameType | None) -> None:
    """As a program has one, such as for SIGTERM."""


@contextmanager
def handler_of_a_signal() -> Generator[None]:
    """It may come between any two lines of the main thread."""
    number = signal.SIGTERM
    before = signal.signal(number, handle)
    try:
        yield
    finally:
        signal.signal(number, before)


def test_where_a_signal_handler_may_come_no_lock_is_taken_that_the_keeper_needs(portal: Portal) -> None:
    watched = _Watched(portal._lock)
    portal.__dict__["_lock"] = watched
    with handler_of_a_signal():
        portal.call(nothing())
    assert threading.main_thread() not in watched.taken
    assert watched.taken


@pytest.mark.skipif(sys.platform == "win32", reason="no signal can be raised there")
def test_a_signal_handler_may_call_while_the_keeper_is_started_for_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    portal, start, came = Portal(nothing, nothing), threads.start_thread, list[str]()

    def interrupted(*given: Any, **more: Any) -> threading.Thread:
        if not came:
            came.append("a call in the handler")
            portal.call(nothing())
        return start(*given, **more)

    monkeypatch.setattr(threads, "start_thread", interrupted)
    with handler_of_a_signal():
        portal.call(nothing())
        portal.call(nothing())
    portal.close()
    assert came


def test_one_of_two_keepers_that_were_started_at_once_goes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, start, second, looked = keeper.Keeper[str](), threads.start_thread, list[bool](), set[threading.Thread]()
    over = threading.Event()

    def look(event: str | None) -> bool | None:
        looked.add(threading.current_thread())
        return None if over.is_set() else event is not None

    def interrupted(*given: Any, **more: Any) -> threading.Thread:
        if not second:
            second.append(True)
            kept.start(look)
        started = start(*given, **more)
        started_all.append(started)
        return started

    started_all: list[threading.Thread] = []
    monkeypatch.setattr(threads, "start_thread", interrupted)
    kept.start(look)
    over.set()
    kept.tell("the end")
    for thread in started_all:
        thread.join(300)
    assert (len(started_all), len(looked)) == (2, 1)


def test_a_keeper_that_is_started_while_a_thread_closes_the_loop_leaves_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thread that leaves the loop starts one behind the lock, so another may close in between."""
    portal, ran = Portal(nothing, nothing), list[threading.Thread]()

    def none_left(*_: Any, **more: Any) -> threading.Thread:
        raise threads.NoThread(at_exit=False)

    def closing(loop: asyncio.AbstractEventLoop) -> None:
        monkeypatch.undo()
        loop.call_soon(lambda: ran.append(threading.current_thread()))
        portal._keeper.start(portal._look_after)
        portal._keeper.tell(rooms._Event.WORK)
        late = time.monotonic() + 300
        while portal._keeper._place["taken"].is_alive() and not ran and time.monotonic() < late:
            time.sleep(0.005)
        close_loop(loop)

    def call_and_close() -> None:
        portal.call(nothing())
        portal.close()

    monkeypatch.setattr(threads, "start_thread", none_left)
    monkeypatch.setattr(rooms, "close_loop", closing)
    caller = threading.Thread(target=call_and_close)  # not the main thread, whose signal handlers need a keeper
    caller.start()
    caller.join()
    assert ran == [caller]


def test_a_finalizer_that_calls_when_its_thread_is_about_to_run_the_loop_is_refused(
    monkeypatch: pytest.MonkeyPatch, portal: Portal
) -> None:
    """It would wait for the very thread that it interrupts; a collection may come between any two lines."""
    heard, loop = dict[threading.Thread, str](), portal._loop
    assert loop is not None
    run = loop.run_forever

    def interrupted() -> None:
        if (here := threading.current_thread()) not in heard:
            work = nothing()
            with pytest.raises(ConfigurationError) as refused:
                portal.call(work)
            work.close()
            heard[here] = refused.value.message
        run()

    def call() -> None:
        portal.call(nothing())
        wait_for_keeper(portal)
        portal.call(nothing())  # the keeper has been through it

    monkeypatch.setattr(loop, "run_forever", interrupted)
    caller = threading.Thread(target=call, daemon=True)
    caller.start()
    caller.join(300)
    keeper_of_it = portal._keeper._place["taken"]
    assert heard == dict.fromkeys([caller, keeper_of_it], "a synchronous mailer was called from its own event loop")


@pytest.mark.waits
def test_a_finalizer_that_interrupts_the_lines_of_a_lock_is_refused(portal: Portal) -> None:
    """What it waits for may need the lock, or may be left to a thread that does."""
    lock = Lock()

    async def taking() -> None:
        with lock:
            pass

    with portal._lock, pytest.raises(SendkitError, match="waits for the one that it interrupted"):
        portal.call(nothing())
    with handler_of_a_signal(), lock, pytest.raises(SendkitError, match="waits for the one that it interrupted"):
        portal.call(taking())
    portal.call(taking())
