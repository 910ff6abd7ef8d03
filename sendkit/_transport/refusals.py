"""What servers refused, for the whole process: a secret that was refused once is not sent again until it has changed.

Servers count refusals towards a lock-out, whichever mailer of a program they come from. A secret is known here by its
fingerprint alone. Until one has proved good, one connection at a time tries it: a wrong one is sent once, not n times,
also by mailers on the loops of several threads. Must not know: connections, or where secrets come from.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from sendkit._lifetime.forks import Lock, starts_over
from sendkit._lifetime.turns import OneAtATime
from sendkit._smtp.verdict import Verdict

_MOST = 1024


@dataclass(slots=True, frozen=True)
class Trial:
    """A secret on its way to a server: `host:port`, who logs in, and the fingerprint of the secret."""

    server: str
    username: str
    fingerprint: bytes

    @classmethod
    def of(cls, host: str, port: int, username: str, fingerprint: bytes) -> Trial:
        """A trial, where two spellings of a host are one server."""
        return cls(f"{host.rstrip('.').lower()}:{port}", username, fingerprint)


class Refusals:
    """The last thousand refusals, and who is trying what. Safe to share between threads and loops."""

    def __init__(self) -> None:
        self.start_over()
        starts_over(self)

    def start_over(self) -> None:
        """The tasks of the parent do not run in the child of a fork, which would wait for them for ever."""
        self.forget()

    def forget(self) -> None:
        """Know nothing any more; for tests, and in a new process."""
        self._lock = Lock()
        self._refused: OrderedDict[Trial, Verdict] = OrderedDict()
        self._trials: OneAtATime[Trial] = OneAtATime()

    def refusal(self, trial: Trial) -> Verdict | None:
        """What the server said when it refused this secret, or None."""
        with self._lock:
            return self._refused.get(trial)

    def refused(self, trial: Trial, verdict: Verdict) -> None:
        """Note that the server refused this secret."""
        with self._lock:
            self._refused[trial] = verdict
            while len(self._refused) > _MOST:
                self._refused.popitem(last=False)

    def alone(self, trial: Trial) -> AbstractAsyncContextManager[None]:
        """Wait until nobody else tries this secret."""
        return self._trials.turn(trial)


REFUSALS = Refusals()
