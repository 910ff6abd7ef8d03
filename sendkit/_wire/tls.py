"""TLS under an SMTP session: records from and to a plain transport, plaintext to and from the protocol above.

RFC 8446, RFC 5246; RFC 8314 section 3.3 (TLS first) and RFC 3207 section 4 (behind a 220). asyncio's own TLS needs more
time for each message that is sent by itself, and at the end it waits for the other side's close_notify.
Knows the `ssl` module and the public interfaces of asyncio. Must not know SMTP, nor whom to trust: the context does.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any, Self, cast

from sendkit._lifetime import threads
from sendkit._server.tls_memory import TLSMemory
from sendkit._wire.resumption import ResumableTLS

# The plaintext of one record, which is as much as one read returns (RFC 8446 section 5.1).
_RECORD = 1 << 14


def _shown(tls: ssl.SSLObject) -> bytes | None:
    """The certificate (DER) that the server showed and nobody trusts, where OpenSSL keeps it (from 3.0 on)."""
    inner: Any = getattr(tls, "_sslobj", None)  # Python 3.13 has it in public: SSLObject.get_unverified_chain
    chain: list[Any] = (inner.get_unverified_chain() or []) if hasattr(inner, "get_unverified_chain") else []
    return chain[0].public_bytes(2) if chain else None  # _ssl.ENCODING_DER


async def begin_tls(
    below: socket.socket | asyncio.Transport,
    protocol: asyncio.Protocol,
    context: ssl.SSLContext,
    server_hostname: str,
    memory: TLSMemory | None = None,
) -> TLSTransport:
    """Shake hands over a connected socket, or the transport of the protocol; raises OSError, and closes it then.

    A session is taken up from the `memory`, where the context's connections can.
    """
    try:
        tls = TLSTransport(protocol, context, server_hostname, memory)
    except BaseException:
        below.close()
        raise
    return await tls.over(below)


class TLSTransport(asyncio.Transport, asyncio.BufferedProtocol):
    """The transport of the protocol above, and the protocol of the plain transport below; `over` begins."""

    def __init__(
        self,
        protocol: asyncio.Protocol,
        context: ssl.SSLContext,
        server_hostname: str,
        memory: TLSMemory | None = None,
    ) -> None:
        super().__init__()
        self._raw: asyncio.Transport
        self._protocol = protocol
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)
        if isinstance(self._tls, ResumableTLS):
            self._tls.memory = memory
        self._handshake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Without a buffer of our own, asyncio asks for a new one of 256 kB for each reply.
        self._received = memoryview(bytearray(4 * _RECORD))
        # Whether the protocol above knows that it is connected; whether TLS is up; whether either side ends it.
        self._connected, self._secure, self._closing = False, False, False
        self._error: Exception | None = None
        # Plaintext that TLS does not take yet. While there is some, or the buffer below is full, the one above pauses.
        self._waiting = b""
        self._full_below = self._full = False

    async def over(self, below: socket.socket | asyncio.Transport) -> Self:
        """Shake hands over a connected socket, or the transport of the protocol; raises OSError, and closes it then."""
        if isinstance(below, socket.socket):
            await asyncio.get_running_loop().create_connection(lambda: self, sock=below)
        else:
            self._connected = True
            below.set_protocol(self)
            self.connection_made(below)
        try:
            await self._handshake
        except BaseException:
            self.abort()
            raise
        return self

    # What the plain transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._raw = cast("asyncio.Transport", transport)
        self._came_to(self._step())

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._received

    def buffer_updated(self, nbytes: int) -> None:
        self._incoming.write(self._received[:nbytes])
        self._receive() if self._secure else self._go_on()

    def eof_received(self) -> bool:
        if self._secure and not self._closing:
            self._closing = True
            self._protocol.eof_received()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        error = self._error or exc
        if not self._handshake.done():
            self._handshake.set_exception(error or ConnectionResetError("the server closed it in the TLS handshake"))
            self._handshake.exception()  # retrieved, since whoever waited may have gone
        # Nobody is above from now on, which also breaks the circle that would keep all this in memory.
        protocol, self._protocol = self._protocol, asyncio.Protocol()
        if self._connected:
            protocol.connection_lost(error)

    def pause_writing(self) -> None:
        self._full_below = True
        self._tell_if_full()

    def resume_writing(self) -> None:
        self._full_below = False
        self._tell_if_full()

    # What the protocol above calls.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data and not self._closing:
            self._waiting = b"".join((self._waiting, data)) if self._waiting else bytes(data)
            if self._secure:
                self._send()

    def close(self) -> None:
        """Send what is left and a close_notify, and close; that of the other side is not waited for."""
        if not self._secure:
            self.abort()
        elif not self._closing:
            self._closing = True
            self._send()

    def abort(self) -> None:
        self._closing = True
        self._raw.abort()

    def is_closing(self) -> bool:
        return self._closing or self._raw.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "ssl_object":
            return self._tls
        return self._tls.context if name == "sslcontext" else self._raw.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast("asyncio.Protocol", protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def pause_reading(self) -> None:
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        self._raw.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._raw.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._raw.get_write_buffer_size() + len(self._waiting)

    # The pump.

    def _go_on(self) -> None:
        """Answer what the server said in the handshake, on a thread, which alone uses the TLS object meanwhile.

        To verify a certificate OpenSSL looks for its authority in a folder (`SSL_CERT_DIR`, capath), and its disk may
        hang; truststore asks the operating system.
        """
        self._raw.pause_reading()
        try:
            stepped = asyncio.wrap_future(threads.start(self._step))
        except threads.NoThread:
            self._stepped(self._step())
        else:
            stepped.add_done_callback(lambda _: self._stepped(stepped.result()))

    def _step(self) -> Exception | None:
        try:
            self._tls.do_handshake()
        except Exception as error:  # noqa: BLE001 - handed to the event loop; its traceback would be a circle
            return error.with_traceback(None)
        return None

    def _stepped(self, error: Exception | None) -> None:
        if not self._closing:
            self._raw.resume_reading()
            self._came_to(error)

    def _came_to(self, error: Exception | None) -> None:
        if isinstance(error, ssl.SSLWantReadError):
            self._raw.write(self._outgoing.read())
        elif error is not None:
            self._fail(error)
        else:
            self._secure = True
            if not self._connected:
                self._connected = True
                self._protocol.connection_made(self)
            if not self._handshake.done():
                self._handshake.set_result(None)
            self._receive()  # the last flight may have more behind it, and one of ours waits to go out

    def _receive(self) -> None:
        """Decrypt all that is there, hand it up in one piece, and send what TLS has to answer."""
        plaintext, ended, failure = b"", False, None
        try:
            while self._incoming.pending and not ended:
                plaintext += (piece := self._tls.read(_RECORD))
                ended = not piece  # that was a close_notify, behind which nothing counts (RFC 8446 section 6.1)
        except ssl.SSLWantReadError:
            pass  # half a record, or one for TLS itself
        except ssl.SSLError as error:
            failure = error
        if plaintext and not self._closing:
            self._protocol.data_received(plaintext)
        if failure is not None:
            self._fail(failure)
        elif ended and not self._closing:
            self._protocol.eof_received()
            self.close()
        elif self._waiting or self._outgoing.pending:
            self._send()

    def _send(self) -> None:
        """Encrypt and send what waits, and when nothing more will come, a close_notify."""
        try:
            while self._waiting:
                self._waiting = self._waiting[self._tls.write(self._waiting) :]
            if self._closing:
                self._tls.unwrap()
        except ssl.SSLWantReadError:
            pass  # a renegotiation (RFC 5246 section 7.4.1) goes first; the other side's close_notify is not waited for
        except ssl.SSLError as error:
            self._fail(error)
            return
        self._raw.write(self._outgoing.read())
        if self._waiting or self._full:
            self._tell_if_full()
        if self._closing and not self._waiting:
            self._raw.close()

    def _tell_if_full(self) -> None:
        if (full := self._full_below or bool(self._waiting)) != self._full:
            self._full = full
            self._protocol.pause_writing() if full else self._protocol.resume_writing()

    def _fail(self, error: Exception) -> None:
        if isinstance(error, ssl.SSLCertVerificationError):
            vars(error)["certificate"] = _shown(self._tls)
        self._error = error
        self._raw.write(self._outgoing.read())  # the alert tells the server why (RFC 8446 section 6.2)
        self.abort()
