"""What servers refused, for the whole process: a refused secret rests until it has changed, or its time is over.

Servers count refusals towards a lock-out, whichever mailer of a program they come from, and forget them after a while
(most in a quarter of an hour to an hour). So a secret rests for an hour, and twice as long after each further refusal,
up to a day: an account that was locked, or a server that was wrong, is asked again without a restart of the program. A
secret is known here by its fingerprint alone. Until one has proved good, one connection at a time tries it: a wrong one
is sent once, not n times, also by mailers on the loops of several threads.
Must not know: connections, or where secrets come from.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple

from sendkit._lifetime.forks import Lock, starts_over
from sendkit._lifetime.one_at_a_time import OneAtATime
from sendkit._server.endpoint import server_name
from sendkit._smtp.verdict import Verdict

_MOST = 1024
REST, _LONGEST_REST = 3600.0, 86_400.0  # seconds


@dataclass(slots=True, frozen=True)
class Trial:
    """A secret on its way to a server: `host:port`, who logs in, and the fingerprint of the secret."""

    server: str
    username: str
    fingerprint: bytes

    @classmethod
    def of(cls, host: str, port: int, username: str, fingerprint: bytes) -> Trial:
        """A trial at this server, whose host has one spelling (see `Server`)."""
        return cls(server_name(host, port), username, fingerprint)


class _Refused(NamedTuple):
    verdict: Verdict
    rest: float
    until: float


class Refusals:
    """The last thousand refusals, and who is trying what. Safe to share between threads and loops.

    `now` gives seconds that only go forward.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.start_over()
        starts_over(self)

    def start_over(self) -> None:
        """The tasks of the parent do not run in the child of a fork, which would wait for them forever."""
        self.forget()

    def forget(self) -> None:
        """Forget everything; for tests, and in a new process."""
        self._lock = Lock()
        self._refused: OrderedDict[Trial, _Refused] = OrderedDict()
        self._trials: OneAtATime[Trial] = OneAtATime()

    def refusal(self, trial: Trial) -> Verdict | None:
        """What the server said when it refused this secret, or None where it may be sent."""
        with self._lock:
            known = self._refused.get(trial)
            return known.verdict if known is not None and self._now() < known.until else None

    def refused(self, trial: Trial, verdict: Verdict, rest: float = REST) -> None:
        """Note that the server refused this secret: it rests for so many seconds, or twice as long as the last time."""
        with self._lock:
            if (before := self._refused.pop(trial, None)) is not None:
                rest = max(rest, min(2 * before.rest, _LONGEST_REST))
            self._refused[trial] = _Refused(verdict, rest, self._now() + rest)
            while len(self._refused) > _MOST:
                self._refused.popitem(last=False)

    def proved_good(self, trial: Trial) -> None:
        """Note that the server took this secret."""
        with self._lock:
            self._refused.pop(trial, None)

    def alone(self, trial: Trial) -> AbstractAsyncContextManager[None]:
        """Wait until nobody else tries this secret."""
        return self._trials.turn(trial)


REFUSALS = Refusals()
