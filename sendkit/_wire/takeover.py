"""The seam to aiosmtplib: the one place that knows how its client holds a connection.

aiosmtplib opens connections and TLS by asyncio's means, pairs one command with one reply, and hides the phase of a
failure. So its protocol gets a connection, and TLS, from us; and from MAIL on a protocol of ours is in its place. A
contract test runs against every release that we allow, and fails when this no longer holds.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from sendkit._server.tls_memory import TLSMemory
from sendkit._smtp.reply import Mask
from sendkit._smtp.verdict import Break, Failure
from sendkit._wire.channel import Channel
from sendkit._wire.failure import Broken
from sendkit._wire.tls import begin_tls


class LoginClient(aiosmtplib.SMTP):
    """aiosmtplib's client, but what it does in one go has its steps here: `open`, `greeting`, and perhaps `secure`."""

    memory: TLSMemory | None = None

    async def open(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        """Take a connected socket, and shake hands first if there is a context (RFC 8314 section 3.3).

        Raises OSError, of which ssl.SSLError is one.
        """
        protocol = SMTPProtocol(connection_lost_callback=lambda _: self.close())
        if context is None:
            loop = asyncio.get_running_loop()
            self.transport, _ = await loop.create_connection(lambda: protocol, sock=sock)
        else:
            self.transport = await begin_tls(sock, protocol, context, self.hostname or "", self.memory)
        self.protocol = protocol

    async def lhlo(self) -> aiosmtplib.SMTPResponse:
        """What LMTP says in the place of EHLO (RFC 2033 section 4.1). Raises SMTPHeloError."""
        response = await self.execute_command(b"LHLO", (self.local_hostname or "").encode("ascii"), timeout=None)
        self.last_ehlo_response = response
        if response.code != aiosmtplib.SMTPStatus.completed:
            raise aiosmtplib.SMTPHeloError(response.code, response.message)
        return response

    async def greeting(self) -> aiosmtplib.SMTPResponse:
        """What the server says first."""
        protocol, _ = self._held()
        return await protocol.read_response()

    async def secure(self, context: ssl.SSLContext) -> None:
        """Shake hands, once the server said 220 to STARTTLS; raises like `open`.

        What came in the clear is forgotten, be it behind the 220 (RFC 3207 section 4.2) or before.
        """
        protocol, transport = self._held()
        protocol._buffer.clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see the law of this file
        tls = await begin_tls(transport, protocol, context, self.hostname or "", self.memory)
        self.transport = protocol.transport = tls
        self._reset_server_state()

    def close(self) -> None:
        """Close at once: what is not sent yet would else keep the connection for as long as a server does not read."""
        transport = self.transport
        super().close()
        if transport is not None:
            _full(transport).abort()

    def let_go(self) -> None:
        """Another has the connection: client and protocol hold each other, and through the transport a TLS context."""
        self.protocol = self.transport = None

    def _held(self) -> tuple[SMTPProtocol, asyncio.Transport]:
        if self.protocol is None or self.transport is None:
            raise aiosmtplib.SMTPServerDisconnected("the server closed the connection")
        return self.protocol, _full(self.transport)


def take_over(client: aiosmtplib.SMTP, mask: Mask | None = None) -> Channel:
    """Put a Channel in the place of the client's protocol. Raises Broken when the connection is no longer sound.

    `mask` takes out of the server's lines what must not be shown. The client must not be used afterwards.
    """
    check_unread(client)
    if client.transport is None or client.transport.is_closing():
        raise Broken(Failure(Break.LOST, "the server closed the connection"))
    transport = _full(client.transport)
    channel = Channel(transport, asyncio.get_running_loop(), mask)
    transport.set_protocol(channel)
    return channel


def check_unread(client: aiosmtplib.SMTP) -> None:
    """Raise Broken when octets lie behind the last reply: aiosmtplib would take them for the next one."""
    if client.protocol is not None and client.protocol._buffer:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see the law of this file
        raise Broken(Failure(Break.UNEXPECTED, "the server answered before it was asked"))


def _full(transport: asyncio.BaseTransport) -> asyncio.Transport:
    # Not by isinstance: uvloop's transports do what asyncio's do, and descend from none of them.
    return cast("asyncio.Transport", transport)
