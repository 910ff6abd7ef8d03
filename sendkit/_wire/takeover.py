"""The seam to aiosmtplib: the one place that knows how its client holds a connection.

aiosmtplib pairs one command with one reply, and hides the phase of a failure; so from MAIL on its transport gets a
protocol of ours. A contract test runs against every release that we allow, and fails when this no longer holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiosmtplib

from sendkit._smtp.verdict import Break, Failure
from sendkit._wire.channel import Channel
from sendkit._wire.failure import Broken


class Client(aiosmtplib.SMTP):
    """aiosmtplib's client, but closing it ends the connection at once.

    A TLS transport would else wait for the other side to say good-bye, which a hostile one never does.
    """

    def close(self) -> None:
        """Close, whatever the other side does."""
        transport = self.transport
        super().close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()


def when_answered(client: aiosmtplib.SMTP, noted: Callable[[int], None]) -> None:
    """Have `noted` called with the code of the next reply, as soon as it came.

    `starttls` goes on from the reply into the handshake, and what it raises does not tell which of the two failed.
    """
    protocol = client.protocol
    if protocol is None:
        raise Broken(Failure(Break.LOST, "the server closed the connection"))
    read, own = protocol.read_response, vars(protocol)

    async def read_response(timeout: float | None = None) -> aiosmtplib.SMTPResponse:  # noqa: ASYNC109 - aiosmtplib's own name
        del own["read_response"]
        response = await read(timeout)
        noted(response.code)
        return response

    own["read_response"] = read_response


def take_over(client: aiosmtplib.SMTP, mask: Callable[[bytes], bytes] | None = None) -> Channel:
    """Put a Channel in the place of the client's protocol. Raises Broken when the connection is no longer sound.

    `mask` takes out of the server's lines what must not be shown. The client must not be used afterwards.
    """
    check_unread(client)
    transport = client.transport
    if not isinstance(transport, asyncio.Transport) or transport.is_closing():
        raise Broken(Failure(Break.LOST, "the server closed the connection"))
    channel = Channel(transport, asyncio.get_running_loop(), mask)
    transport.set_protocol(channel)
    return channel


def check_unread(client: aiosmtplib.SMTP) -> None:
    """Raise Broken when octets lie behind the last reply: aiosmtplib would take them for the next one."""
    if client.protocol is not None and client.protocol._buffer:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see the law of this file
        raise Broken(Failure(Break.UNEXPECTED, "the server answered before it was asked"))
