"""LISTEN on a thread of its own: workers that wait are woken as soon as a put has committed, wherever it was made.

Only quicker, never needed: who is not woken looks for itself a moment later. So an error here waits, and listens again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import psycopg

from sendkit._lifetime import threads

_LOOK = 1.0  # seconds until the thread sees that it is to end
_AGAIN = 5.0  # seconds until it listens again after an error


def listening(url: str, wake: Callable[[], None]) -> Callable[[], None]:
    """Call `wake` for every put; what is returned ends it."""
    ended = threading.Event()

    def listen() -> None:
        while not ended.is_set():
            with contextlib.suppress(psycopg.Error):
                _listen(url, wake, ended)
            ended.wait(_AGAIN)

    with contextlib.suppress(threads.NoThread):
        threads.start_thread(listen, name="sendkit-outbox-listen")
    return ended.set


def _listen(url: str, wake: Callable[[], None], ended: threading.Event) -> None:
    with psycopg.connect(url, autocommit=True, application_name="sendkit outbox", connect_timeout=10) as connection:
        connection.execute("listen sendkit_outbox")
        wake()  # what was put before is not told
        while not ended.is_set():
            for _ in connection.notifies(timeout=_LOOK, stop_after=1):
                wake()
