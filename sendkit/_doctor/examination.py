"""The whole examination: each server of a mailer and the sender's domain, all at the same time, within one limit."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING

from sendkit._doctor.diagnosis import Diagnosis
from sendkit._doctor.domain import examine_domain
from sendkit._doctor.server import Examination
from sendkit._message.mailbox import mailbox_of
from sendkit._seam.transport import Transport
from sendkit._smtp.address import Address, AddressError, parse_address
from sendkit._transport.failover import FailoverTransport
from sendkit._transport.smtp import SMTPTransport
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dns.asyncresolver import Resolver

    from sendkit._message.dkim import Signer


async def diagnose(
    transport: Transport,
    *,
    sender: str | None = None,
    to: str | None = None,
    limit: float = 30,
    dkim_selector: str | None = None,
    resolver: Resolver | None = None,
    signers: Sequence[Signer] = (),
) -> Diagnosis:
    """Look at each server behind this transport, and at the sender's domain, in at most `limit` seconds.

    Raises ConfigurationError for an address that is none, and for a transport that reaches no server.
    """
    members = transport.transports if isinstance(transport, FailoverTransport) else (transport,)
    servers = [member for member in members if isinstance(member, SMTPTransport)]
    if not servers:
        hint = "make the mailer for a server, without transport= and SENDKIT_TRANSPORT"
        raise ConfigurationError("there is no server to examine: this mailer's transport reaches none", hint=hint)
    given, recipient = _address("sender", sender), _address("to", to)
    whole = asyncio.gather(*(Examination(one, given or _own(one), recipient).run(limit) for one in servers))
    author = given or _own(servers[0])
    if author is None or author.domain.startswith("["):
        return Diagnosis.of(chain(*await whole))
    domain = examine_domain(author.domain.lower(), servers[0], dkim_selector, resolver, limit, signers=signers)
    found, said = await asyncio.gather(whole, domain)
    return Diagnosis.of(chain(*found, said))


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
