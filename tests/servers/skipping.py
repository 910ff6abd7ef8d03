"""An event loop that does not sit out a time limit: when a server says that it stays silent, the loop's clock moves on.

So a limit can be long enough for the busiest machine, and costs no time. Must not know: what waits, or for whom.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from math import inf

_LOOK = 0.25  # seconds between two looks at one silence; within them the other side has noticed what the first one did


def move_on(seconds: float) -> None:
    """Move the clock of the running loop on, of whichever kind that is: what waits no longer than this has waited."""
    loop = asyncio.get_running_loop()
    usual = loop.time
    loop.time = lambda: usual() + seconds  # type: ignore[method-assign]


class SkippingLoop(asyncio.SelectorEventLoop):
    """Its `time` runs as everywhere, and is moved on by `limit` seconds when a silence begins.

    Only then when something waits no longer than that: who does not wait yet, waits in full. While the silence
    goes on it is looked at again, for whoever waits next. `silence` is called from any thread, and what it returns ends
    that silence.
    """

    def __init__(self, limit: float) -> None:
        self._limit, self._ahead = limit, 0.0
        self._looks: dict[object, asyncio.TimerHandle] = {}
        super().__init__()

    def time(self) -> float:
        """The time of this loop, with all that was left out."""
        return super().time() + self._ahead

    def silence(self) -> Ended:
        """A silence begins."""
        ended = Ended(self)
        self.soon(self._look, ended)
        return ended

    def soon(self, call: object, *arguments: object) -> None:
        """Call it in this loop, unless that is over."""
        with suppress(RuntimeError):
            self.call_soon_threadsafe(call, *arguments)  # type: ignore[arg-type]

    def forget(self, ended: Ended) -> None:
        """That silence is over."""
        if look := self._looks.pop(ended, None):
            look.cancel()

    def _look(self, silence: Ended) -> None:
        if silence.over:
            return
        mine = set(self._looks.values())
        waits = (timer.when() for timer in self._scheduled if timer not in mine and not timer.cancelled())  # type: ignore[attr-defined]
        if min(waits, default=inf) - self.time() <= self._limit:
            self._ahead += self._limit
        self._looks[silence] = self.call_later(_LOOK, self._look, silence)


class Ended:
    """What ends a silence."""

    def __init__(self, loop: SkippingLoop) -> None:
        self._loop, self.over = loop, False

    def __call__(self) -> None:
        """It is over."""
        self.over = True
        self._loop.soon(self._loop.forget, self)
