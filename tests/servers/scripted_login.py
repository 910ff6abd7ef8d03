"""STARTTLS and AUTH of the scripted server (RFC 3207, RFC 4954 with PLAIN, RFC 4616, and LOGIN; more in scripted_sasl).

Knows: who may log in, and what a refusal looks like.
Must not know: sockets, or mail transactions (scripted_mail).
"""

from __future__ import annotations

import base64
import binascii

from sendkit._smtp.phase import Phase

from .scripted_faults import CHALLENGE
from .scripted_sasl import MECHANISMS, side
from .scripted_session import LONGEST_LINE, Session

_ACCEPTED = "235 2.7.0 Authentication successful"
_REFUSED = "535 5.7.8 Authentication credentials invalid"


class LoginSession(Session):
    """A session that can be made safe and logged into."""

    async def do_starttls(self, argument: str) -> None:
        """RFC 3207. What the client wrote behind the command is thrown away, and the session starts afresh."""
        context = self.server.tls
        usual = "220 2.0.0 Ready to start TLS"
        if context is None or self.announced("STARTTLS") is None:
            usual = "502 5.5.1 STARTTLS is not offered"
        elif argument:
            usual = "501 5.5.4 STARTTLS takes no parameter"
        if await self.answer(usual, Phase.STARTTLS) and context:
            self.wire.forget()
            await self.handshake()

    async def do_auth(self, argument: str) -> None:
        """RFC 4954. The script is asked when the client has said everything."""
        self.server.auth_commands += 1
        mechanism, _, initial = argument.partition(" ")
        initial = "" if self.server.deaf_to_initial else initial
        usual = self._auth_refusal(mechanism.upper())
        if usual is None:
            try:
                converse = self._negotiate if mechanism.upper() in MECHANISMS else self._authenticate
                usual = await converse(mechanism.upper(), initial)
            except binascii.Error:
                usual = "501 5.5.2 Not base64"
        self.authenticated |= await self.answer(usual, Phase.AUTH)

    def _auth_refusal(self, mechanism: str) -> str | None:
        offered = self.announced("AUTH")
        if offered is None:
            return "503 5.5.1 AUTH is not offered"
        if self.authenticated:
            return "503 5.5.1 Already authenticated"
        if mechanism not in offered.upper().split() or mechanism not in ("PLAIN", "LOGIN", *MECHANISMS):
            return "504 5.5.4 No such mechanism"
        return None

    async def _authenticate(self, mechanism: str, initial: str) -> str:
        first = _decoded(initial) if initial else await self._challenge("" if mechanism == "PLAIN" else "Username:")
        password: str | None = None
        username = first
        if first is not None and mechanism == "PLAIN":
            _, username, password = f"{first}\0\0".split("\0")[:3]
        elif first is not None:
            password = await self._challenge("Password:")
        if username is None or password is None:
            return "501 5.0.0 Cancelled"
        return _ACCEPTED if self.server.users.get(username) == password else _REFUSED

    async def _negotiate(self, mechanism: str, initial: str) -> str:
        first = _octets(initial) if initial else None
        exchange = side(mechanism, self.server.accounts, first)
        try:
            challenge = next(exchange)
            while (said := await self._ask_for(challenge)) is not None:
                challenge = exchange.send(said)
        except StopIteration as over:
            return _ACCEPTED if over.value else _REFUSED
        return "501 5.0.0 Cancelled"

    async def _challenge(self, prompt: str) -> str | None:
        said = await self._ask_for(prompt.encode())
        return None if said is None else said.decode("utf-8", "replace")

    async def _ask_for(self, challenge: bytes) -> bytes | None:
        """Ask, and take in the answer; None when the client cancels."""
        await self.answer("334 " + base64.b64encode(challenge).decode(), CHALLENGE, success=b"3")
        text = (await self.wire.read_line(LONGEST_LINE)).decode("ascii", "replace")
        self.note(text)
        return None if text == "*" else _octets(text)


def _decoded(text: str) -> str:
    return _octets(text).decode("utf-8", "replace")


def _octets(text: str) -> bytes:
    """RFC 4954 section 4: a lone equals sign is an empty initial response."""
    return b"" if text == "=" else base64.b64decode(text, validate=True)
