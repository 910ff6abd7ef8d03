"""A session that may send: its connection, what the server offers, and how many messages are on it.

Where several share one, who writes and reads next is for `turns`. Must not know: how a session comes about.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from functools import partial

from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.facts import TLSFacts
from sendkit._smtp.steps import Mode, Report
from sendkit._wire.channel import Channel
from sendkit._wire.turns import Turns


@dataclass(slots=True, weakref_slot=True)
class Session:
    """A connection on which mail may be sent; what is known of it changes by its methods alone.

    `peer` is the server's IP address. `rset_due`: the last transaction may still be open at the server. `given_up`:
    nothing more may be written. `letters`: how many it has had. `aboard`: how many are on it, and `room`: how many may
    be, as the first of them said; `shared`: more than one. `transactions`: how many were started on it; `exhausted`: as
    many as the server announced to take (RFC 9422 section 4.1, MAILMAX).
    """

    channel: Channel
    capabilities: Capabilities
    tls: TLSFacts | None
    peer: str | None = None
    rset_due: bool = False
    transactions: int = 0
    turns: Turns = field(init=False)
    given_up: bool = field(default=False, init=False)
    letters: int = field(default=0, init=False)
    aboard: int = field(default=0, init=False)
    room: int = field(default=1, init=False)
    shared: bool = field(default=False, init=False)
    exhausted: bool = field(init=False)

    def __post_init__(self) -> None:
        self._count()
        self.turns = Turns(partial(_ready, weakref.ref(self)))  # no circle: it would hold the TLS context
        self.channel.listener = self.turns.call

    @property
    def idle(self) -> bool:
        """Whether no letter is on it."""
        return not self.aboard

    @property
    def has_room(self) -> bool:
        """Whether another letter may be put on it now."""
        return self.aboard < self.room and not self.given_up

    def add_letter(self, in_flight: int) -> None:
        """Put a letter on it; the first one on an idle session says how many there may be, as far as the server can."""
        if not self.aboard:
            self.room = in_flight if self.capabilities.ahead else 1
            self.shared = self.room > 1
        self.aboard += 1
        self.letters += 1

    def remove_letter(self) -> None:
        """A letter is done with it."""
        self.aboard -= 1

    def begin(self, mode: Mode) -> None:
        """A transaction begins; what is written ahead may be open at the server until its report says otherwise."""
        self.transactions += 1
        if self.capabilities.max_transactions is not None:
            self._count()
        self.rset_due = mode is not Mode.STEPWISE

    def end(self, report: Report) -> None:
        """A transaction is over."""
        self.rset_due |= not report.clean
        # A server that says no to MAIL after earlier messages may have had enough on this connection.
        self.given_up |= report.close or (report.turned_away and self.transactions > 1)
        if report.broken:
            self.channel.abort()

    def _count(self) -> None:
        most = self.capabilities.max_transactions
        self.exhausted = most is not None and self.transactions >= most

    def reset(self) -> None:
        """RSET was answered: no transaction is open."""
        self.rset_due = False

    def go_on(self, channel: Channel) -> None:
        """The same session on another channel, as a recording of one goes on."""
        self.channel = channel
        channel.listener = self.turns.call

    def give_up(self) -> None:
        """Nothing more may be written on it."""
        self.given_up = True


def _ready(session: weakref.ref[Session]) -> int:
    found = session()
    return 0 if found is None else found.channel.ready
