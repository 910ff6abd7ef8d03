"""Green threads in the place of real ones: gevent and eventlet share one system thread, where one loop at most can run.

An event loop there stops every other greenlet, or ends in another's run. So under gevent a loop runs on a real thread,
with what gevent has kept of the unpatched modules; eventlet keeps too little, and a mailer is refused there.
"""

from __future__ import annotations

import _thread
import os
import selectors
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from importlib import import_module
from typing import Any

from sendkit.errors import ConfigurationError


def refuse_green_threads() -> None:
    """Raise ConfigurationError where the threads of this process are greenlets."""
    library = _patched_by()
    if library is not None:
        raise ConfigurationError(
            f"sendkit.Mailer does not work where {library} has patched threads",
            hint="send in a worker with real threads or processes (gunicorn: gthread; celery: --pool=threads or "
            "prefork), or leave threads, select and sockets unpatched",
        )


def _patched_by() -> str | None:
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if gevent is not None and gevent.is_module_patched("threading"):
        return "gevent"
    return "eventlet" if eventlet is not None and eventlet.is_monkey_patched("thread") else None


def patched_by_gevent() -> bool:
    """Whether threads are greenlets of gevent, on a system with `poll`: then there can be real ones beside them."""
    return _patched_by() == "gevent" and hasattr(import_module("select"), "poll")


def start_real(target: Callable[[], object], last: Callable[[], object] = lambda: None) -> None:
    """Start a real thread under gevent; a hub that gevent has made there is taken down at its end."""
    start: Callable[..., object] = _unpatched("_thread", "start_new_thread")
    hub_here: Callable[[], Any] = import_module("gevent._hub_local").get_hub_if_exists

    def run() -> None:
        _real.add(_ident())
        try:
            target()
        finally:
            _real.discard(_ident())
            if (hub := hub_here()) is not None:
                hub.destroy(destroy_loop=True)
            last()

    start(run, ())


def on_real_thread() -> bool:
    """Whether this is a thread of `start_real`."""
    return bool(_real) and _ident() in _real


def make_real(future: Future[Any]) -> None:
    """Let real threads settle and await it: the lock in it is one for greenlets."""
    if patched_by_gevent():
        vars(future)["_condition"] = threading.Condition(_thread.RLock())


def real_lock() -> _thread.LockType:
    """A lock that stops the system's thread that waits, and is released on any."""
    lock: _thread.LockType = (
        _unpatched("_thread", "allocate_lock")() if patched_by_gevent() else _thread.allocate_lock()
    )
    return lock


def _unpatched(module: str, name: str) -> Any:
    return import_module("gevent.monkey").get_original(module, name)


def _ident() -> int:
    found: int = _unpatched("_thread", "get_ident")()
    return found


_real: set[int] = set()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_real.clear)
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_IN, _OUT = 1, 4  # POLLIN, POLLOUT


class RealSelector(selectors.BaseSelector):
    """Waits for files on a real thread, by the `poll` that gevent has replaced."""

    def __init__(self) -> None:
        self._poll = _unpatched("select", "poll")()
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As any selector does."""
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if number in self._keys:
            raise KeyError(f"{fileobj!r} is registered already")
        self._poll.register(number, (_IN if events & _READ else 0) | (_OUT if events & _WRITE else 0))
        key = self._keys[number] = selectors.SelectorKey(fileobj, number, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """As any selector does."""
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = self._keys.pop(number)
        self._poll.unregister(number)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As any selector does; what is neither readable nor writable is both, so that its owner notices."""
        found: list[tuple[int, int]] = self._poll.poll(None if timeout is None else max(0, int(timeout * 1000 + 0.999)))
        ready: list[tuple[selectors.SelectorKey, int]] = []
        for number, events in found:
            if (key := self._keys.get(number)) is not None:
                masked = (_WRITE if events & ~_IN else 0) | (_READ if events & ~_OUT else 0)
                ready.append((key, masked & key.events))
        return ready

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """By file descriptor."""
        return _Keys(self._keys)


class _Keys(Mapping[Any, selectors.SelectorKey]):
    def __init__(self, keys: dict[int, selectors.SelectorKey]) -> None:
        self._keys = keys

    def __getitem__(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys[fileobj if isinstance(fileobj, int) else fileobj.fileno()]

    def __iter__(self) -> Any:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
