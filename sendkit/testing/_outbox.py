"""The outbox of a test: in memory, with a clock that a test moves, and mail that goes to the mailbox.

While its mailbox is open, every outbox of the process that was told no place by name is this one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Unpack

from sendkit._transport.memory import VirtualClock
from sendkit.outbox._core import CoreOptions
from sendkit.outbox._place import MEMORY, place_of
from sendkit.outbox._policy import shows_settings
from sendkit.outbox._synchronous import Outbox, cores_at

if TYPE_CHECKING:
    from sendkit._sync import Mailer
    from sendkit.outbox._policy import WorkerSettings

__all__ = ["MemoryOutbox"]


class MemoryOutbox(Outbox):
    """An outbox in memory: `put`, then `drain`, or `advance(timedelta(days=5))`, and ask the mailbox what was sent.

    `account` is whose mail it is, and the settings are those of `WorkerSettings`. `now` is the time of its clock, which
    stands still until `advance`.
    """

    @shows_settings
    def __init__(self, *, account: str | None = None, **settings: Unpack[WorkerSettings]) -> None:
        self._clock = VirtualClock()
        self._place = place_of(MEMORY, now=lambda: self._clock.now().timestamp())
        self._cores = cores_at(self._place, CoreOptions(account, None, None, settings))

    @property
    def now(self) -> datetime:
        """The time of its clock, in UTC."""
        return self._clock.now().astimezone(UTC)

    def advance(self, time: timedelta, mailer: Mailer | None = None) -> int:
        """Let time pass, in which each letter is tried when its time comes; how many attempts were made.

        `mailer` is as in `drain`.
        """
        end, made = self._clock.monotonic() + time.total_seconds(), self.drain(mailer)
        while (due := self._next_due()) is not None and (wait := self._wait(due)) <= end - self._clock.monotonic():
            self._clock.advance(wait)
            made += self.drain(mailer)
        self._clock.advance(end - self._clock.monotonic())
        return made

    def _wait(self, due: float) -> float:
        """How long until it is worth a look; what is due and was not tried is held, paused, or slowed down."""
        wait = due - self._clock.monotonic()
        return wait if wait > 0 else 60.0

    def _next_due(self) -> float | None:
        """When the next letter's time comes, on the monotonic clock."""
        due = self._upcoming()
        return None if due is None else self._clock.monotonic() + (due - self._clock.now().timestamp())
