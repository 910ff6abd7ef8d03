"""LISTEN on a thread of its own: workers that wait are woken as soon as a put has committed, wherever it was made.

Only quicker, never needed: who is not woken looks for itself a moment later. So an error here waits, and listens again,
and behind a pooler, which may give the session that listens to others, nobody does.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import psycopg

from sendkit._lifetime import threads
from sendkit.outbox._postgres import connect, is_pooled

_LOOK = 1.0  # seconds until the thread sees that it is to end
_AGAIN = 5.0  # seconds until it listens again after an error


def listening(url: str, wake: Callable[[], None]) -> Callable[[], None]:
    """Call `wake` for every put; what is returned ends it."""
    ended = threading.Event()

    def listen() -> None:
        while not ended.is_set():
            with contextlib.suppress(psycopg.Error), connect(url) as connection:
                if is_pooled(connection):
                    return
                _listen(connection, wake, ended)
            ended.wait(_AGAIN)

    with contextlib.suppress(threads.NoThread):
        threads.start_thread(listen, name="sendkit-outbox-listen")
    return ended.set


def _listen(
    connection: psycopg.Connection[tuple[object, ...]], wake: Callable[[], None], ended: threading.Event
) -> None:
    connection.execute("listen sendkit_outbox")
    wake()  # what was put before is not told
    while not ended.is_set():
        for _ in connection.notifies(timeout=_LOOK, stop_after=1):
            wake()
