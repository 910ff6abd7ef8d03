"""When a letter is tried again: after 1, 5, 30 minutes, 2, 6 and then every 12 hours, and once before it expires."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeAlias

from sendkit.errors import ConfigurationError

Interval: TypeAlias = timedelta | float
Schedule: TypeAlias = Sequence[Interval] | Callable[[int], Interval]

USUAL: tuple[timedelta, ...] = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
)
_JITTER = 0.1


class Waits:
    """A schedule: the wait after each attempt. The last of a list repeats; a callable is told how many were made."""

    def __init__(self, schedule: Schedule = USUAL, *, spread: Callable[[float, float], float] = random.uniform) -> None:
        if not callable(schedule) and not schedule:
            raise ConfigurationError("schedule= is empty", hint="give one wait at least: [timedelta(minutes=5)]")
        self._schedule = schedule
        self._spread = spread
        if not callable(schedule):
            for wait in schedule:
                _seconds(wait)

    def next(self, attempts: int, now: float, expires: float) -> float:
        """When to try again after so many attempts: spread a little, and never behind the last moment."""
        schedule = self._schedule
        wait = _seconds(schedule(attempts) if callable(schedule) else schedule[min(attempts, len(schedule)) - 1])
        due = now + wait * self._spread(1 - _JITTER, 1 + _JITTER)
        # Who expires between two tries is tried once more before it is returned (as Postfix does).
        return min(due, expires) if now < expires else due

    @property
    def longest(self) -> float | None:
        """The longest wait in seconds, where it is known."""
        schedule = self._schedule
        return None if callable(schedule) else max(map(_seconds, schedule)) * (1 + _JITTER)


def _seconds(wait: object) -> float:
    seconds = wait.total_seconds() if isinstance(wait, timedelta) else wait
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds < 10**8:
        raise ConfigurationError(f"schedule=: {wait!r} is no wait", hint="give timedeltas, or seconds above zero")
    return float(seconds)
