"""Messages that were caught, each under a number of its own, and what changed since somebody last asked.

At most `limit` messages and `octets` octets are held; the oldest are dropped first. A number is never used again, so
that a page that is open for days never shows one message in place of another. Must not know sockets or pages.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from sendkit._reading.caught import CaughtMessage

__all__ = ["Collection", "News", "Refusal"]

_CHANGES_KEPT = 10_000
_REFUSALS_KEPT = 100


@dataclass(slots=True, frozen=True)
class Refusal:
    """A client that went away without a message: on which connection, when, why, and what to change in it."""

    number: int
    when: datetime
    why: str
    hint: str


class News(NamedTuple):
    """What changed up to `version`. With `reset`, forget everything first: `added` is then all there is."""

    version: int
    added: tuple[int, ...]
    removed: tuple[int, ...]
    reset: bool = False


class Collection:
    """Holds caught messages; safe to share between threads. `changed` is notified of every change.

    `total` messages were caught and `refused` clients turned away so far, whatever is still held.
    """

    def __init__(self, *, limit: int | None = None, octets: int | None = None) -> None:
        self.limit: int | None = limit
        self.octets: int | None = octets
        self.changed: threading.Condition = threading.Condition()
        self.refusals: deque[Refusal] = deque(maxlen=_REFUSALS_KEPT)
        self.total: int = 0
        self.refused: int = 0
        self.version: int = 0
        self._messages: dict[int, CaughtMessage] = {}
        self._size = 0
        self._log: deque[tuple[int, int]] = deque(maxlen=_CHANGES_KEPT)

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def messages(self) -> list[CaughtMessage]:
        """All that are held, the oldest first."""
        with self.changed:
            return [*self._messages.values()]

    def get(self, number: int) -> CaughtMessage | None:
        """The message with that number, if it is still held."""
        return self._messages.get(number)

    def add(self, message: CaughtMessage) -> int:
        """Hold a message, and return its number: 1, 2, 3 …"""
        with self.changed:
            self.total += 1
            self._messages[self.total] = message
            self._size += len(message.content)
            self._note(self.total)
            while self._full() and len(self._messages) > 1:
                self._drop(next(iter(self._messages)))
            self.changed.notify_all()
            return self.total

    def refuse(self, refusal: Refusal) -> None:
        """Note a client that was turned away."""
        with self.changed:
            self.refusals.append(refusal)
            self.refused += 1
            self.version += 1
            self.changed.notify_all()

    def remove(self, number: int) -> bool:
        """Forget one message; False when it is not there."""
        with self.changed:
            if number not in self._messages:
                return False
            self._drop(number)
            self.changed.notify_all()
            return True

    def clear(self) -> None:
        """Forget all messages and refusals."""
        with self.changed:
            for number in [*self._messages]:
                self._drop(number)
            self.refusals.clear()
            self.version += 1
            self.changed.notify_all()

    def news(self, since: int | None = None) -> News:
        """What changed after version `since`; everything where that is None or too long ago."""
        with self.changed:
            forgotten = len(self._log) == _CHANGES_KEPT and since is not None and self._log[0][0] > since + 1
            if since is None or forgotten:
                return News(self.version, tuple(self._messages), (), reset=True)
            touched = dict.fromkeys(number for version, number in self._log if version > since)
            return News(
                self.version,
                tuple(number for number in touched if number in self._messages),
                tuple(number for number in touched if number not in self._messages),
            )

    def _full(self) -> bool:
        too_many = self.limit is not None and len(self._messages) > self.limit
        return too_many or (self.octets is not None and self._size > self.octets)

    def _drop(self, number: int) -> None:
        self._size -= len(self._messages.pop(number).content)
        self._note(number)

    def _note(self, number: int) -> None:
        self.version += 1
        self._log.append((self.version, number))
