"""What would go wrong with a message before it is sent: at its readers, and at the server that it goes through.

Asks the server what it offers, without logging in, and sends nothing (RFC 1870, RFC 6531).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sendkit._delivery.signed import octets_of, within
from sendkit._reading.lint import Advice, lint
from sendkit._seam.log import AttemptLog
from sendkit._transport.failover import FailoverTransport
from sendkit._transport.smtp import SMTPTransport
from sendkit._wire.failure import SessionFailed
from sendkit.errors import SendkitError

if TYPE_CHECKING:
    from sendkit._message.letter import Letter
    from sendkit._seam.transport import Transport
    from sendkit._smtp.capabilities import Capabilities


async def preflight(letter: Letter, transport: Transport, *, limit: float) -> tuple[Advice, ...]:
    """All that is to be said of this letter, with what its server says in at most `limit` seconds."""
    octets = await within(limit, octets_of(letter.content))
    found = [*lint(octets), *_of_one_click(octets)]
    servers = transport.transports if isinstance(transport, FailoverTransport) else (transport,)
    server = next((one for one in servers if isinstance(one, SMTPTransport)), None)
    if server is not None:
        try:
            async with asyncio.timeout(limit):
                found += _of_the_server(letter, server, await _offered(server))
        except (SessionFailed, SendkitError, TimeoutError) as error:
            text = f"{server.server.host} did not say what it takes: {str(error) or 'no answer in time'}"
            found.append(Advice("server", text, "run `sendkit doctor`"))
    return tuple(found)


async def _offered(server: SMTPTransport) -> Capabilities:
    session = await server.open(None, AttemptLog(()))
    try:
        await session.channel.quit(server.server.timeouts.quit)
    finally:
        session.channel.abort()
    return session.capabilities


def _of_the_server(letter: Letter, server: SMTPTransport, offered: Capabilities) -> Iterator[Advice]:
    host, size = server.server.host, letter.content.size
    if offered.max_size and size > offered.max_size:
        text = f"the message has {size:,} octets, and {host} takes {offered.max_size:,}"
        yield Advice("too-large", text, "send a link to the file")
    strange = [address.written for address in letter.recipients if address.utf8]
    if strange and not offered.smtputf8:
        text = f"{', '.join(strange)} need SMTPUTF8, which {host} lacks"
        yield Advice("smtputf8", text, "write to another address of theirs")


def _of_one_click(octets: bytes) -> Iterator[Advice]:
    head = octets.partition(b"\r\n\r\n")[0].lower()
    if b"\nlist-unsubscribe-post:" in head and b"dkim-signature:" not in head:
        text = "nothing signs List-Unsubscribe-Post here, and unsigned it is not believed (RFC 8058 section 4)"
        yield Advice("unsigned-one-click", text, "give the mailer dkim=, unless the server signs this field")
