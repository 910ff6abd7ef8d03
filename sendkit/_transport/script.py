"""The one language of faults: what a server is told to answer, and when, instead of its usual reply.

Knows: phases, replies, recipients, and how often a rule still holds. `MemoryTransport` and the scripted servers of the
tests obey the same script, so that a fault means the same in all of them.
Must not know: sockets, event loops, clocks, messages, or what a client makes of the answer (RFC 5321 sections 3.1,
4.2 and 4.3.2 say what a server may answer; a script may lie).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, Never, Self, TypeVar

import idna

from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import MalformedReply, Reply, ReplyReader
from sendkit._transport.rules import Action, ActionKind, Rulebook, Trigger, counted
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    pass


class CannotHappen(ConfigurationError, AttributeError):
    """A point in the session has no such fault."""


class Fault:
    """A point where the connection may end; each method says what happens there, and returns the point to go on.

    `times=None` means always. `on_mail().reply("450 4.7.1 slow down", times=2).drop(times=1)` answers two MAIL
    commands with 450, loses the connection at the third, and lets the rest pass.
    """

    def __init__(self, book: Rulebook, trigger: Trigger) -> None:
        self._book = book
        self._trigger = trigger

    def on_connection(self, number: int) -> Self:
        """The same point, on the connection of this `number` only, counted from 1."""
        return type(self)(self._book, replace(self._trigger, connection=counted(number, "on_connection")))

    def drop(self, *, times: int | None = None) -> Self:
        """Lose the connection here, `times` times (None: always): the command arrived, no reply comes."""
        return self._then(Action(ActionKind.DROP), times)

    def silence(self, *, times: int | None = None) -> Self:
        """Never answer, `times` times (None: always): the client runs into its time limit."""
        return self._then(Action(ActionKind.SILENCE), times)

    def _then(self, action: Action, times: int | None) -> Self:
        self._book.add(self._trigger, action, times)
        return self

    if not TYPE_CHECKING:  # the checkers see that there is no such method

        def __getattr__(self, name: str) -> Never:
            if name.startswith("_"):  # a copy that is being made has no point yet
                raise AttributeError(name)
            point = self._trigger
            if name == "refuse":
                hint = f'use {point}.reply("550 5.7.1 no") to say no, or .drop() to lose the connection'
                raise CannotHappen(f"{point} cannot refuse: only a connection can be refused", hint=hint)
            if name == "reply":
                raise CannotHappen(f"{point} cannot reply", hint=_WITHOUT_REPLY.get(point.phase, "use .drop()"))
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


_WITHOUT_REPLY = {
    Phase.TLS: "a TLS handshake carries no SMTP reply; use on_starttls().reply(…)",
    Phase.BODY: "nothing is answered while the body arrives; use on_data().reply(…) or after_data().reply(…)",
}


class Rule(Fault):
    """A point where the server answers."""

    def reply(self, text: str, *, times: int | None = None) -> Self:
        """Answer with `text`, as a server writes it: `450 4.2.0 greylisted`, or `250-one` newline `250 two`.

        `times` times; None means always.
        """
        return self._then(Action(ActionKind.REPLY, _reply(text)), times)


class ConnectRule(Rule):
    """The beginning of a connection."""

    def refuse(self, *, times: int | None = None) -> Self:
        """Refuse the connection itself, `times` times (None: always), as a closed port does."""
        return self._then(Action(ActionKind.REFUSE), times)


F = TypeVar("F", bound=Fault)
R = TypeVar("R", bound=Rule)
C = TypeVar("C", bound=ConnectRule)


class Vocabulary(ABC, Generic[F, R, C]):
    """The points of a session by name; `nth=2` means the second time only, or from the second on with `times=`."""

    def __init__(self) -> None:
        self._book = Rulebook()
        self._may_be_unused = False

    @abstractmethod
    def _fault(self, trigger: Trigger) -> F:
        """The builder of a point without a reply; a subclass may know more faults than these."""

    @abstractmethod
    def _rule(self, trigger: Trigger) -> R:
        """The builder of a point with a reply."""

    @abstractmethod
    def _connection(self, trigger: Trigger) -> C:
        """The builder of a connection."""

    def _at(self, phase: str, nth: int | None, recipient: str | None = None) -> R:
        return self._rule(_trigger(phase, nth, recipient))

    def on_connect(self, *, nth: int | None = None) -> C:
        """A client connects (the `nth` time, or any): refuse it, or answer this instead of the greeting."""
        return self._connection(_trigger(Phase.CONNECT, nth))

    def on_tls(self, *, nth: int | None = None) -> F:
        """The TLS handshake begins, for the `nth` time or any."""
        return self._fault(_trigger(Phase.TLS, nth))

    def on_ehlo(self, *, nth: int | None = None) -> R:
        """EHLO or HELO, the `nth` or any; after STARTTLS there is a second one."""
        return self._at(Phase.EHLO, nth)

    def on_starttls(self, *, nth: int | None = None) -> R:
        """STARTTLS (RFC 3207), the `nth` or any."""
        return self._at(Phase.STARTTLS, nth)

    def on_auth(self, *, nth: int | None = None) -> R:
        """AUTH, the `nth` or any, when the client has said all that the mechanism asks for (RFC 4954)."""
        return self._at(Phase.AUTH, nth)

    def on_rset(self, *, nth: int | None = None) -> R:
        """RSET, the `nth` or any."""
        return self._at(Phase.RSET, nth)

    def on_mail(self, *, nth: int | None = None) -> R:
        """MAIL, the `nth` or any."""
        return self._at(Phase.MAIL, nth)

    def on_rcpt(self, recipient: str | None = None, *, nth: int | None = None) -> R:
        """RCPT for this `recipient`, or for any; the `nth` of them, or any."""
        return self._at(Phase.RCPT, nth, None if recipient is None else _address(recipient))

    def on_data(self, *, nth: int | None = None) -> R:
        """DATA, the `nth` or any, where the server would say 354; not asked with BDAT, which has no such reply."""
        return self._at(Phase.DATA, nth)

    def on_body(self, *, nth: int | None = None) -> F:
        """The body is on its way, the `nth` time or any, and its end has not arrived."""
        return self._fault(_trigger(Phase.BODY, nth))

    def after_data(self, recipient: str | None = None, *, nth: int | None = None) -> R:
        """The end of data arrived (the `nth`, or any): the dot, or the last BDAT; in LMTP for this `recipient`."""
        return self._at(Phase.END_OF_DATA, nth, None if recipient is None else _address(recipient))

    def on_quit(self, *, nth: int | None = None) -> R:
        """QUIT, the `nth` or any."""
        return self._at(Phase.QUIT, nth)

    def action(self, phase: str, *, recipient: str | None = None, connection: int | None = None) -> Action | None:
        """For the server's side: what to do in this `phase` instead of the usual, or None. A rule is used once.

        Ask once for each thing that happens, and with Phase.CONNECT for a connection: what is not ActionKind.REFUSE
        stands for the greeting. `recipient` is that of RCPT; `connection` counts from 1.
        """
        return self._book.take(phase, None if recipient is None else _fold(recipient), connection)


class Script(Vocabulary[Fault, Rule, ConnectRule]):
    """What a server is told to answer, and when, instead of its usual reply.

    Several rules for one point: one that names a recipient, a connection or `nth` goes before one that does not; among
    the rest, rules with `times` go in the order in which they were written until each is used up; then the newest
    without `times`; and when none is left, the usual reply.
    """

    def _fault(self, trigger: Trigger) -> Fault:
        return Fault(self._book, trigger)

    def _rule(self, trigger: Trigger) -> Rule:
        return Rule(self._book, trigger)

    def _connection(self, trigger: Trigger) -> ConnectRule:
        return ConnectRule(self._book, trigger)

    def allow_unused_faults(self) -> None:
        """Do not report faults that never happen, such as those of a script that several tests share."""
        self._may_be_unused = True

    def check_faults(self) -> None:
        """Fail when a fault never happened: what was to be tested was not. Raises AssertionError, which names it."""
        __tracebackhide__ = True
        if not self._may_be_unused and (unused := self._book.unused()):
            hint = "the mail did not come that far, or allow_unused_faults() says that this is fine"
            raise AssertionError("\n".join(["scripted, and never happened:", *(f"  {one}" for one in unused), hint]))


def _trigger(phase: str, nth: int | None, recipient: str | None = None) -> Trigger:
    return Trigger(phase, recipient=recipient, nth=None if nth is None else counted(nth, "nth"))


def _reply(text: str) -> Reply:
    reader = ReplyReader()
    reader.feed(text.encode("utf-8", "replace") + b"\r\n")
    try:
        reply = reader.next_reply()
    except MalformedReply:
        reply = None
    if reply is None or reader.unread:
        raise ConfigurationError(
            f"not one SMTP reply: {text!r}",
            hint='write it as a server does, a code from 200 to 599 and a text: "450 4.2.0 greylisted"',
        )
    return reply


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
