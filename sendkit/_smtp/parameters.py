"""The parameters of MAIL and RCPT that a caller may ask for: one table, a row for each (RFC 5321 section 4.1.1.11).

RFC 3461 (DSN), RFC 6533 (its non-ASCII addresses), RFC 8689 (REQUIRETLS), RFC 4865 (FUTURERELEASE). A row says how the
parameter is written, what offers it, and what becomes of a message where it is not offered: it goes without, or not at
all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sendkit._smtp.address import Address
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.phase import Phase
from sendkit._smtp.verdict import Reason, Verdict, not_accepted
from sendkit._xtext import fits_envid, xtext

if TYPE_CHECKING:
    from sendkit._submission import SubmissionOptions

_LONGEST_ORCPT = 500  # RFC 3461 section 4.2


class Offer(NamedTuple):
    """What the server announced, and whether the connection is over TLS."""

    server: Capabilities
    tls: bool = True


class Asked(NamedTuple):
    """The options of one message, and the ENVID that it has unless they name one."""

    options: SubmissionOptions
    envid: str | None = None


Write = Callable[[Asked, Address | None], str | None]


class Row(NamedTuple):
    """One parameter: `write` gives it, or None where it is not asked for.

    `option` is the one that asks for it, "" where it is sent without one. Without `needed` a message goes without it
    to a server that does not offer it; with it, it is rejected for that reason. `beyond` says what exceeds the limits
    that the server announced.
    """

    command: Phase
    option: str
    extension: str
    offered: Callable[[Offer], bool]
    write: Write
    needed: Reason | None = None
    beyond: Callable[[Asked, Capabilities], str | None] = lambda asked, server: None


class Parameters(NamedTuple):
    """What goes with MAIL, and with the RCPT of each recipient; the options that the server does not know of.

    `refused`: what is asked for cannot be left out, and the server does not offer it.
    """

    mail: tuple[str, ...] = ()
    for_each: dict[Address, tuple[str, ...]] | None = None
    ignored: tuple[str, ...] = ()
    refused: Verdict | None = None


def _notify(asked: Asked, _: Address | None) -> str | None:
    words = asked.options.notify
    return f"NOTIFY={','.join(sorted(words, reverse=True)).upper()}" if words else None


def _orcpt(_: Asked, recipient: Address | None) -> str | None:
    if recipient is None:
        return None
    wire = recipient.wire
    value = f"rfc822;{xtext(wire)}" if wire.isascii() else f"utf-8;{_utf8_xtext(wire)}"
    return f"ORCPT={value}" if len(value) <= _LONGEST_ORCPT else None


def _utf8_xtext(text: str) -> str:
    """The form of an address that needs no SMTPUTF8 (RFC 6533 section 3)."""
    return "".join(char if "!" <= char <= "~" and char not in "+=\\" else f"\\x{{{ord(char):02X}}}" for char in text)


def _ret(asked: Asked, _: Address | None) -> str | None:
    return {"headers": "RET=HDRS", "full": "RET=FULL", None: None}[asked.options.ret]


def _envid(asked: Asked, _: Address | None) -> str | None:
    name = asked.options.envid or asked.envid
    return f"ENVID={xtext(name)}" if name and fits_envid(name) else None


def _require_tls(asked: Asked, _: Address | None) -> str | None:
    return "REQUIRETLS" if asked.options.require_tls else None


def _hold_for(asked: Asked, _: Address | None) -> str | None:
    return f"HOLDFOR={asked.options.seconds}" if asked.options.hold_for else None


def _hold_until(asked: Asked, _: Address | None) -> str | None:
    return f"HOLDUNTIL={asked.options.moment}" if asked.options.hold_until else None


def _too_long(asked: Asked, server: Capabilities) -> str | None:
    if server.max_hold is None or asked.options.seconds <= server.max_hold:
        return None
    return f"hold_for is {asked.options.seconds} s, and the server holds a message for at most {server.max_hold} s"


def _too_late(asked: Asked, server: Capabilities) -> str | None:
    if server.max_hold_until is None or asked.options.moment <= server.max_hold_until:
        return None
    return f"hold_until is {asked.options.moment}, and the server holds messages until {server.max_hold_until} at most"


def _dsn(offer: Offer) -> bool:
    return offer.server.dsn


def _requiretls(offer: Offer) -> bool:
    return offer.server.require_tls and offer.tls  # RFC 8689 section 2: over TLS alone


def _future(offer: Offer) -> bool:
    return offer.server.future_release


_LATER = Reason.NEEDS_FUTURERELEASE
ROWS: tuple[Row, ...] = (
    Row(Phase.MAIL, "ret", "DSN", _dsn, _ret),
    Row(Phase.MAIL, "envid", "DSN", _dsn, _envid),
    Row(Phase.RCPT, "notify", "DSN", _dsn, _notify),
    Row(Phase.RCPT, "", "DSN", _dsn, _orcpt),
    Row(Phase.MAIL, "require_tls", "REQUIRETLS", _requiretls, _require_tls, Reason.NEEDS_REQUIRETLS),
    Row(Phase.MAIL, "hold_for", "FUTURERELEASE", _future, _hold_for, _LATER, _too_long),
    Row(Phase.MAIL, "hold_until", "FUTURERELEASE", _future, _hold_until, _LATER, _too_late),
)


def parameters(asked: Asked, recipients: Sequence[Address], offer: Offer, rows: Sequence[Row] = ROWS) -> Parameters:
    """Write what is asked for, as far as it is offered."""
    given, offered = asked.options.given, [row for row in rows if row.offered(offer)]
    missing = [row for row in rows if row.option in given and row not in offered]
    for row in missing:
        if row.needed is not None:
            return Parameters(refused=not_accepted(Phase.MAIL, row.needed, _lacks(row, offer)))
    for row in offered:
        if row.needed is not None and row.option in given and (words := row.beyond(asked, offer.server)):
            return Parameters(refused=not_accepted(Phase.MAIL, row.needed, words))
    ignored = tuple(dict.fromkeys(row.option for row in missing))
    each = {one: tuple(_written(Phase.RCPT, asked, one, offered)) for one in recipients}
    return Parameters(tuple(_written(Phase.MAIL, asked, None, offered)), each, ignored)


def _written(command: Phase, asked: Asked, recipient: Address | None, offered: Sequence[Row]) -> list[str]:
    words = (row.write(asked, recipient) for row in offered if row.command is command)
    return [word for word in words if word]


def _lacks(row: Row, offer: Offer) -> str:
    why = f"the server does not offer {row.extension}"
    return why if offer.tls or row.option != "require_tls" else "the connection is not over TLS"
