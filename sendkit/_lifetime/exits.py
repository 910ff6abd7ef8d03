"""The end of the interpreter: what is in progress may end, connections are closed, and mailers stay usable until then.

Handlers of `atexit` run in the opposite order of their registration, so others come after ours, and `logging.shutdown`
comes last; they may send. From then on a mailer closes its connections after each call, since nobody will later.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import weakref
from sys import is_finalizing
from typing import Protocol

from sendkit.errors import SendkitError


class Resting(Protocol):
    """What has connections that should not be open at the end."""

    def rest(self) -> None:
        """Let what is in progress end, and close them."""
        ...


_resting: weakref.WeakSet[Resting] = weakref.WeakSet()
_kept: list[Resting] = []
# A handler that is the first to import this registers another one too late; but then the main thread has ended.
begun: list[bool] = [] if threading.main_thread().is_alive() else [True]
"""Not empty when the interpreter is at its end, and nothing will be looked after later."""


def at_exit(one: Resting) -> None:
    """Call its `rest` when the interpreter ends, if the object still exists."""
    _resting.add(one)


def refuse_when_gone() -> None:
    """Raise SendkitError while the interpreter is taken down, as in a `__del__`: other threads run no more then."""
    if is_finalizing():
        hint = "send before main ends, or in an atexit handler"
        raise SendkitError("nothing can be sent any more: the interpreter is shutting down", hint=hint)


def keep(one: Resting) -> None:
    """Keep the object alive until then."""
    _kept.append(one)


@atexit.register
def _rest_all() -> None:
    begun.append(True)
    for one in list(_resting):
        with contextlib.suppress(SendkitError):
            one.rest()
