"""The one language of faults: what a server is told to answer, and when, instead of its usual reply.

Knows: phases, replies, recipients, and how often a rule still holds. `MemoryTransport` and the scripted servers of the
tests obey the same script, so that a fault means the same in all of them.
Must not know: sockets, event loops, clocks, messages, or what a client makes of the answer (RFC 5321 sections 3.1,
4.2 and 4.3.2 say what a server may answer; a script may lie).
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Generic, Self, TypeVar

import idna

from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import MalformedReply, Reply, ReplyReader
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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


@dataclass(slots=True, frozen=True)
class Trigger:
    """When a rule holds: in a phase, and where named, for one recipient, on one connection, from the n-th time on."""

    phase: str
    recipient: str | None = None
    connection: int | None = None
    nth: int | None = None

    def fits(self, phase: str, recipient: str | None, connection: int | None) -> bool:
        """Whether this is the place; which time it is there does not count."""
        return self.phase == phase and self.recipient in (None, recipient) and self.connection in (None, connection)

    @property
    def narrowness(self) -> int:
        """How many terms are named beside the phase."""
        return sum(term is not None for term in (self.recipient, self.connection, self.nth))

    def __str__(self) -> str:
        return "after_data()" if self.phase == Phase.END_OF_DATA else f"on_{self.phase}()"


@dataclass(slots=True)
class _Entry:
    trigger: Trigger
    action: Action
    left: int | None
    skip: int

    def rank(self, order: int) -> tuple[int, bool, int]:
        lasting = self.left is None
        return (-self.trigger.narrowness, lasting, -order if lasting else order)


@dataclass(slots=True)
class Rulebook:
    """All rules of a script, in the order in which they were written. Safe to use from several threads."""

    _entries: list[_Entry] = field(default_factory=list[_Entry])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, trigger: Trigger, action: Action, times: int | None) -> None:
        """Append a rule that holds `times` times, or always; one with `nth` holds once if nothing else is said."""
        if times is not None:
            _count(times, "times")
        left = 1 if times is None and trigger.nth is not None else times
        entry = _Entry(trigger, action, left, (trigger.nth or 1) - 1)
        with self._lock:  # nothing is made in here: a garbage collection may close a mailer, which asks this book too
            self._entries.append(entry)

    def take(self, phase: str, recipient: str | None, connection: int | None) -> Action | None:
        """Find the rule that answers here, and use it once."""
        with self._lock:
            ready = dict(self._ready(phase, recipient, connection))
            if not ready:
                return None
            chosen = min(ready.items(), key=lambda item: item[1].rank(item[0]))[1]
            if chosen.left is not None:
                chosen.left -= 1
            return chosen.action

    def _ready(self, phase: str, recipient: str | None, connection: int | None) -> Iterator[tuple[int, _Entry]]:
        for order, entry in enumerate(self._entries):
            if not entry.trigger.fits(phase, recipient, connection):
                continue
            if entry.skip:
                entry.skip -= 1
            elif entry.left != 0:
                yield order, entry


class Rule:
    """A place in the session; each of its methods says what happens there, and returns the rule to say what comes next.

    `times=None` means always. `on_mail().reply("450 4.7.1 slow down", times=2).drop(times=1)` answers two MAIL
    commands with 450, loses the connection at the third, and lets the rest pass. Raises ConfigurationError for what
    cannot happen at that place.
    """

    _without_reply: ClassVar[Mapping[str, str]] = {
        Phase.TLS: "a TLS handshake carries no SMTP reply; use on_starttls().reply(…)",
        Phase.BODY: "nothing is answered while the body arrives; use on_data().reply(…) or after_data().reply(…)",
    }

    def __init__(self, book: Rulebook, trigger: Trigger) -> None:
        self._book = book
        self._trigger = trigger

    def on_connection(self, number: int) -> Self:
        """The same place, on the n-th connection only, counted from 1."""
        return type(self)(self._book, replace(self._trigger, connection=_count(number, "on_connection")))

    def reply(self, text: str, *, times: int | None = None) -> Self:
        """Answer with this reply, as a server writes it: `450 4.2.0 greylisted`, or `250-one` newline `250 two`."""
        if hint := self._without_reply.get(self._trigger.phase):
            raise ConfigurationError(f"{self._trigger} cannot reply", hint=hint)
        return self._then(Action(ActionKind.REPLY, _reply(text)), times)

    def drop(self, *, times: int | None = None) -> Self:
        """Lose the connection here: the command arrived, no reply comes."""
        return self._then(Action(ActionKind.DROP), times)

    def silence(self, *, times: int | None = None) -> Self:
        """Never answer: the client runs into its time limit."""
        return self._then(Action(ActionKind.SILENCE), times)

    def refuse(self, *, times: int | None = None) -> Self:
        """Refuse the connection itself, as a closed port does."""
        if self._trigger.phase != Phase.CONNECT:
            raise ConfigurationError(
                f"{self._trigger} cannot refuse: only a connection can be refused",
                hint=f'use {self._trigger}.reply("550 5.7.1 no") to say no, or .drop() to lose the connection',
            )
        return self._then(Action(ActionKind.REFUSE), times)

    def _then(self, action: Action, times: int | None) -> Self:
        self._book.add(self._trigger, action, times)
        return self


R = TypeVar("R", bound=Rule)


class Vocabulary(ABC, Generic[R]):
    """The places of a session by name; `nth=2` means the second time only, or from the second on with `times=`."""

    def __init__(self) -> None:
        self._book = Rulebook()

    @abstractmethod
    def _rule(self, trigger: Trigger) -> R:
        """The builder that a place answers with; a subclass may know more faults than Rule."""

    def _at(self, phase: str, nth: int | None, recipient: str | None = None) -> R:
        return self._rule(Trigger(phase, recipient=recipient, nth=None if nth is None else _count(nth, "nth")))

    def on_connect(self, *, nth: int | None = None) -> R:
        """A client connects: refuse it, or answer this instead of the greeting."""
        return self._at(Phase.CONNECT, nth)

    def on_tls(self, *, nth: int | None = None) -> R:
        """The TLS handshake begins."""
        return self._at(Phase.TLS, nth)

    def on_ehlo(self, *, nth: int | None = None) -> R:
        """EHLO or HELO; after STARTTLS there is a second one."""
        return self._at(Phase.EHLO, nth)

    def on_starttls(self, *, nth: int | None = None) -> R:
        """STARTTLS (RFC 3207)."""
        return self._at(Phase.STARTTLS, nth)

    def on_auth(self, *, nth: int | None = None) -> R:
        """AUTH, when the client has said all that the mechanism asks for (RFC 4954)."""
        return self._at(Phase.AUTH, nth)

    def on_rset(self, *, nth: int | None = None) -> R:
        """RSET."""
        return self._at(Phase.RSET, nth)

    def on_mail(self, *, nth: int | None = None) -> R:
        """MAIL."""
        return self._at(Phase.MAIL, nth)

    def on_rcpt(self, recipient: str | None = None, *, nth: int | None = None) -> R:
        """RCPT for this address, or for any."""
        return self._at(Phase.RCPT, nth, None if recipient is None else _address(recipient))

    def on_data(self, *, nth: int | None = None) -> R:
        """DATA, where the server would say 354; not asked with BDAT, which has no such reply."""
        return self._at(Phase.DATA, nth)

    def on_body(self, *, nth: int | None = None) -> R:
        """The body is on its way, and its end has not arrived."""
        return self._at(Phase.BODY, nth)

    def after_data(self, *, nth: int | None = None) -> R:
        """The end of data arrived: the dot, or the last BDAT."""
        return self._at(Phase.END_OF_DATA, nth)

    def on_quit(self, *, nth: int | None = None) -> R:
        """QUIT."""
        return self._at(Phase.QUIT, nth)

    def action(self, phase: str, *, recipient: str | None = None, connection: int | None = None) -> Action | None:
        """For the server's side: what to do here instead of the usual, or None. Each question uses a rule once.

        Ask once for each thing that happens, and with Phase.CONNECT for a connection: what is not ActionKind.REFUSE
        stands for the greeting. `connection` counts from 1.
        """
        return self._book.take(phase, None if recipient is None else _fold(recipient), connection)


class Script(Vocabulary[Rule]):
    """What a server is told to answer, and when, instead of its usual reply.

    Several rules for one place: one that names a recipient, a connection or `nth` goes before one that does not; among
    the rest, rules with `times` go in the order in which they were written until each is used up; then the newest
    without `times`; and when none is left, the usual reply.
    """

    def _rule(self, trigger: Trigger) -> Rule:
        return Rule(self._book, trigger)


def _reply(text: str) -> Reply:
    reader = ReplyReader()
    reader.feed(text.encode("utf-8", "replace") + b"\r\n")
    try:
        reply = reader.next_reply()
    except MalformedReply:
        reply = None
    if reply is None or reader.pending:
        raise ConfigurationError(
            f"not one SMTP reply: {text!r}",
            hint='write it as a server does, a code from 200 to 599 and a text: "450 4.2.0 greylisted"',
        )
    return reply


def _count(number: int, name: str) -> int:
    if type(number) is not int or number < 1:
        raise ConfigurationError(f"{name}={number!r} is never reached", hint="count from 1; times=None means always")
    return number


def _address(recipient: str) -> str:
    local, at, domain = recipient.rpartition("@")
    if not (local and at and domain) or recipient.endswith(">"):
        raise ConfigurationError(
            f"not an address: {recipient!r}",
            hint='name the bare address, as in on_rcpt("luis@example.com"); on_rcpt() without one means any',
        )
    return _fold(recipient)


def _fold(recipient: str) -> str:
    local, at, domain = recipient.rpartition("@")
    try:
        # The wire carries A-labels (RFC 5891); a script may name the domain as people write it.
        domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        # No domain has that name, so it equals nothing but itself.
        return recipient
    return f"{local}{at}{domain.lower()}"
