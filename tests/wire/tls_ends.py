"""Both ends of a TLS connection over loopback: ours, and a server's that is OpenSSL in memory.

Every octet of the server's end passes through the test, which may cut it, hold it, or put others in its place.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from sendkit._wire.tls import TLSTransport
from tests.servers.authority import Authority, Certificate
from tests.waiting import LIMIT

T = TypeVar("T")
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
BLOCK = bytes(range(256)) * 256


class Near(asyncio.Protocol):
    """The protocol above: what it heard, and in which order it was told."""

    def __init__(self) -> None:
        self.heard, self.told = bytearray(), list[str]()
        self.error: Exception | None = None
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        self.heard += data
        if self.told[-1:] != ["data"]:
            self.told.append("data")

    def eof_received(self) -> None:
        self.told.append("eof")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append("lost")
        self.error = exc

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")


class Far:
    """The server's end. `piece`: so many octets are sent at a time; `limit`: after so many it hangs up."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, piece: int | None, limit: int | None) -> None:
        self.sock, self.piece, self.limit = sock, piece, limit
        self.sent = 0
        self.error: BaseException | None = None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    async def do(self, step: Callable[[], T]) -> T:
        """Take a step in TLS, with as much from the other side as it needs. Raises ssl.SSLError."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self.send(self.outgoing.read())
                data = await asyncio.get_running_loop().sock_recv(self.sock, len(BLOCK))
                self.incoming.write(data) if data else self.incoming.write_eof()
            else:
                await self.send(self.outgoing.read())
                return result

    async def send(self, octets: bytes) -> None:
        """Send octets as they are."""
        octets = octets if self.limit is None else octets[: max(self.limit - self.sent, 0)]
        for start in range(0, len(octets), self.piece or len(octets) or 1):
            piece = octets[start : start + (self.piece or len(octets))]
            await asyncio.get_running_loop().sock_sendall(self.sock, piece)
            self.sent += len(piece)
            await asyncio.sleep(0)
        if self.sent == self.limit:
            self.sock.close()

    async def say(self, plaintext: bytes, record: int = 1 << 14) -> None:
        """Send plaintext in records of this size."""
        for start in range(0, len(plaintext), record):
            self.tls.write(plaintext[start : start + record])
        await self.send(self.outgoing.read())

    async def hear(self, count: int) -> bytes:
        """So much plaintext; less, when a close_notify comes first."""
        heard = bytearray()
        while len(heard) < count and (more := await self.do(lambda: self.tls.read(len(BLOCK)))):
            heard += more
        return bytes(heard)


class Ends:
    """Both ends of one connection, and nothing said yet."""

    def __init__(self, ours: socket.socket, far: Far, context: ssl.SSLContext) -> None:
        self.ours, self.far, self.near = ours, far, Near()
        self.pump = TLSTransport(self.near, context, "localhost")

    async def below(self, *, starttls: bool = False) -> socket.socket | asyncio.Transport:
        """What TLS goes over; with `starttls` the protocol has been connected before."""
        if not starttls:
            return self.ours
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: self.near, sock=self.ours)
        return transport

    async def secure(self, *, starttls: bool = False) -> TLSTransport:
        """Shake hands at both ends; raises what ours raises."""
        below = await self.below(starttls=starttls)
        answering = asyncio.create_task(self.far.do(self.far.tls.do_handshake))
        try:
            return await self.pump.over(below)
        finally:
            await asyncio.wait([answering])
            self.far.error = answering.exception()

    async def end(self) -> list[str]:
        """What the protocol was told, once it was told the end."""
        await until(lambda: "lost" in self.near.told)
        for _ in range(5):
            await asyncio.sleep(0)
        return self.near.told


async def until(true: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(LIMIT):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)


@asynccontextmanager
async def line(
    authority: Authority,
    version: str = "1.3",
    kind: Certificate = Certificate.GOOD,
    piece: int | None = None,
    limit: int | None = None,
) -> AsyncIterator[Ends]:
    context = authority.client_context()
    context.maximum_version = VERSIONS[version]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    for sock in (ours, theirs):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with theirs:
        made = Ends(ours, Far(theirs, authority.server_context(kind), piece, limit), context)
        yield made
        if ours.fileno() >= 0:
            made.pump.abort()
        await until(lambda: ours.fileno() < 0)


class Program:
    """`openssl s_server` behind a connection of ours; `said` is all that it has printed, with every message of TLS."""

    def __init__(self, process: asyncio.subprocess.Process, near: Near) -> None:
        self.near, self.said = near, bytearray()
        self.pump: TLSTransport
        assert process.stdin
        assert process.stdout
        self.tell, self._out = process.stdin.write, process.stdout

    async def listen(self) -> None:
        """Keep what it prints."""
        while more := await self._out.read(len(BLOCK)):
            self.said += more

    def has(self, pattern: bytes) -> re.Match[bytes] | None:
        """Whether it has printed this."""
        return re.search(pattern, self.said, re.DOTALL)


@asynccontextmanager
async def s_server(authority: Authority, version: str) -> AsyncIterator[Program]:
    context = authority.client_context()
    context.maximum_version = VERSIONS[version]
    options = ("-accept", "127.0.0.1:0", "-cert", str(authority.pem()), "-msg", "-naccept", "1")
    process = await asyncio.create_subprocess_exec("openssl", "s_server", *options, stdin=PIPE, stdout=PIPE)
    program = Program(process, Near())
    listening = asyncio.create_task(program.listen())
    try:
        await until(lambda: program.has(rb"ACCEPT \S+:\d+\n"))
        port = program.has(rb"ACCEPT \S+:(\d+)\n")
        assert port
        sock = socket.create_connection(("127.0.0.1", int(port[1])))
        sock.setblocking(False)
        program.pump = await TLSTransport(program.near, context, "localhost").over(sock)
        yield program
        program.pump.close()
        await listening
    finally:
        with suppress(ProcessLookupError):
            process.kill()  # unless it has ended by itself
        await asyncio.gather(process.wait(), listening)
