"""Mail transactions of the scripted server: MAIL, RCPT, DATA, BDAT, RSET (RFC 5321 section 3.3, RFC 1870, 3030, 6531).

Knows: the order of commands, what was announced, and when a message is accepted: its end arrived whole, and the server
took it, whether or not the client hears of it (RFC 5321 section 4.2.5).
Must not know: sockets, threads, or what a client does with the answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from functools import partial

from sendkit._smtp.phase import Phase

from .scripted_login import LoginSession
from .scripted_records import Accepted

_PATH = r'<((?:"(?:\\.|[^"\\])*"|[^">])*)>(?: (.*))?'
_MAIL, _RCPT = re.compile("FROM:" + _PATH, re.IGNORECASE), re.compile("TO:" + _PATH, re.IGNORECASE)
_CHUNK = re.compile(r"(\d{1,20})( LAST)?", re.IGNORECASE)
_NEEDS = {
    "REQUIRETLS": "REQUIRETLS",
    "HOLDFOR": "FUTURERELEASE",
    "HOLDUNTIL": "FUTURERELEASE",
    "SIZE": "SIZE",
    "BODY": "8BITMIME",
    "SMTPUTF8": "SMTPUTF8",
    "AUTH": "AUTH",
    "RET": "DSN",
    "ENVID": "DSN",
}


@dataclass(slots=True)
class Transaction:
    """What MAIL opened. `chunks` is there once BDAT began; `utf8` when MAIL asked for SMTPUTF8."""

    reverse_path: str
    utf8: bool
    recipients: list[str] = field(default_factory=list[str])
    chunks: bytearray | None = None


class MailSession(LoginSession):
    """A session that takes mail."""

    transaction: Transaction | None = None

    def reset(self) -> None:
        """Forget the transaction."""
        self.transaction = None

    async def do_mail(self, argument: str) -> None:
        """RFC 5321 section 4.1.1.2."""
        match = _MAIL.fullmatch(argument)
        usual = self.ready or self._mail_refusal(match) or "250 2.1.0 Ok"
        if await self.answer(usual, Phase.MAIL) and match:
            self.transaction = Transaction(match[1], "SMTPUTF8" in _parameters(match))

    async def do_rcpt(self, argument: str) -> None:
        """RFC 5321 section 4.1.1.3."""
        match = _RCPT.fullmatch(argument)
        usual = self.ready or self._rcpt_refusal(match) or "250 2.1.5 Ok"
        recipient = match[1] if match else None
        if await self.answer(usual, Phase.RCPT, recipient=recipient) and self.transaction and recipient:
            self.transaction.recipients.append(recipient)

    async def do_data(self, argument: str) -> None:
        """RFC 5321 section 4.1.1.4."""
        usual = self.ready or self._data_refusal(argument) or "354 End data with <CR><LF>.<CR><LF>"
        if not await self.answer(usual, Phase.DATA, success=b"354"):
            return
        await self._begin_body()
        body = (await self.wire.read_body()).removesuffix(b".\r\n")
        await self._end(body.replace(b"\r\n.", b"\r\n")[2:])

    async def do_bdat(self, argument: str) -> None:
        """RFC 3030: so many octets follow the command, whatever the server thinks of it."""
        match = _CHUNK.fullmatch(argument)
        if match is None or self.announced("CHUNKING") is None:
            await self.answer("501 5.5.4 Syntax: BDAT size [LAST]" if match is None else "502 5.5.1 No CHUNKING here")
            return
        size, last = int(match[1]), bool(match[2])
        if last and size:
            await self._begin_body()
        chunk = await self.wire.read_exactly(size)
        await self._take_chunk(chunk, last=last)

    async def _begin_body(self) -> None:
        """The first octets of a body are there, and its end was not looked for."""
        await self.wire.read_some()
        if (action := self.ask(Phase.BODY)) is not None:
            await self.perform(action)

    async def _take_chunk(self, chunk: bytes, *, last: bool) -> None:
        transaction = self.transaction
        if last and self.server.lmtp and transaction is not None and not transaction.recipients:
            return  # RFC 2033 section 4.3: there is nobody to answer for
        if refusal := self.ready or self._chunk_refusal():
            await self.answer(refusal, Phase.END_OF_DATA if last else Phase.BODY)
            return
        assert transaction is not None
        transaction.chunks = (transaction.chunks or bytearray()) + chunk
        if last:
            await self._end(bytes(transaction.chunks))
        elif refusal := self._too_large(len(transaction.chunks)):
            await self.answer(refusal, Phase.BODY)
            self._close_transaction(carried_out=False)
        elif not await self.answer(f"250 2.0.0 {len(chunk)} octets received", Phase.BODY):
            self._close_transaction(carried_out=False)

    async def _end(self, content: bytes) -> None:
        transaction = self.transaction
        recipients = tuple(transaction.recipients) if transaction else ()
        reverse_path = transaction.reverse_path if transaction else ""
        # Without a queue number, so that the same session always has the same octets.
        usual = "250 2.0.0 Ok: queued"
        if not recipients:
            usual = "554 5.5.1 No valid recipients"
        elif refusal := self._too_large(len(content)):
            usual = refusal
        # RFC 2033 section 4.2: in LMTP each of them has a reply of its own.
        shares = [(recipient,) for recipient in recipients] if self.server.lmtp and recipients else [recipients]
        carried_out = False
        for share in shares:
            message = Accepted(reverse_path, share, content, _message_id(content))
            whose = share[0] if self.server.lmtp and share else None
            accept = partial(self.server.accept, message)
            carried_out |= await self.answer(usual, Phase.END_OF_DATA, recipient=whose, then=accept)
        self._close_transaction(carried_out=carried_out)

    def _close_transaction(self, *, carried_out: bool) -> None:
        if carried_out or not self.server.nested_mail_refused:
            self.reset()
        elif self.transaction:
            # As Postfix 3.7: what comes without RSET goes into the old transaction (FACTS.md 1).
            self.transaction.chunks = None

    def _mail_refusal(self, match: re.Match[str] | None) -> str | None:
        if self.transaction is not None:
            return "503 5.5.1 Nested MAIL command"
        if match is None:
            return "501 5.5.4 Syntax: MAIL FROM:<address>"
        parameters = _parameters(match)
        for keyword in parameters:
            if keyword not in _NEEDS or self.announced(_NEEDS[keyword]) is None:
                return f"555 5.5.4 Unknown parameter {keyword}"
        if not match[1].isascii() and "SMTPUTF8" not in parameters:
            return "553 5.6.7 SMTPUTF8 is needed"
        if not parameters.get("SIZE", "0").isdecimal():
            return "501 5.5.4 SIZE is a number"
        return self._too_large(int(parameters.get("SIZE", "0")))

    def _rcpt_refusal(self, match: re.Match[str] | None) -> str | None:
        transaction = self.transaction
        if transaction is None or transaction.chunks is not None:
            return "503 5.5.1 Send MAIL first"
        if match is None or not match[1]:
            return "501 5.5.4 Syntax: RCPT TO:<address>"
        if match[2] and self.announced("DSN") is None:
            return "555 5.5.4 Unknown parameter"
        if not match[1].isascii() and not transaction.utf8:
            return "553 5.6.7 SMTPUTF8 is needed"
        if self.server.max_recipients is not None and len(transaction.recipients) >= self.server.max_recipients:
            return "452 4.5.3 Too many recipients"
        return None

    def _data_refusal(self, argument: str) -> str | None:
        if argument:
            return "501 5.5.4 DATA takes no parameter"
        if self.transaction is None or self.transaction.chunks is not None:
            return "503 5.5.1 Send MAIL and RCPT first"
        if self.server.lmtp and not self.transaction.recipients:
            return "503 5.5.1 No valid recipients"
        return None if self.transaction.recipients else "554 5.5.1 No valid recipients"

    def _chunk_refusal(self) -> str | None:
        if self.transaction is None:
            return "503 5.5.1 Send MAIL and RCPT first"
        return None if self.transaction.recipients else "554 5.5.1 No valid recipients"

    def _too_large(self, octets: int) -> str | None:
        limit = int(self.announced("SIZE") or 0)
        return "552 5.3.4 Message too large" if 0 < limit < octets else None


def _parameters(match: re.Match[str]) -> dict[str, str]:
    pairs = (parameter.partition("=") for parameter in (match[2] or "").split())
    return {keyword.upper(): value for keyword, _, value in pairs}


def _message_id(content: bytes) -> str:
    return str(BytesHeaderParser().parsebytes(content).get("Message-ID", "")).strip()
