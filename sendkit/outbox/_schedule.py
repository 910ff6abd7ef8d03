"""When a letter is tried again: after 1, 5, 30 minutes, 2, 6 and then every 12 hours, and once before it expires."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeAlias

from sendkit.errors import ConfigurationError

_logger = logging.getLogger("sendkit.outbox")

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
        due = now + self._wait(attempts) * self._spread(1 - _JITTER, 1 + _JITTER)
        # Who expires between two tries is tried once more before it is returned (as Postfix does).
        return min(due, expires) if now < expires else due

    def _wait(self, attempts: int) -> float:
        schedule = self._schedule
        try:
            return _seconds(schedule(attempts) if callable(schedule) else _of(schedule, attempts))
        except Exception:  # a program's function, after an attempt whose outcome must be written down all the same
            _logger.exception("schedule= gave no wait after attempt %d; the usual one is taken", attempts)
            return _seconds(_of(USUAL, attempts))

    @property
    def longest(self) -> float | None:
        """The longest wait in seconds, where it is known."""
        schedule = self._schedule
        return None if callable(schedule) else max(map(_seconds, schedule)) * (1 + _JITTER)


def _of(schedule: Sequence[Interval], attempts: int) -> Interval:
    return schedule[min(attempts, len(schedule)) - 1]


def _seconds(wait: object) -> float:
    seconds = wait.total_seconds() if isinstance(wait, timedelta) else wait
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds < 10**8:
        raise ConfigurationError(f"schedule=: {wait!r} is not a wait", hint="give timedeltas, or seconds above zero")
    return float(seconds)
