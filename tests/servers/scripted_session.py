"""One SMTP session of the scripted server: the greeting, EHLO, the loop, and the way it answers (RFC 5321 section 3).

Knows: a wire, the server's settings and its script. It behaves as a well-written server wherever the script is silent.
Must not know: sockets, threads, or the commands that scripted_login (STARTTLS, AUTH) and scripted_mail add.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import TYPE_CHECKING

from sendkit._smtp.phase import Phase
from sendkit._transport.rules import ActionKind

from .scripted_faults import CUT, EHLO_IN_TLS, Ending
from .scripted_records import Line
from .scripted_wire import Gone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .scripted import ScriptedServer
    from .scripted_faults import WireAction
    from .scripted_records import Connection
    from .scripted_wire import Wire

# RFC 4954 section 4 asks for the longest line of all commands.
LONGEST_LINE = 12_288
_UNKNOWN = "500 5.5.2 No such command"
_LAST = re.compile(rb"[2-5][0-9][0-9] [^\r\n]*")
_ENHANCED = re.compile(rb"^(\d{3}[ -])\d\.\d+\.\d+ ")


class Session:
    """Reads commands and answers them; a command `XYZ` is carried out by `do_xyz`."""

    def __init__(self, server: ScriptedServer, wire: Wire, record: Connection) -> None:
        self.server = server
        self.wire = wire
        self.record = record
        self.greeted = self.extended = self._refused = self.authenticated = False
        self._leaving = Ending.CLOSE
        self._later: set[asyncio.Task[None]] = set()
        self._serving: asyncio.Task[Ending] | None = None

    async def run(self) -> None:
        """Serve until one side ends the connection, end it in the way that is due, and leave nothing behind."""
        self._serving = asyncio.create_task(self._serve())
        try:
            await asyncio.wait({self._serving})
            ending = self._leaving if self._serving.cancelled() else self._serving.result()
            await self._cancel_later()
            await self.wire.end(ending)
        finally:
            self._serving.cancel()
            await asyncio.wait({self._serving})
            await self._cancel_later()
            self.wire.close()
            self.record.ended = True
            self.server.changed()

    def leave(self, ending: Ending) -> None:
        """End the connection now, whatever it is busy with."""
        if self._serving:
            self._leaving = ending
            self._serving.cancel()

    @property
    def capabilities(self) -> list[str]:
        """What EHLO announces here and now."""
        return list(self.server.capabilities_in_tls if self.wire.tls else self.server.capabilities)

    def announced(self, keyword: str) -> str | None:
        """The parameters of an extension that is in force, or None."""
        for capability in self.capabilities if self.extended else ():
            name, _, parameters = capability.partition(" ")
            if name.upper() == keyword:
                return parameters
        return None

    @property
    def ready(self) -> str | None:
        """What is wrong before any command of a mail transaction, as a reply."""
        if self._refused or not self.greeted:
            return "503 5.5.1 Send EHLO first"
        if self.server.auth_required and not self.authenticated:
            return "530 5.7.0 Authentication required"
        return None

    async def answer(
        self,
        usual: str,
        *phases: str,
        recipient: str | None = None,
        success: bytes = b"2",
        then: Callable[[], None] | None = None,
    ) -> bool:
        """Say the usual reply, or what the script says for the first of the phases that it names.

        Returns whether the command counts as carried out, and calls `then` if so, before the first octet goes out.
        """
        octets = self._octets(usual)
        action = self.ask(*phases, recipient=recipient)
        if action is None:
            action = self.server.usual
        carried_out = action.carries_out(octets, success)
        if carried_out and then:
            then()
        await self.perform(action, octets)
        return carried_out

    def ask(self, *phases: str, recipient: str | None = None) -> WireAction | None:
        """What the script says for the first of the phases that it names; nothing, if it names none."""
        for phase in phases:
            if action := self.server.wire_action(phase, recipient=recipient, connection=self.record.number):
                return action
        return None

    async def perform(self, action: WireAction, usual: bytes = b"") -> None:
        """Do what an action says. Raises Gone when it ends the connection."""
        if action.held:
            await self.server.released()
        await asyncio.sleep(action.delay)
        stray = action.stray if action.late is None else b""
        with self._silent() if action.drip else contextlib.nullcontext():
            await self.wire.write(self._with_echoes(action.said(usual)) + stray, drip=action.drip)
        while action.endless:
            await self.wire.write(action.endless, record=False)
            await asyncio.sleep(0)
        if action.late is not None:
            self._later.add(asyncio.create_task(self._say_late(action, action.late)))
        elif action.ending is Ending.HANG:
            with self._silent():
                await self.wire.hang()
        elif action.ending is not Ending.STAY:
            raise Gone(action.ending)

    @contextlib.contextmanager
    def _silent(self) -> Iterator[None]:
        """What is waited for does not come meanwhile, or only by drops."""
        ended = self.server.silence()
        try:
            yield
        finally:
            ended()

    async def do_ehlo(self, argument: str) -> None:
        """RFC 5321 section 4.1.1.1; LMTP does not have it (RFC 2033 section 4.1)."""
        await (self._say(_UNKNOWN) if self.server.lmtp else self._extended(argument))

    async def do_lhlo(self, argument: str) -> None:
        """RFC 2033 section 4.1."""
        await (self._extended(argument) if self.server.lmtp else self._say(_UNKNOWN))

    async def _extended(self, argument: str) -> None:
        lines = [f"{self.server.host} greets {argument or 'nobody'}", *self.capabilities]
        usual = "\r\n".join(f"250{' ' if last else '-'}{line}" for line, last in _with_last(lines))
        await self._greet(usual, extended=True)

    async def do_helo(self, argument: str) -> None:
        """RFC 5321 section 4.1.1.1; no extension is in force then."""
        if self.server.lmtp:
            await self._say(_UNKNOWN)
            return
        await self._greet(f"250 {self.server.host} greets {argument or 'nobody'}", extended=False)

    async def do_rset(self, argument: str) -> None:
        """RFC 5321 section 4.1.1.5."""
        usual = "501 5.5.4 RSET takes no parameter" if argument else "250 2.0.0 Ok"
        await self.answer(usual, Phase.RSET, then=self.reset)

    async def do_noop(self, _: str) -> None:
        """RFC 5321 section 4.1.1.9."""
        await self.answer("250 2.0.0 Ok", "noop")

    async def do_quit(self, _: str) -> None:
        """RFC 5321 section 4.1.1.10."""
        await self.answer("221 2.0.0 Bye", Phase.QUIT)
        raise Gone(Ending.CLOSE)

    def reset(self) -> None:
        """Forget the transaction."""

    def note(self, text: str) -> None:
        """Record a line of the client."""
        self.record.lines.append(Line(time.monotonic(), self.wire.tls, text))
        self.server.changed()

    async def handshake(self) -> None:
        """Bring TLS up; the session starts afresh (RFC 3207 section 4.2)."""
        if (action := self.ask(Phase.TLS)) is not None:
            await self.perform(action)
            if action.data is not None:
                raise Gone(Ending.CLOSE)
        if self.server.tls is None:
            raise ValueError("this server has no TLS context")
        await self.wire.handshake(self.server.tls)
        self.greeted = self.extended = self.authenticated = False
        self.reset()

    async def _serve(self) -> Ending:
        try:
            await self._open()
            while True:
                await self._obey(await self.wire.read_line(LONGEST_LINE))
        except Gone as gone:
            return gone.ending

    async def _open(self) -> None:
        if (cut := self.ask(CUT)) is not None:
            self.wire.limit(cut.cut_received, cut.cut_sent, cut.ending)
        action = self.ask(Phase.CONNECT) or self.server.usual
        if action.kind is ActionKind.REFUSE:
            raise Gone(action.ending)
        if self.server.implicit_tls:
            await self.handshake()
        greeting = f"220 {self.server.host} ESMTP scripted".encode() + b"\r\n"
        self._refused = not action.carries_out(greeting, b"2")
        await self.perform(action, greeting)

    async def _obey(self, line: bytes) -> None:
        text = line.decode("utf-8", "surrogateescape")
        self.note(text)
        verb, _, argument = text.partition(" ")
        command = getattr(self, f"do_{verb.lower()}", None) if verb.isascii() and verb.isalpha() else None
        if self.server.refuses_pipelining and self.wire.buffered and self.announced("PIPELINING") is None:
            await self._say("500 5.5.0 Pipelining is not supported")
            raise Gone(Ending.CLOSE)
        if len(line) > LONGEST_LINE:
            await self._say("500 5.5.2 Line too long")
        elif command is None:
            await self._say(_UNKNOWN)
        elif self._refused and verb.upper() != "QUIT":
            await self._say("503 5.5.1 This server serves nobody now")
        else:
            await command(argument)

    async def _greet(self, usual: str, *, extended: bool) -> None:
        phases = (EHLO_IN_TLS, Phase.EHLO) if self.wire.tls else (Phase.EHLO,)
        if await self.answer(usual, *phases, then=self.reset):
            self.greeted, self.extended = True, extended

    async def _say(self, usual: str) -> None:
        await self.wire.write(self._with_echoes(self._octets(usual)))

    def _with_echoes(self, octets: bytes) -> bytes:
        """A reply with more lines behind its own; what is no reply, and a challenge, as it is."""
        *others, last = octets.removesuffix(b"\r\n").split(b"\r\n")
        code = last[:3]
        if not _LAST.fullmatch(last) or code == b"334" or not self.server.echoes or octets[-2:] != b"\r\n":
            return octets
        if any(line[:4] != code + b"-" for line in others):
            return octets
        texts = [line[4:] for line in (*others, last)] + [echo.encode() for echo in self.server.echoes]
        lines = [code + b"-" + text for text in texts[:-1]] + [code + b" " + texts[-1]]
        return b"".join(line + b"\r\n" for line in lines)

    def _octets(self, reply: str) -> bytes:
        octets = reply.encode() + b"\r\n"
        return octets if self.announced("ENHANCEDSTATUSCODES") is not None else _ENHANCED.sub(rb"\1", octets)

    async def _say_late(self, action: WireAction, seconds: float) -> None:
        await asyncio.sleep(seconds)
        # The session ended before its last word.
        with contextlib.suppress(Gone):
            await self.wire.write(action.stray)
            if action.ending is not Ending.STAY:
                self.leave(action.ending)

    async def _cancel_later(self) -> None:
        for task in self._later:
            task.cancel()
        if self._later:
            await asyncio.wait(self._later)


def _with_last(lines: list[str]) -> list[tuple[str, bool]]:
    return [(line, number == len(lines)) for number, line in enumerate(lines, 1)]
