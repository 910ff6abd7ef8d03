"""A daemon thread that is started when it is first needed, and looks after something from event to event.

A signal handler may come at any moment, also while the thread is started, and need it: then there may be two for a
moment, of which one goes again. Must not know: what is looked after.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from sendkit._lifetime import logs, threads

Event = TypeVar("Event")
Look = Callable[[Event | None], bool | None]


LINGER = 0.02
"""Seconds after which it looks, if nobody tells it anything: a program that makes many calls is back before."""
_LONGEST_LINGER = 1.0


class Keeper(Generic[Event]):
    """The thread. It looks from time to time, too, and ever more seldom while all is quiet."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._starting = threading.RLock()
        self._place: dict[str, threading.Thread] = {}

    def __bool__(self) -> bool:
        """Whether there is one, or was: it is not started a second time."""
        return bool(self._place)

    @property
    def here(self) -> bool:
        """Whether this is its thread."""
        return self._place.get("taken") is threading.current_thread()

    def tell(self, event: Event) -> None:
        """Have it look, now or when it is started; from any thread, signal handler or finalizer."""
        self._events.put(event)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, if there is one."""
        if (thread := self._place.get("taken")) is not None:
            thread.join(timeout)

    def start(self, look: Look[Event]) -> None:
        """Start it, unless there is one: `look` is called for each event, and from time to time with none.

        It returns whether there was something to do, or None to end the thread. Raises NoThread.
        """
        if not self._place:
            with self._starting:
                if not self._place:
                    thread = threads.start_thread(partial(self._keep, look), name="sendkit")
                    self._place.setdefault("taken", thread)

    def try_start(self, look: Look[Event]) -> bool:
        """As `start`; whether there is one."""
        with contextlib.suppress(threads.NoThread):
            self.start(look)
        return bool(self)

    def _keep(self, look: Look[Event]) -> None:
        me = threading.current_thread()
        if self._place.setdefault("taken", me) is not me:
            return
        logs.hold()
        patience: float = LINGER
        busy: bool | None = True
        while busy is not None:
            event = None
            with contextlib.suppress(queue.Empty):
                event = self._events.get(timeout=patience)
            busy = look(event)
            if records := logs.taken():
                threads.spare(partial(logs.hand_on, records))
            del records
            patience = LINGER if busy else min(2 * patience, _LONGEST_LINGER)
