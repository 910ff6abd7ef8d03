"""The one rule for forks: whatever waits, or is waited for, starts over in the child, where no other thread lives.

An object that holds locks, queues, futures or loops registers itself, and is told to `start_over` in the child. What
belonged to the parent there (its loops and connections) is never touched again, and not freed either: to close a loop
would take its file descriptors out of the parent's epoll. A module that another thread is importing stays locked in the
child; so a fork waits for imports of what a send may need.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
import time
import weakref
from types import FrameType, TracebackType
from typing import Protocol, TypeVar

from sendkit._lifetime.imports import imported


class Forked(Protocol):
    """An object that must be reset in the child of a fork."""

    def start_over(self) -> None:
        """Forget whatever the parent's other threads were doing. No other thread runs meanwhile."""
        ...


_Object = TypeVar("_Object", bound=Forked)
_registered: weakref.WeakSet[Forked] = weakref.WeakSet()
_of_the_parent: list[object] = []


def starts_over(one: _Object) -> _Object:
    """Register the object: `start_over` is called in the child of each fork, as long as it exists."""
    _registered.add(one)
    return one


def leave_behind(belongings: object) -> None:
    """Keep what belongs to the parent for as long as this process lives, so that nothing finalizes it."""
    _of_the_parent.append(belongings)


def _in_child() -> None:
    for one in list(_registered):
        one.start_over()


# Seconds that a fork waits for imports; one that takes longer may itself wait for the thread that forks.
_IMPORTS = 5.0
# The packages of which a send may import something: a program's own may be imported for as long as it runs.
_NEEDED = sys.stdlib_module_names | {"sendkit", "pydantic", "pydantic_core", "aiosmtplib", "tenacity", "keyring"}


def _needed(frame: FrameType) -> bool:
    """Whether something that is needed is being imported in this frame, or in one of those that called it."""
    return any(name.partition(".")[0] in _NEEDED for name in imported(frame))


def _before_fork() -> None:
    late, here = time.monotonic() + _IMPORTS, _thread.get_ident()
    while time.monotonic() < late:
        frames = sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - it is documented
        frames.pop(here, None)
        if not any(map(_needed, frames.values())):
            return
        del frames  # or they would hold what the threads let go
        time.sleep(0.001)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_in_child)


class Lock:
    """A lock for a few lines without a wait: re-entrant, as a finalizer may interrupt; a new one after a fork."""

    def __init__(self) -> None:
        self.start_over()
        starts_over(self)

    def start_over(self) -> None:
        """Nobody holds it in the child."""
        self._lock = _thread.RLock()  # a real one under gevent too

    @property
    def held_here(self) -> bool:
        """Whether this thread holds it: a finalizer or a signal handler that asks has interrupted those few lines."""
        return held_here(self._lock)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()


def held_here(lock: threading.RLock) -> bool:
    """Whether this thread holds the lock; the standard library asks in the same way, for its conditions."""
    return bool(lock._is_owned())  # type: ignore[attr-defined]  # noqa: SLF001  # pyright: ignore - see above


def one_is_held_here() -> bool:
    """Whether this thread holds any Lock; another thread that needs it waits for this one."""
    return any(isinstance(one, Lock) and one.held_here for one in list(_registered))
