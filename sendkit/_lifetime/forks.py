"""The one rule for forks: whatever waits, or is waited for, starts over in the child, where no other thread lives.

An object that holds locks, queues, futures or loops registers itself, and is told to `start_over` in the child. What
belonged to the parent there (its loops and connections) is never touched again, and not freed either: to close a loop
would take its file descriptors out of the parent's epoll.
"""

from __future__ import annotations

import _thread
import os
import weakref
from types import TracebackType
from typing import Protocol, TypeVar


class Forked(Protocol):
    """What has to start afresh in the child of a fork."""

    def start_over(self) -> None:
        """Forget whatever the parent's other threads were doing. No other thread runs meanwhile."""
        ...


_Object = TypeVar("_Object", bound=Forked)
_registered: weakref.WeakSet[Forked] = weakref.WeakSet()
_of_the_parent: list[object] = []


def starts_over(one: _Object) -> _Object:
    """From now on this object is told of every fork, as long as it lives."""
    _registered.add(one)
    return one


def leave_behind(belongings: object) -> None:
    """Keep what belongs to the parent for as long as this process lives, so that nothing finalizes it."""
    _of_the_parent.append(belongings)


def _in_child() -> None:
    for one in list(_registered):
        one.start_over()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


class Lock:
    """A lock for a few lines without a wait: re-entrant, as a finalizer may interrupt; a new one after a fork."""

    def __init__(self) -> None:
        self.start_over()
        starts_over(self)

    def start_over(self) -> None:
        """Nobody holds it in the child."""
        self._lock = _thread.RLock()  # a real one under gevent too

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()
