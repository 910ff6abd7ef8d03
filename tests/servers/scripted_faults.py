"""The faults that only a real wire has, added to the one fault language (`sendkit._transport.script`).

Knows: octets, segments, how a connection can end, and where in them a lie can stand.
Must not know: sockets and loops (scripted_wire), or SMTP's own rules (scripted_session).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Self

from sendkit._smtp.phase import Phase
from sendkit._transport.rules import Action, ActionKind, Trigger
from sendkit._transport.script import ConnectRule, Vocabulary
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit._smtp.reply import Reply

CUT, EHLO_IN_TLS, CHALLENGE = "cut", "ehlo_in_tls", "challenge"
GARBAGE = bytes([0x16, 0x03, 0x01, 0xFF, 0x00, 0x80]) + b"\xfe garbage \x1b[2J\r\n"


class Ending(Enum):
    """What becomes of the connection after an action. FIN and RST come without a TLS close: the peer just goes."""

    STAY = "stay"
    CLOSE = "close"
    FIN = "fin"
    RST = "rst"
    HANG = "hang"


@dataclass(slots=True, frozen=True)
class WireAction(Action):
    """What to write instead of the usual reply (`data=None`: the usual one), how, and how it ends.

    `stray` goes behind it in the same segment, or `late` seconds after it. `drip` writes one octet every so many
    seconds. `endless` is written until the client goes. `accept`: whether the command counts as carried out, where the
    octets do not say it. `held`: only after `release()`.
    """

    data: bytes | None = None
    stray: bytes = b""
    late: float | None = None
    delay: float = 0
    drip: float | None = None
    endless: bytes = b""
    ending: Ending = Ending.STAY
    accept: bool | None = None
    held: bool = False
    cut_received: int | None = None
    cut_sent: int | None = None

    def said(self, usual: bytes) -> bytes:
        """The octets of the reply proper."""
        return usual if self.data is None else self.data

    def carries_out(self, usual: bytes, success: bytes) -> bool:
        """Whether the server does what the command asks for. `success` is the first digit of a reply that says so."""
        return (self.said(usual) if self.accept is None else usual).startswith(success) and self.accept is not False


class WireRule(ConnectRule):
    """A place in the session, and what goes over the wire there. A reply of 421 closes the connection behind it."""

    def reply(self, text: str, *, times: int | None = None) -> Self:
        """As a server answers; a TLS handshake carries no reply."""
        if self._trigger.phase == Phase.TLS:
            raise ConfigurationError(f"{self._trigger} cannot reply", hint="use raw(…)")
        return super().reply(text, times=times)

    def refuse(self, *, times: int | None = None) -> Self:
        """Refuse the connection itself."""
        if self._trigger.phase != Phase.CONNECT:
            raise ConfigurationError(f"{self._trigger} cannot refuse", hint="only a connection can be refused")
        return super().refuse(times=times)

    def raw(
        self, data: bytes, *, ending: Ending = Ending.STAY, accept: bool | None = None, times: int | None = None
    ) -> Self:
        """Answer with these octets, whatever they are, and end so."""
        return self._then(WireAction(ActionKind.REPLY, data=data, ending=ending, accept=accept), times)

    def drop(self, *, times: int | None = None, rst: bool = False, accept: bool = True) -> Self:
        """Read the command, answer nothing, and go: by FIN, or by RST. After the data: `accept=False` loses it."""
        ending = Ending.RST if rst else Ending.FIN
        return self._then(WireAction(ActionKind.DROP, data=b"", ending=ending, accept=accept), times)

    def answer_and_drop(self, *, times: int | None = None, rst: bool = False, ending: Ending | None = None) -> Self:
        """Answer as usual, and go before anything more is read."""
        return self._then(WireAction(ActionKind.REPLY, ending=ending or (Ending.RST if rst else Ending.FIN)), times)

    def silence(self, *, times: int | None = None, accept: bool = True) -> Self:
        """Answer nothing and keep the connection open."""
        return self._then(WireAction(ActionKind.SILENCE, data=b"", ending=Ending.HANG, accept=accept), times)

    def drip(self, data: bytes | None = None, *, interval: float = 1.0, times: int | None = None) -> Self:
        """Answer one octet every `interval` seconds."""
        return self._then(WireAction(ActionKind.REPLY, data=data, drip=interval), times)

    def delay(self, seconds: float, *, times: int | None = None) -> Self:
        """Answer as usual, but only after so many seconds."""
        return self._then(WireAction(ActionKind.REPLY, delay=seconds), times)

    def hold(self, *, times: int | None = None) -> Self:
        """Answer as usual, but only when the test calls `server.release()`."""
        return self._then(WireAction(ActionKind.REPLY, held=True), times)

    def garbage(self, *, times: int | None = None) -> Self:
        """Answer with octets that are no SMTP."""
        return self._then(WireAction(ActionKind.REPLY, data=GARBAGE, accept=True), times)

    def endless_line(self, *, times: int | None = None) -> Self:
        """Answer with a line that never ends."""
        return self._then(WireAction(ActionKind.REPLY, data=b"250 ", endless=b"x" * 8192, accept=True), times)

    def endless_reply(self, *, code: int = 250, times: int | None = None) -> Self:
        """Answer with continuation lines that never end."""
        return self._then(
            WireAction(ActionKind.REPLY, data=b"", endless=b"%d-more\r\n" % code * 800, accept=True), times
        )

    def long_reply(self, octets: int, *, code: int = 250, times: int | None = None) -> Self:
        """Answer with one well-formed reply of at least so many octets, in lines of 500."""
        line = b"-" + b"x" * 494 + b"\r\n"
        lines = (b"%d" % code + line) * (octets // 500 + 1)
        return self._then(WireAction(ActionKind.REPLY, data=lines + b"%d end\r\n" % code), times)

    def mixed_codes(self, first: int = 250, last: int = 550, *, times: int | None = None) -> Self:
        """Answer with a reply of two lines that have different codes. The server means the last one."""
        return self._then(
            WireAction(ActionKind.REPLY, data=b"%d-one\r\n%d two\r\n" % (first, last), accept=last < 400), times
        )

    def stray(
        self, data: bytes, *, late: float | None = None, ending: Ending = Ending.STAY, times: int | None = None
    ) -> Self:
        """Answer as usual, and these octets behind it: in the same segment, or `late` seconds after it.

        Behind the 220 to STARTTLS they go out in the clear, before the handshake (STARTTLS injection).
        """
        return self._then(WireAction(ActionKind.REPLY, stray=data, late=late, ending=ending), times)

    def cut(
        self, *, received: int | None = None, sent: int | None = None, rst: bool = False, times: int | None = None
    ) -> Self:
        """For `on_cut()`: go when so many octets came in, or went out, on this connection. TLS's own do not count."""
        ending = Ending.RST if rst else Ending.FIN
        return self._then(WireAction(ActionKind.REPLY, ending=ending, cut_received=received, cut_sent=sent), times)

    def _then(self, action: Action, times: int | None) -> Self:
        if not isinstance(action, WireAction):
            action = _on_the_wire(action)
        return super()._then(action, times)


class WireScript(Vocabulary[WireRule, WireRule, WireRule]):
    """The fault language with the places that only a wire has."""

    def on_ehlo_in_tls(self, *, nth: int | None = None) -> WireRule:
        """EHLO inside TLS; goes before `on_ehlo()`."""
        return self._at(EHLO_IN_TLS, nth)

    def on_challenge(self, *, nth: int | None = None) -> WireRule:
        """Within AUTH, where the server would say 334."""
        return self._at(CHALLENGE, nth)

    def on_cut(self) -> WireRule:
        """The connection as a whole; goes with `.cut(…)`."""
        return self._at(CUT, None)

    def wire_action(
        self, phase: str, *, recipient: str | None = None, connection: int | None = None
    ) -> WireAction | None:
        """What to do here, or None for the usual."""
        action = self.action(phase, recipient=recipient, connection=connection)
        return action if isinstance(action, WireAction) else None

    def _rule(self, trigger: Trigger) -> WireRule:
        return WireRule(self._book, trigger)

    _fault = _connection = _rule


def _on_the_wire(action: Action) -> WireAction:
    if action.kind is ActionKind.REFUSE:
        return WireAction(action.kind, data=b"", ending=Ending.RST)
    reply = action.reply
    assert reply is not None
    ending = Ending.CLOSE if reply.code == 421 else Ending.STAY
    return WireAction(action.kind, reply, data=octets(reply), ending=ending)


def octets(reply: Reply) -> bytes:
    """A reply as a server writes it; the enhanced code stands in each of its lines (RFC 2034 section 4)."""
    *firsts, last = [" ".join(filter(None, (reply.enhanced, line))) for line in reply.text.split("\n")]
    lines = [f"{reply.code}-{line}" for line in firsts] + [f"{reply.code} {last}".rstrip()]
    return "".join(f"{line}\r\n" for line in lines).encode()
