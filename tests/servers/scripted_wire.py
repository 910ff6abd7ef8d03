"""One accepted connection as octets: sent, received, recorded, cut, and ended in every way that a connection can end.

Knows: a non-blocking socket, TLS over it by hand (`ssl.SSLObject`), so that what is counted is what SMTP sees, and
what a peer sees at the end is exactly FIN, RST or a TLS close.
Must not know: SMTP commands (scripted_session) or when something goes wrong (scripted_faults).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import time
from typing import TYPE_CHECKING, NoReturn, TypeVar

from .scripted_faults import Ending
from .scripted_records import Octets

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scripted_records import Connection

T = TypeVar("T")
_READ = 65_536


class Gone(Exception):
    """The connection is over; `ending` says how the server has to leave it."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


class Wire:
    """Reads lines and octets, writes octets, and raises Gone when the connection ends or its limit is reached."""

    def __init__(self, sock: socket.socket, record: Connection, changed: Callable[[], None]) -> None:
        self._sock = sock
        self._record = record
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._writing = asyncio.Lock()
        self._buffer = bytearray()
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._left_in: int | None = None
        self._left_out: int | None = None
        self._cut = Ending.FIN
        if sock.family.name != "AF_UNIX":
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def tls(self) -> bool:
        """Whether TLS is up."""
        return self._tls is not None

    @property
    def buffered(self) -> bytes:
        """What was received and not read yet."""
        return bytes(self._buffer)

    def limit(self, received: int | None, sent: int | None, ending: Ending) -> None:
        """Go so when so many octets have come in or gone out."""
        self._left_in, self._left_out, self._cut = received, sent, ending

    def forget(self) -> None:
        """Throw away what was received and not read (RFC 3207 section 4.2)."""
        self._buffer.clear()

    async def read_line(self, limit: int) -> bytes:
        """The next line without its CRLF; of one that is too long, the first `limit` + 1 octets."""
        start = 0
        while (end := self._buffer.find(b"\r\n", start)) < 0:
            start = max(0, len(self._buffer) - 1)
            if start > limit:
                del self._buffer[limit + 1 : -1]
                start = max(0, len(self._buffer) - 1)
            await self._fill()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line[: limit + 1]

    async def read_body(self) -> bytes:
        """The lines up to and with the lone dot, as they came, behind a CRLF that stands for the end of DATA's line."""
        mark, start = b"\r\n.\r\n", 0
        self._buffer[:0] = b"\r\n"
        while (end := self._buffer.find(mark, start)) < 0:
            start = max(0, len(self._buffer) - len(mark) + 1)
            await self._fill()
        return self._consume(end + len(mark))

    async def read_exactly(self, count: int) -> bytes:
        """So many octets."""
        while len(self._buffer) < count:
            await self._fill()
        return self._consume(count)

    async def read_some(self) -> None:
        """Wait until something is there to read."""
        if not self._buffer:
            await self._fill()

    async def write(self, data: bytes, *, drip: float | None = None, record: bool = True) -> None:
        """Write the octets in one segment, or one by one with `drip` seconds between them."""
        if self._left_in == 0 and not self._buffer:
            # The limit was reached with this command: it was carried out, and nobody hears of it.
            raise Gone(self._cut)
        if drip is None:
            await self._write(data, record)
            return
        for octet in data:
            await self._write(bytes([octet]), record)
            await asyncio.sleep(drip)

    async def handshake(self, context: ssl.SSLContext) -> None:
        """Become the server side of TLS."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        try:
            await self._pump(tls.do_handshake)
        except OSError:
            # The client did not like what it saw, or went.
            raise Gone(Ending.CLOSE) from None
        self._tls = tls

    async def hang(self) -> NoReturn:
        """Take in everything and answer nothing, until the client goes."""
        while True:
            await self._fill()
            self._buffer.clear()

    async def end(self, ending: Ending) -> None:
        """Leave so. Unless by RST, what still comes is read and thrown away, since unread octets turn FIN into RST."""
        with contextlib.suppress(OSError):
            if ending is Ending.CLOSE and self._tls is not None:
                # SSLWantRead: our close is out, and the client's is not awaited.
                with contextlib.suppress(ssl.SSLWantReadError):
                    self._tls.unwrap()
                await self._flush()
            if ending is Ending.RST:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self._sock.shutdown(socket.SHUT_WR)
                while await self._loop.sock_recv(self._sock, _READ):
                    pass

    def close(self) -> None:
        """Give the socket back, whatever state it is in."""
        self._sock.close()

    def _consume(self, count: int) -> bytes:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    async def _fill(self) -> None:
        if self._left_in == 0:
            raise Gone(self._cut)
        try:
            data = await (self._pump(lambda: tls.read(_READ)) if (tls := self._tls) else self._receive())
        except OSError:
            # Reset by the client, or its TLS broke off.
            raise Gone(Ending.CLOSE) from None
        if not data:
            raise Gone(Ending.CLOSE)
        if self._left_in is not None:
            data = data[: self._left_in]
            self._left_in -= len(data)
        self._record.received.append(Octets(time.monotonic(), self.tls, data))
        self._buffer += data
        self._changed()

    async def _receive(self) -> bytes:
        return await self._loop.sock_recv(self._sock, _READ)

    async def _write(self, data: bytes, record: bool) -> None:
        last = self._left_out is not None and len(data) >= self._left_out
        if self._left_out is not None:
            data = data[: self._left_out]
            self._left_out -= len(data)
        if record and data:
            self._record.sent.append(Octets(time.monotonic(), self.tls, data))
        try:
            await self._put(data)
        except OSError:
            raise Gone(Ending.CLOSE) from None
        if last:
            raise Gone(self._cut)

    async def _put(self, data: bytes) -> None:
        if self._tls is None:
            async with self._writing:
                await self._loop.sock_sendall(self._sock, data)
        elif data:
            self._tls.write(data)
            await self._flush()

    async def _pump(self, step: Callable[[], T]) -> T:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                await self._flush()
                if data := await self._receive():
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            finally:
                await self._flush()

    async def _flush(self) -> None:
        async with self._writing:
            await self._loop.sock_sendall(self._sock, self._outgoing.read())
