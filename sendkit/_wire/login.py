"""One AUTH command (RFC 4954 section 4), and nothing of the secret left behind in an exception, a reply or a log.

Frames on the way hold the secret in their locals, and some servers repeat in their reply what they were sent: so what
fails is returned without its frames, and the mask is told every line that is sent.
Knows how an exchange is written in lines and base64. Must not know any mechanism: those are in `_smtp`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

import aiosmtplib

from sendkit._credentials import Secret
from sendkit._lifetime import threads
from sendkit._smtp.advice import SecretKind
from sendkit._smtp.exchange import Exchange, begin
from sendkit._smtp.sasl import SCRAM, Mechanism, choose_mechanism, why_none
from sendkit._smtp.scram import Scram, hindered
from sendkit._wire.mask import Mask

# RFC 5321 section 4.5.3.1.4, without the line end; a longer first message waits for a challenge (RFC 4954 section 4).
_LONGEST_COMMAND = 510
_LONGEST_WORDS = 240
# As Google shows an app password: four groups of letters. It takes it without the blanks alone.
_GROUPS = re.compile(r"[a-z]{4}(?:[ \xa0][a-z]{4}){3}")


@dataclass(slots=True, frozen=True)
class Login:
    """Who logs in, with what, and with which mechanism if not the preferred one. EXTERNAL has no secret."""

    username: str
    secret: Secret | None
    mechanism: Mechanism | None = None
    in_groups: bool = False

    @classmethod
    def at(cls, host: str, username: str, secret: Secret, mechanism: Mechanism | None = None) -> Login:
        """The login on this host; what Google shows in groups of letters is sent there without the blanks."""
        google = host.endswith((".gmail.com", ".googlemail.com")) and not secret.bearer
        return cls(username, secret, mechanism, google and _GROUPS.fullmatch(secret.reveal()) is not None)

    @property
    def remark(self) -> str | None:
        """What is odd about a password, in words that do not show it; None where nothing is."""
        if self.secret is None or self.token or self.in_groups:
            return None
        if self.secret.reveal().endswith(("\r", "\n")):
            return "the password that was sent ends with a newline, which is usually a mistake"
        if self.secret.reveal() != self.secret.reveal().strip():
            return "the password that was sent begins or ends with a space, which is usually a mistake"
        blank = any(character.isspace() for character in self.secret.reveal())
        return "the password that was sent has spaces in it; app passwords usually work without" if blank else None

    @property
    def token(self) -> bool:
        """Whether the secret is an access token."""
        return self.secret is not None and self.secret.bearer

    @property
    def kind(self) -> SecretKind:
        """Of which kind the secret is."""
        return "certificate" if self.secret is None else "token" if self.token else "password"

    def reveal(self) -> str:
        """The plain text of the secret; like `Secret.reveal`."""
        if self.in_groups and self.secret is not None:
            return Secret("".join(self.secret.reveal().split())).reveal()
        return self.secret.reveal() if self.secret is not None else ""


Answer = tuple[int, str] | Exception | asyncio.CancelledError


class Authentication:
    """One login on one connection.

    `told` is why the server refused, where the mechanism lets it say so; `heard`: it was given the secret, or a proof.
    """

    def __init__(
        self, client: aiosmtplib.SMTP, login: Login, offered: Collection[str], *, port: int, mask: Mask
    ) -> None:
        tls = client.get_transport_info("ssl_object")
        self._client = client
        self._port = port
        self._login = login
        self._offered = offered
        self._tls = tls if isinstance(tls, ssl.SSLObject) else None
        self._mask = mask
        self.told: str | None = None
        self.heard = False

    def choose(self) -> Mechanism | None:
        """The mechanism that both sides speak, or None, and then `why_none` says why."""
        login, tls = self._login, self._tls
        no = hindered(self._offered, login.username, login.reveal(), tls) if login.secret and not login.token else ()
        return choose_mechanism(self._offered, token=login.token, wanted=login.mechanism, hindered=no)

    @property
    def why_none(self) -> str:
        """Why there is no mechanism, in words."""
        return why_none(self._offered, token=self._login.token, wanted=self._login.mechanism)

    async def run(self, mechanism: Mechanism, limit: float) -> Answer:
        """Log in, once, and return the code and text of the reply; what fails without one is returned, not raised."""
        try:
            async with asyncio.timeout(limit):
                code, text = await self._converse(mechanism, self._begin(mechanism))
        except aiosmtplib.SMTPResponseException as error:
            code, text = error.code, error.message
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - handed on, without its frames
            error.__traceback__ = error.__context__ = error.__cause__ = None
            return error
        return code, text

    def _begin(self, mechanism: Mechanism) -> Exchange:
        login = self._login
        if mechanism in SCRAM:
            plus = any(name.endswith("-PLUS") for name in self._offered)
            return Scram(mechanism, login.username, login.reveal(), tls=self._tls, offered=plus)
        return begin(mechanism, login.username, login.reveal(), host=self._client.hostname or "", port=self._port)

    async def _converse(self, mechanism: Mechanism, exchange: Exchange) -> tuple[int, str]:
        first, command = exchange.initial, [b"AUTH", mechanism.encode()]
        if first is not None:
            line = self._line(first) or b"="
            if len(b" ".join([*command, line])) <= _LONGEST_COMMAND:
                command.append(line)
                first, self.heard = None, exchange.heard
        reply = await self._client.execute_command(*command, timeout=None)
        while reply.code == aiosmtplib.SMTPStatus.auth_continue:
            answer = first if first is not None else await self._respond(exchange, reply.message)
            first, self.heard = None, exchange.heard
            reply = await self._client.execute_command(self._line(answer), timeout=None)
        if reply.code == aiosmtplib.SMTPStatus.auth_successful:
            exchange.conclude()
        # Cut after masking: the first part of a secret is a secret too.
        self.told = exchange.told and self._mask(exchange.told)[:_LONGEST_WORDS]
        return reply.code, reply.message

    async def _respond(self, exchange: Exchange, challenge: str) -> bytes:
        try:
            octets = base64.b64decode(challenge.encode("utf-8", "surrogateescape"), validate=True)
        except binascii.Error:
            octets = b""
        # On a thread that nobody waits for: neither a deadline nor the end of the program.
        return await threads.run(partial(exchange.respond, octets)) if exchange.slow else exchange.respond(octets)

    def _line(self, message: bytes) -> bytes:
        line = base64.b64encode(message)
        self._mask.cover(line.decode())
        return line
