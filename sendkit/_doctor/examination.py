"""The whole examination: each server of a mailer and the sender's domain, all at the same time, within one limit."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from sendkit._doctor.diagnosis import Check, Diagnosis, Finding, Status
from sendkit._doctor.domain import examine_domain
from sendkit._doctor.preflight import preflight
from sendkit._doctor.server import Examination
from sendkit._message.mailbox import mailbox_of
from sendkit._seam.transport import Transport
from sendkit._smtp.address import Address, AddressError, parse_address
from sendkit._transport.failover import FailoverTransport
from sendkit._transport.smtp import SMTPTransport
from sendkit._variables import VARIABLES, misspelt
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dns.asyncresolver import Resolver

    from sendkit._message.dkim import Signer
    from sendkit._message.letter import Letter


@dataclass(slots=True, frozen=True)
class Asked:
    """What the caller of `diagnose` said."""

    sender: str | None
    to: str | None
    dkim_selector: str | None
    resolver: Resolver | None


@dataclass(slots=True, frozen=True)
class Own:
    """What a mailer has of its own: its keys, a letter to be looked at, and whether it keeps to a rate."""

    signers: Sequence[Signer] = ()
    letter: Letter | None = None
    paced: bool = False


async def diagnose(transport: Transport, asked: Asked, own: Own, *, limit: float) -> Diagnosis:
    """Look at each server behind this transport, and at the sender's domain, in at most `limit` seconds.

    `own` is what the mailer brings along. Raises ConfigurationError for an address that is none, and for a transport
    that reaches no server.
    """
    members = transport.transports if isinstance(transport, FailoverTransport) else (transport,)
    servers = [member for member in members if isinstance(member, SMTPTransport)]
    if not servers:
        hint = "make the mailer for a server, without transport= and SENDKIT_TRANSPORT"
        raise ConfigurationError("there is no server to examine: this mailer's transport reaches none", hint=hint)
    given, recipient = _address("sender", asked.sender), _address("to", asked.to)
    author = given or _own(servers[0])
    whole = [Examination(one, given or _own(one), recipient, paced=own.paced).run(limit) for one in servers]
    whole += [_message(own.letter, transport, limit)] if own.letter is not None else []
    if author is not None and not author.domain.startswith("["):
        whole.append(_domain(author.domain.lower(), servers[0], asked, own, limit))
    return Diagnosis.of(chain(_environment(os.environ), *await asyncio.gather(*whole)))


def _environment(environ: Mapping[str, str]) -> list[Finding]:
    """Variables that say nothing, though somebody set them; no value is shown."""
    wrong = [
        (f"{name} is set, and is not known", f"did you mean {meant}?") for name, meant in misspelt(environ).items()
    ]
    empty = "give it a value, or unset it: an empty variable counts as not set"
    wrong += [(f"{name} is set, and is empty", empty) for name in VARIABLES if environ.get(name) == ""]
    return [_finding(Check.ENVIRONMENT, Status.WARNING, text, remedy) for text, remedy in wrong]


async def _domain(domain: str, server: SMTPTransport, asked: Asked, own: Own, limit: float) -> list[Finding]:
    return await examine_domain(domain, server, asked.dkim_selector, asked.resolver, limit, signers=own.signers)


async def _message(letter: Letter, transport: Transport, limit: float) -> list[Finding]:
    said = await preflight(letter, transport, limit=limit)
    found = [_finding(Check.MESSAGE, Status.WARNING, one.text, one.hint) for one in said]
    return found or [_finding(Check.MESSAGE, Status.OK, "nothing is to be said of it", None)]


def _finding(check: Check, status: Status, text: str, remedy: str | None) -> Finding:
    return Finding(check=check, status=status, text=text, remedy=remedy)


def _own(transport: SMTPTransport) -> Address | None:
    """The account's own address, where its username is one."""
    try:
        return parse_address(transport.username or "")
    except AddressError:
        return None


def _address(name: str, text: str | None) -> Address | None:
    try:
        return None if text is None else mailbox_of(text).address
    except AddressError as error:
        raise ConfigurationError(f"{name}: {error.problem}", hint=error.hint) from None
