"""One connection to the local server: aiosmtpd speaks SMTP, the script interferes, and every line is noted.

Knows: aiosmtpd's methods and hooks (the SMTP itself is its business), the fault language, and which line is secret.
That follows from where the conversation stands, never from what a line looks like: whatever a client says within AUTH
(RFC 4954) is masked, and of a command that is not taken here nothing is repeated, in the reply to it neither.
Must not know: threads, certificates, or what becomes of a message that was taken.
"""

# A session is a part of its server.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Literal, Never, cast

from aiosmtpd.smtp import SMTP

from sendkit._reading.asked import read
from sendkit._reading.collection import Refusal
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.parameters import Asked, Offer, parameters
from sendkit._smtp.phase import Phase
from sendkit._transport.rules import Action, ActionKind
from sendkit.errors import MessageError
from sendkit.results import TranscriptLine
from sendkit.testing._local_answers import Answers
from sendkit.testing._why_refused import WhyRefused

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from sendkit._smtp.reply import Reply
    from sendkit._submission import SubmissionOptions
    from sendkit.testing.local_server import LocalServer

_MECHANISMS = ("PLAIN", "LOGIN")
_TLS_HANDSHAKE = b"\x16\x03"  # RFC 8446 section 5.1


class _Stage(Enum):
    """Where a conversation stands: before the greeting, between commands, within one, or where a secret is due."""

    GREETING = auto()
    BETWEEN = auto()
    COMMAND = auto()
    SECRET = auto()


class Session(SMTP):
    """The server's side of one connection. `ended` is set when it is over; `number` counts from 1."""

    def __init__(self, server: LocalServer, tls: ssl.SSLContext, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self.number = 0
        self.tls = ""
        self.why_refused: WhyRefused | None = None
        self._lines: list[TranscriptLine] = []
        self.ended = asyncio.Event()
        self._socket: asyncio.Transport | None = None
        self._opening: Action | None = None
        self._stage = _Stage.GREETING
        self._cut = False
        self._wishes: list[str] = []
        self._of_recipient = False
        answers = Answers(self)
        super().__init__(
            answers,
            hostname="localhost",
            ident="ESMTP sendkit",
            tls_context=tls,
            require_starttls=not server.plain,
            auth_required=not server.plain,
            auth_require_tls=not server.plain,
            authenticator=answers.check,
            enable_SMTPUTF8=True,
            loop=loop,
        )
        self.command_size_limits["MAIL"] += 256
        self.command_size_limits["RCPT"] += 512  # RFC 3461 section 4

    @property
    def extensions(self) -> list[str]:
        """What is announced beside what aiosmtpd has; REQUIRETLS inside of TLS alone (RFC 8689 section 2)."""
        return [line for line in self.server.extensions if self.tls or line != "REQUIRETLS"]

    @property
    def options(self) -> SubmissionOptions:
        """What the message is to be handled by: what was asked for at MAIL, and at the first RCPT."""
        return read(self._wishes).options

    def declared(self, known: list[str]) -> list[str]:
        """The parameters of MAIL and of the first RCPT, as they came."""
        return [*known, *self._wishes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came, or its TLS handshake is done."""
        super().connection_made(transport)
        if self._socket is not None:
            tls: ssl.SSLObject = transport.get_extra_info("ssl_object")
            self.tls = f"{tls.version()}, {(tls.cipher() or ('no cipher',))[0]}"
            self.note("*", self.tls)
            return
        self._socket = cast("asyncio.Transport", transport)
        self.number = self.server._begin_session(self, self._lines)
        self._opening = self.server.action(Phase.CONNECT, connection=self.number)
        if self._opening is not None and self._opening.kind is ActionKind.REFUSE:
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is over; aiosmtpd itself calls this too, after a handshake that failed."""
        super().connection_lost(error)
        if not self.ended.is_set():
            self.ended.set()
            self.server._end_session(self, self._refusal())

    def _refusal(self) -> Refusal | None:
        why = self.why_refused
        return None if why is None else Refusal(self.number, datetime.now(UTC), why.text, why.hint)

    def data_received(self, data: bytes) -> None:
        """Octets came in."""
        if self._cut:
            self.abort()
        if not self.tls and data.startswith(_TLS_HANDSHAKE) and self._stage is not _Stage.COMMAND:
            self.why_refused = WhyRefused.IMPLICIT_TLS
        super().data_received(data)

    def abort(self) -> None:
        """End the connection without a word."""
        if self._socket is not None:
            self._socket.abort()

    def note(self, who: Literal["C", "S", "*"], text: str) -> None:
        """Write a line into the conversation."""
        line = TranscriptLine(time=datetime.now(UTC), who=who, text=text)
        self._lines.append(line)

    async def obey(self, phase: Phase, recipient: str | None = None) -> str | None:
        """Ask the script, and act."""
        return await self.act(self.server.action(phase, recipient=recipient, connection=self.number))

    async def act(self, action: Action | None) -> str | None:
        """The reply that the script wants, or None for the usual one; does not return where the script ends it all."""
        if action is None:
            return None
        if action.reply is not None:
            return _written(action.reply)
        if action.kind is not ActionKind.SILENCE:
            self.abort()
        return await self._never()

    async def _never(self) -> Never:
        # aiosmtpd cancels the task of the session when the connection is lost.
        while True:
            await asyncio.Event().wait()

    async def push(self, status: str | bytes) -> None:
        """Send a reply, and note it."""
        text = status if isinstance(status, str) else status.decode("utf-8", "replace")
        if self._stage is _Stage.GREETING:
            text = await self.act(self._opening) or text
        self._note_reply(text)
        await super().push(text)
        if text.startswith("421") and self._socket is not None and self.transport is not None:
            cast("asyncio.Transport", self.transport).close()

    def _note_reply(self, text: str) -> None:
        if (why := self._why(text)) is not None:
            self.why_refused = why
        stage, self._stage = self._stage, _Stage.BETWEEN if self._stage is _Stage.GREETING else self._stage
        if stage is _Stage.BETWEEN:
            self.note("C", "(a command that is not taken here)")
            text = text[:3]
        elif stage is _Stage.SECRET:
            self.note("C", "***")
            self._stage = _Stage.COMMAND
        for line in text.split("\r\n"):
            self.note("S", line)
        if stage is not _Stage.BETWEEN and text.startswith("334"):
            self._stage = _Stage.SECRET

    def _why(self, reply: str) -> WhyRefused | None:
        if reply.startswith("530"):
            return WhyRefused.NO_LOGIN if self.tls else WhyRefused.NO_TLS
        return WhyRefused.WRONG_SECRET if reply.startswith("535") else None

    async def _take(self, said: str, method: Callable[[str], Awaitable[None]], argument: str) -> None:
        self.note("C", said)
        self._stage = _Stage.COMMAND
        await method(argument)
        self._stage = _Stage.BETWEEN

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd finds its commands by these names
        await self._take(f"EHLO {hostname}", self._no_such if self.server.lmtp else super().smtp_EHLO, hostname)

    async def smtp_HELO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd's name
        await self._take(f"HELO {hostname}", self._no_such if self.server.lmtp else super().smtp_HELO, hostname)

    async def smtp_LHLO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd's name
        await self._take(f"LHLO {hostname}", super().smtp_EHLO if self.server.lmtp else self._no_such, hostname)

    async def _no_such(self, argument: str) -> None:
        await self.push("500 5.5.1 no such command")  # RFC 2033 section 4.1: each protocol has its own greeting

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        await self._take("STARTTLS", self._starttls, arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        mechanism, *initial = (arg or "").split()[:2] or [""]
        shown = mechanism if mechanism in _MECHANISMS else "***"
        await self._take(f"AUTH {shown}" + " ***" * len(initial), super().smtp_AUTH, arg)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        await self._take(f"MAIL {arg}", self._mail, arg or "")

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        await self._take(f"RCPT {arg}", self._rcpt, arg or "")

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        await self._take("DATA", self._data, arg)

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        await self._take("RSET", super().smtp_RSET, arg)

    async def smtp_NOOP(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        await self._take("NOOP", super().smtp_NOOP, arg)

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        await self._take("QUIT", super().smtp_QUIT, arg)

    async def _mail(self, arg: str) -> None:
        self._wishes, self._of_recipient = [], False
        if (rest := await self._without_wishes(arg, keep=True)) is not None:
            await super().smtp_MAIL(rest)

    async def _rcpt(self, arg: str) -> None:
        if (rest := await self._without_wishes(arg, keep=not self._of_recipient)) is not None:
            self._of_recipient = True
            await super().smtp_RCPT(rest)

    async def _without_wishes(self, arg: str, *, keep: bool) -> str | None:
        """The argument without the parameters that aiosmtpd does not know; None where they were refused."""
        words = arg.split(" ")
        offered = Capabilities.parse("\n".join(["", *self.extensions]))
        try:
            options, others = read(words, {line.partition(" ")[0] for line in self.extensions})
        except MessageError as error:
            await self.push(f"501 5.5.4 {error.message}")
            return None
        if (refused := parameters(Asked(options), (), Offer(offered)).refused) is not None:
            await self.push(f"501 5.5.4 {refused.words}")
            return None
        if keep:
            self._wishes += [word for word in words if word not in others]
        return " ".join(others)

    async def _starttls(self, arg: str) -> None:
        if instead := await self.obey(Phase.STARTTLS):
            await self.push(instead)
            return
        if action := self.server.action(Phase.TLS, connection=self.number):
            await self.push("220 2.0.0 ready to start TLS")
            await self.act(action)
        await super().smtp_STARTTLS(arg)

    async def _data(self, arg: str) -> None:
        if self.envelope is not None and self.envelope.rcpt_tos:
            if instead := await self.obey(Phase.DATA):
                await self.push(instead)
                return
            if action := self.server.action(Phase.BODY, connection=self.number):
                await self.push("354 end with a dot on a line of its own")
                self._cut = action.kind is not ActionKind.SILENCE
                await self._never()
        await super().smtp_DATA(arg)


def _written(reply: Reply) -> str:
    """A reply as a server writes it; the enhanced code stands in each of its lines (RFC 2034 section 4)."""
    *firsts, last = [" ".join(filter(None, (reply.enhanced, line))) for line in reply.text.split("\n")]
    return "\r\n".join([*(f"{reply.code}-{line}" for line in firsts), f"{reply.code} {last}".rstrip()])
