"""What the local server says at each command: what the script wants instead, or else a plain yes.

Knows: aiosmtpd's handler hooks and what each of them has to write down (its documentation, "Handlers"), who may log in,
and when responsibility for a message is taken (RFC 5321 section 4.2.5). Must not know sockets, TLS, or secrecy.
"""

# A session is a part of its server.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from aiosmtpd.smtp import AuthResult, LoginPassword, TLSSetupException

from sendkit._reading.caught import CaughtMessage
from sendkit._smtp.envelope import Envelope
from sendkit._smtp.phase import Phase
from sendkit.errors import MessageError
from sendkit.testing._why_refused import WhyRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiosmtpd.smtp import SMTP
    from aiosmtpd.smtp import Envelope as Gathered
    from aiosmtpd.smtp import Session as Facts

    from sendkit.testing._local_session import Session

_BAD_ADDRESS = "553 5.1.3 that is not a mail address"


class Answers:
    """The hooks of one connection; aiosmtpd finds them by their names."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._replies: list[tuple[str, str]] = []

    def check(self, smtp: SMTP, facts: Facts, gathered: Gathered, mechanism: str, login: LoginPassword) -> AuthResult:
        """Whether these are the username and the password of this server's one account."""
        server = self._session.server
        known = hmac.compare_digest(login.login, server.username.encode())
        known &= hmac.compare_digest(login.password, server.password.encode())
        return AuthResult(success=known, handled=False)

    async def handle_exception(self, error: Exception) -> str:
        if isinstance(error, TLSSetupException):
            self._session.note("*", "the TLS handshake failed")
            self._session.why_refused = WhyRefused.NO_TRUST
        else:
            self._session.server._failed(error)
        return "451 4.3.0 the local server failed"

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, smtp: SMTP, facts: Facts, gathered: Gathered, hostname: str, lines: list[str]
    ) -> list[str]:
        if instead := await self._session.obey(Phase.EHLO):
            return [instead]
        facts.host_name = hostname
        further = [f"250-{line}" for line in self._session.extensions]
        return [*lines[:-1], *further, "250 ENHANCEDSTATUSCODES"]

    async def handle_HELO(self, smtp: SMTP, facts: Facts, gathered: Gathered, hostname: str) -> str:  # noqa: N802 - aiosmtpd's name
        if instead := await self._session.obey(Phase.EHLO):
            return instead
        facts.host_name = hostname
        return "250 localhost"

    async def handle_AUTH(self, smtp: SMTP, facts: Facts, gathered: Gathered, args: list[str]) -> str | None:  # noqa: N802 - aiosmtpd's name
        method = cast("Callable[[SMTP, list[str]], Awaitable[AuthResult]]", getattr(smtp, f"auth_{args[0]}"))
        result = await method(smtp, args)
        if not result.success and result.handled:
            return None  # it was no login at all, and aiosmtpd has said so
        usual = "235 2.7.0 welcome" if result.success else "535 5.7.8 username and password do not fit"
        reply = await self._session.obey(Phase.AUTH) or usual
        if reply.startswith("2"):
            facts.authenticated = True
            self._session.why_refused = None
        return reply

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, smtp: SMTP, facts: Facts, gathered: Gathered, address: str, options: list[str]
    ) -> str:
        if address != "<>" and not _is_address(address):
            return _BAD_ADDRESS
        reply = await self._session.obey(Phase.MAIL) or "250 2.1.0 sender ok"
        self._replies.clear()
        if reply.startswith("2"):
            gathered.mail_from = address
            gathered.mail_options.extend(options)
        return reply

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, smtp: SMTP, facts: Facts, gathered: Gathered, address: str, options: list[str]
    ) -> str:
        if not _is_address(address):
            return _BAD_ADDRESS
        reply = await self._session.obey(Phase.RCPT, address) or "250 2.1.5 recipient ok"
        self._replies.append((address, reply))
        if reply.startswith("2"):
            gathered.rcpt_tos.append(address)
        else:
            self._session.server.refused.append(f"{address}: {reply}")
        return reply

    async def handle_DATA(self, smtp: SMTP, facts: Facts, gathered: Gathered) -> str:  # noqa: N802 - aiosmtpd's name
        session, content = self._session, gathered.original_content or b""
        session.note("C", f"({len(content):,} octets of content, and the dot)")
        if not session.server.lmtp:
            return await self._end(facts, gathered, content)
        # RFC 2033 section 4.2: a reply for each, in the order of their RCPTs; aiosmtpd sends the last one.
        *firsts, last = gathered.rcpt_tos
        for recipient in firsts:
            await session.push(await self._end(facts, gathered, content, recipient))
        return await self._end(facts, gathered, content, last)

    async def _end(self, facts: Facts, gathered: Gathered, content: bytes, recipient: str | None = None) -> str:
        session = self._session
        action = session.server.action(Phase.END_OF_DATA, recipient=recipient, connection=session.number)
        reply, number = action.reply if action else None, 0
        if reply is None or reply.positive:
            # Where the script loses the answer, the message is taken anyway.
            number = session.server._take(self._caught(facts, gathered, content, recipient))
            session.why_refused = None
        return await session.act(action) or f"250 2.0.0 queued as {number}"

    def _caught(self, facts: Facts, gathered: Gathered, content: bytes, recipient: str | None) -> CaughtMessage:
        session = self._session
        shown = [("Connection", f"{session.number}, from {facts.host_name}"), ("TLS", session.tls)]
        return CaughtMessage(
            _envelope(gathered, recipient),
            content,
            session.options,
            when=datetime.now(UTC),
            username=session.server.username,
            replies=tuple(self._replies),
            facts=(
                *shown,
                ("Username", session.server.username),
                ("Declared", " ".join(session.declared(gathered.mail_options))),
            ),
        )

    async def handle_RSET(self, smtp: SMTP, facts: Facts, gathered: Gathered) -> str:  # noqa: N802 - aiosmtpd's name
        return await self._session.obey(Phase.RSET) or "250 2.0.0 reset"

    async def handle_QUIT(self, smtp: SMTP, facts: Facts, gathered: Gathered) -> str:  # noqa: N802 - aiosmtpd's name
        return await self._session.obey(Phase.QUIT) or "221 2.0.0 bye"


def _envelope(gathered: Gathered, recipient: str | None) -> Envelope:
    sender = gathered.mail_from or ""
    return Envelope("" if sender == "<>" else sender, gathered.rcpt_tos if recipient is None else [recipient])


def _is_address(text: str) -> bool:
    try:
        Envelope("", [text])
    except MessageError:
        return False
    return True
