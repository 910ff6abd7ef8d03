"""How fast messages are started: at the rate that was asked for, and slower for a while when a server complains.

Knows replies and the transport's clock, no connection and no message. Each attempt counts as one message, however many
recipients it has. RFC 5321 section 4.2.2 (421, 450, 451, 452), RFC 3463 section 3.8 (x.7.z: a policy).

A complaint halves the pace. From there it rises evenly, to be back where the complaint came after a minute, or the
time of twenty messages where that is longer. A limit that nobody asked for begins at half of the pace that was
measured, and is forgotten at twice what it was at the complaint. What was started before the last complaint says
nothing about the pace since, so a whole window of refusals halves it once.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from sendkit._lifetime.loops import PerLoop
from sendkit._seam.clock import Clock
from sendkit._smtp.phase import TRANSACTION, Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import Outcome, Verdict
from sendkit.errors import ConfigurationError

UNLIMITED = float("inf")
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_RATE = re.compile(rf"([1-9][0-9]{{0,8}})/({'|'.join(_UNITS)})")

# Messages a second: no complaint slows down further, unless a lower rate was asked for.
_LOWEST = 1 / 60
_CLIMB, _CLIMB_MESSAGES = 60.0, 20
# How many completions, and of how many seconds, make the measured pace, and what it is taken for at least.
_MEASURED, _RECENT, _LEAST_MEASURED = 64, 10.0, 1.0
# So few messages have no pace: who sends one now and then waits for another try only as the retry policy says.
_FEW = 10

_CODES = frozenset({421, 450, 451, 452, 454})


def parse_rate(text: object) -> float:
    """Messages a second, from `30/minute`, or a number per `second`, `hour` or `day`. Raises ConfigurationError."""
    match = _RATE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        hint = f'write a whole number, a slash and one of {", ".join(_UNITS)}, such as rate="30/minute"'
        raise ConfigurationError(f"not a rate: {text!r}", hint=hint)
    return int(match.group(1)) / _UNITS[match.group(2)]


def complains(phase: Phase, reply: Reply) -> bool:
    """Whether the reply says that messages come too fast.

    Not an idle time-out (421 4.4.2), too many recipients (452 4.5.3, or bare at RCPT) or a full mailbox (4.2.2).
    """
    if reply.code not in _CODES or phase not in TRANSACTION:
        return False
    enhanced = reply.enhanced or ""
    if reply.code == 421:
        return enhanced != "4.4.2"
    if reply.code == 452:
        return not enhanced.startswith(("4.2.", "4.5.3")) and bool(enhanced or phase is not Phase.RCPT)
    return enhanced.startswith("4.7.")


@dataclass(slots=True, frozen=True)
class _Slowed:
    """A complaint, and the way back from it: messages a second, as a function of the time since."""

    at: float
    rate: float
    enough: float

    def rate_at(self, now: float) -> float:
        return self.rate + self.rate * (now - self.at) / max(_CLIMB, _CLIMB_MESSAGES / self.rate)


class Pace:
    """The pace of one mailer: at most `limit` messages a second, evenly spaced.

    `connections`: with so many of them, no more messages are started than can have one (times the messages in flight on
    each); who is past the queue would not feel a later complaint. None: the transport is not ours to count for.
    """

    def __init__(self, limit: float = UNLIMITED, connections: int | None = None) -> None:
        self.limit = limit
        self.connections = connections
        self.slowdowns = 0
        self._slowed: _Slowed | None = None
        self._last = -UNLIMITED
        self._done: deque[float] = deque(maxlen=_MEASURED)
        self._queues: PerLoop[Queue] = PerLoop()
        self._clock: Clock | None = None

    def queue(self, clock: Clock | None = None) -> Queue:
        """Where the messages of this event loop wait; another loop gets another.

        Another clock than before knows nothing of the times of that one.
        """
        if clock is not self._clock:
            self._clock, self._slowed, self._last = clock, None, -UNLIMITED
            self._done.clear()
        return self._queues.here(self._new_queue)

    def _new_queue(self) -> Queue:
        return Queue(self)

    def forget(self) -> None:
        """Drop all queues."""
        self._queues.forget()

    @property
    def unlimited(self) -> bool:
        """Whether no limit was set, and no server complained recently."""
        return self._slowed is None and self.limit == UNLIMITED

    def rate(self, now: float) -> float:
        """Messages a second, as of now."""
        if self._slowed is None:
            return self.limit
        rate = self._slowed.rate_at(now)
        if rate < self._slowed.enough:
            return rate
        self._slowed = None
        return self.limit

    def left(self, now: float) -> float:
        """Seconds until the next message may be started."""
        return max(0.0, self._last + 1 / self.rate(now) - now)

    def begin(self, now: float) -> None:
        """A message is started."""
        self._last = now

    def went_well(self, now: float) -> None:
        """Learn from an attempt in which everybody was accepted."""
        self._done.append(now)

    def learn(self, verdicts: Iterable[Verdict], slowdowns: int, now: float, *, crowd: bool = True) -> bool:
        """Learn from an attempt that was started after so many `slowdowns`; returns whether it slows down now.

        `crowd`: other messages wait or are under way.
        """
        for verdict in verdicts:
            reply = verdict.reply
            if reply is None or reply.code not in _CODES or verdict.outcome is Outcome.ACCEPTED:
                continue
            if complains(verdict.phase, reply):
                return slowdowns == self.slowdowns and self._slow_down(now, crowd=crowd)
        self.went_well(now)
        return False

    def _slow_down(self, now: float, *, crowd: bool) -> bool:
        before = self.rate(now) if self._slowed else min(self.limit, self._measured(now, crowd=crowd))
        if before == UNLIMITED:
            return False
        slower = max(before / 2, min(_LOWEST, self.limit))
        self._slowed = _Slowed(now, slower, min(2 * before, self.limit))
        self._last = now
        self.slowdowns += 1
        return True

    def _measured(self, now: float, *, crowd: bool) -> float:
        recent = [moment for moment in self._done if now - moment <= _RECENT]
        if len(recent) <= _FEW and not crowd:
            return UNLIMITED
        span = now - recent[0] if recent else 0.0
        return max(_LEAST_MEASURED, len(recent) / span if span else 0.0)


class Queue:
    """Who waits for a turn, in order of arrival, and how many are under way."""

    def __init__(self, pace: Pace) -> None:
        self._loop = asyncio.get_running_loop()
        self._pace = pace
        self._connections = UNLIMITED if pace.connections is None else pace.connections
        self._under_way = 0
        self._waiting = 0
        self._head = asyncio.Lock()
        self._freed: asyncio.Future[None] | None = None

    @property
    def crowded(self) -> bool:
        """Whether more than one message is under way, or waits."""
        return self._under_way + self._waiting > 1

    def enter_at_once(self, in_flight: int = 1) -> bool:
        """Begin a message that shares its connection with so many at most, if there is nothing to wait for."""
        if self._waiting or self._under_way >= self._connections * in_flight or not self._pace.unlimited:
            return False
        self._under_way += 1
        return True

    async def enter(self, clock: Clock, deadline: float | None, in_flight: int = 1) -> bool:
        """Wait for a turn, and begin a message; False when the deadline, on that clock, came first."""
        self._waiting += 1
        try:
            # Nothing is taken before the wait is over, so that a cancellation has nothing to give back.
            async with self._head:
                await self._place(in_flight)
                if not await self._turn(clock, deadline):
                    return False
                self._pace.begin(clock.monotonic())
                self._under_way += 1
                return True
        finally:
            self._waiting -= 1

    def leave(self) -> None:
        """A message is no longer under way."""
        self._under_way -= 1
        if self._freed is not None and not self._freed.done():
            self._freed.set_result(None)

    async def _place(self, in_flight: int) -> None:
        while self._under_way >= self._connections * in_flight:
            self._freed = self._loop.create_future()
            await self._freed

    async def _turn(self, clock: Clock, deadline: float | None) -> bool:
        while True:
            now = clock.monotonic()
            left = self._pace.left(now)
            if deadline is not None and now + left > deadline:
                await clock.sleep(max(0.0, deadline - now))
                return False
            if not left:
                return True
            await clock.sleep(left)
