"""What a script consists of: rules, each with the point where it holds, what happens there, and how often.

Knows phases and replies. Must not know: how a rule is written, or what a server does with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from sendkit._lifetime.forks import Lock
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator


class ActionKind(StrEnum):
    """What happens instead of the usual reply."""

    REPLY = "reply"
    DROP = "drop"
    SILENCE = "silence"
    REFUSE = "refuse"


@dataclass(slots=True, frozen=True)
class Action:
    """One thing to do instead of the usual; `reply` is there for ActionKind.REPLY only."""

    kind: ActionKind
    reply: Reply | None = None

    def __str__(self) -> str:
        return f"{self.kind}({str(self.reply)!r})" if self.reply is not None else f"{self.kind}()"


@dataclass(slots=True, frozen=True)
class Trigger:
    """When a rule holds: in a phase, and where named, for one recipient, on one connection, from the n-th time on."""

    phase: str
    recipient: str | None = None
    connection: int | None = None
    nth: int | None = None

    def fits(self, phase: str, recipient: str | None, connection: int | None) -> bool:
        """Whether the trigger matches here, however often it was reached."""
        return self.phase == phase and self.recipient in (None, recipient) and self.connection in (None, connection)

    @property
    def narrowness(self) -> int:
        """The number of conditions besides the phase."""
        return sum(term is not None for term in (self.recipient, self.connection, self.nth))

    def __str__(self) -> str:
        return "after_data()" if self.phase == Phase.END_OF_DATA else f"on_{self.phase}()"

    @property
    def written(self) -> str:
        """As a test writes it, with all that it names."""
        terms = [] if self.recipient is None else [repr(self.recipient)]
        terms += [] if self.nth is None else [f"nth={self.nth}"]
        on_connection = "" if self.connection is None else f".on_connection({self.connection})"
        return f"{str(self).removesuffix('()')}({', '.join(terms)}){on_connection}"


@dataclass(slots=True)
class _Entry:
    trigger: Trigger
    action: Action
    left: int | None
    skip: int
    used: bool = False

    def rank(self, order: int) -> tuple[int, bool, int]:
        lasting = self.left is None
        return (-self.trigger.narrowness, lasting, -order if lasting else order)


@dataclass(slots=True)
class Rulebook:
    """All rules of a script, in the order in which they were written. Safe to use from several threads."""

    _entries: list[_Entry] = field(default_factory=list[_Entry])
    _lock: Lock = field(default_factory=Lock)

    def add(self, trigger: Trigger, action: Action, times: int | None) -> None:
        """Append a rule that holds `times` times, or always; one with `nth` holds once if nothing else is said."""
        if times is not None:
            counted(times, "times")
        left = 1 if times is None and trigger.nth is not None else times
        entry = _Entry(trigger, action, left, (trigger.nth or 1) - 1)
        with self._lock:  # nothing is made in here: a garbage collection may close a mailer, which asks this book too
            self._entries.append(entry)

    def take(self, phase: str, recipient: str | None, connection: int | None) -> Action | None:
        """Find the rule that answers here, and use it once."""
        if not self._entries:
            return None
        with self._lock:
            ready = dict(self._ready(phase, recipient, connection))
            if not ready:
                return None
            chosen = min(ready.items(), key=lambda item: item[1].rank(item[0]))[1]
            if chosen.left is not None:
                chosen.left -= 1
            chosen.used = True
            return chosen.action

    def unused(self) -> list[str]:
        """The rules that never answered, as they were written."""
        with self._lock:
            return [f"{entry.trigger.written}.{entry.action}" for entry in self._entries if not entry.used]

    def _ready(self, phase: str, recipient: str | None, connection: int | None) -> Iterator[tuple[int, _Entry]]:
        for order, entry in enumerate(self._entries):
            if not entry.trigger.fits(phase, recipient, connection):
                continue
            if entry.skip:
                entry.skip -= 1
            elif entry.left != 0:
                yield order, entry


def counted(number: int, name: str) -> int:
    """The number, if it counts from 1. Raises ConfigurationError."""
    if type(number) is not int or number < 1:
        raise ConfigurationError(f"{name}={number!r} is never reached", hint="count from 1; times=None means always")
    return number
