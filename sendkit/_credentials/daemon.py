"""Blocking calls on daemon threads, which can be given up at any time and never hold back the interpreter's exit.

Must not know: what is called. `asyncio.to_thread` will not do: its threads are joined at exit, so that one keyring
prompt which nobody answers would hang the program for ever.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def start(call: Callable[[], T], *, name: str) -> Future[T]:
    """Start the call on a daemon thread of its own; the future can be waited for with or without an event loop."""
    future: Future[T] = Future()
    # From here on a cancelled waiter cannot cancel the future, so the thread may always set it.
    future.set_running_or_notify_cancel()
    threading.Thread(target=_run, args=(call, future), name=name, daemon=True).start()
    return future


def _run(call: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001  a SystemExit in here must reach the waiter, not leave it waiting
        future.set_exception(error)
