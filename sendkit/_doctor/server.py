"""One server, from its name to RCPT: what it did at each step, told from the log of one attempt.

Each step that was reached is a finding, and the one that failed is the last. Where there is no secret, the steps are
taken without one, as far as the mechanisms. Must not know: how a step is taken, or what a reply means.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Literal

from sendkit._doctor.certificate import certificate_finding, described
from sendkit._doctor.diagnosis import Check, Finding, Status, for_shell
from sendkit._doctor.offers import offers
from sendkit._providers.table import operator_of
from sendkit._seam.log import AttemptLog
from sendkit._server.plain import full
from sendkit._server.route import way
from sendkit._server.security import Security
from sendkit._server.server import Server
from sendkit._server.unix_socket import is_unix
from sendkit._smtp.address import Address
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.hints import Caller, Facts, hint_for, tell
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.sasl import SCRAM
from sendkit._smtp.verdict import Again, Break, Cause, Failure, Reason, Verdict, judge_failure
from sendkit._transport.smtp import SMTPTransport
from sendkit._wire.dial import resolve
from sendkit._wire.failure import SessionFailed
from sendkit._wire.login import Login
from sendkit._wire.opening import open_session
from sendkit._wire.rehearsal import rehearse
from sendkit._wire.routes import first_phase
from sendkit._wire.session import Session
from sendkit.errors import ConfigurationError, CredentialsError

_CHECKS = {
    Phase.RESOLVE: Check.RESOLVE,
    Phase.CONNECT: Check.CONNECT,
    Phase.GREETING: Check.GREETING,
    Phase.EHLO: Check.EHLO,
    Phase.STARTTLS: Check.TLS,
    Phase.TLS: Check.TLS,
    Phase.MAIL: Check.MAIL,
    Phase.RCPT: Check.RCPT,
    Phase.RSET: Check.RCPT,
}
_Stage = Literal["secret", "session", "envelope", "over"]
_WAITS = "see what its source waits for: a keyring may ask on a display, a program at a terminal"
_TLS_WANTED = "set security=starttls, or implicit_tls, unless the server is this machine"
_REMEMBER = "known_hosts=True (known_hosts = true in config.toml) refuses a server that offers less than SCRAM later"
_NO_ENVELOPE = "say whom the mail is from: sender= of diagnose(), --from or SENDKIT_FROM of `sendkit doctor`"


@dataclass(slots=True)
class Examination:
    """One server under examination; `findings` grows from step to step."""

    transport: SMTPTransport
    sender: Address | None
    recipient: Address | None
    paced: bool = False  # by a rate that was asked for
    findings: list[Finding] = field(default_factory=list[Finding])
    log: AttemptLog = field(default_factory=lambda: AttemptLog(()))
    login: Login | None = None
    stage: _Stage = "secret"

    @property
    def server(self) -> Server:
        """The server."""
        return self.transport.server

    @property
    def _facts(self) -> Facts:
        sender = self.sender.written if self.sender else None
        return Facts(self.server.host, self.server.port, self.transport.username, sender, used=self.log.used)

    async def run(self, limit: float) -> list[Finding]:
        """Go the whole way, in at most `limit` seconds, and say what was found."""
        self.log.host, self.log.port = self.server.host, self.server.port or None
        try:
            async with asyncio.timeout(limit):
                await self._find_secret()
                self.stage = "session"
                await self._resolve()
                await self._converse(limit)
        except TimeoutError:
            self._late(f"no answer within {limit:g} s")
        except ConfigurationError as error:  # a certificate's file that is gone by now
            self._found(Check.TLS, Status.FAILURE, error.message, error.hint, Cause.TLS)
        return self.findings

    def _late(self, reason: str) -> None:
        if self.stage == "secret":
            self._found(Check.SECRET, Status.FAILURE, reason, _WAITS, Cause.AUTHENTICATION, transient=True)
            return
        if self.stage == "session":
            self._tell_so_far()
        if self.stage != "over":
            self._failed(judge_failure(self.log.phase, Failure(Break.TIMEOUT, reason)))

    async def _find_secret(self) -> None:
        try:
            self.login = await self.transport.login()
        except CredentialsError as error:
            self._found(Check.SECRET, Status.FAILURE, error.message, error.hint, Cause.AUTHENTICATION, why=error.why)
        except SessionFailed as failed:  # no token for now
            self._failed(failed.verdict, check=Check.SECRET)
        else:
            if self.login is not None:
                self._found(Check.SECRET, Status.OK, f"from {self.transport.source}")

    async def _resolve(self) -> None:
        """Look the host up; not where a proxy does, or nobody."""
        if self.server.proxy is not None:
            self._found(Check.RESOLVE, Status.OK, f"{self.server.host} is looked up by the proxy {self.server.proxy}")
        if first_phase(self.server) is not Phase.RESOLVE:
            return
        try:
            addresses = await resolve(self.server.host, self.server.port)
        except (OSError, UnicodeError):
            return  # the session finds the same, and says it as a verdict
        numbers = ", ".join(dict.fromkeys(str(address[0]) for _, address in addresses))
        self._found(Check.RESOLVE, Status.OK, f"{self.server.host} is {numbers}")

    async def _converse(self, limit: float) -> None:
        try:
            session = await self.transport.open(self.login, self.log)
        except SessionFailed as failed:
            if failed.remembered:
                self._failed(failed.verdict, "this program sent it before, and does not send it again")
                self.login = None
                return await self._converse(limit)
            self._tell_so_far(failed)
            return await self._tell_failure(failed)
        try:
            self._tell_so_far()
            self.stage = "envelope"
            await self._rehearse(session, limit)
            self.stage = "over"
            await session.channel.quit(self.server.timeouts.quit)
        finally:
            session.channel.abort()

    async def _tell_failure(self, failed: SessionFailed) -> None:
        self.stage, seen = "over", None
        try:
            seen = await self._certificate_refused(failed)
        finally:
            self._failed(failed.verdict, seen)

    async def _rehearse(self, session: Session, limit: float) -> None:
        if any(finding.status is Status.FAILURE for finding in self.findings):
            return  # without a login the answers would be those to a stranger
        sender, recipient = self.sender, self.recipient or self.sender
        if sender is None or recipient is None:
            self._found(
                Check.MAIL,
                Status.WARNING,
                "not tried: no sender is set, and the username is not an address",
                _NO_ENVELOPE,
            )
            return
        verdict = await rehearse(session, sender, recipient, self.log, limit)
        for phase, what in ((Phase.MAIL, f"from <{sender}>"), (Phase.RCPT, f"to <{recipient}>")):
            if (reply := self._answer(phase)) is not None and reply.positive:
                self._found(_CHECKS[phase], Status.OK, f"{what}: {_line(reply)}")
        if verdict is not None:
            self._failed(verdict, f"from <{sender}>" if verdict.phase is Phase.MAIL else f"to <{recipient}>")

    def _tell_so_far(self, failed: SessionFailed | None = None) -> None:
        """What the log says of the steps that went well, up to the login."""
        log = self.log
        phase = failed.verdict.phase if failed else log.phase
        if phase not in (Phase.RESOLVE, Phase.CONNECT):
            by = way(self.server)
            self._found(Check.CONNECT, Status.OK, " ".join(filter(None, ("connected to", self.server.address, by))))
        if (greeting := self._answer(Phase.GREETING)) and greeting.positive:
            self._found(Check.GREETING, Status.OK, _line(greeting))
        if log.tls is not None:
            self._found(Check.TLS, Status.OK, f"{log.tls.version}, {log.tls.cipher}")
            if log.certificate is not None:
                self.findings.append(certificate_finding(log.certificate, self.server))
        elif self.server.security is Security.NONE:
            self._tell_open()
        if (ehlo := self._answer(Phase.EHLO)) and ehlo.positive:
            self._tell_offered(ehlo)
        if (login := self._answer(Phase.AUTH)) and login.positive:
            self._found(
                Check.LOGIN, Status.OK, f"as {self.transport.username or 'the client certificate'}: {_line(login)}"
            )

    def _tell_open(self) -> None:
        if is_unix(self.server.host):
            self._found(Check.TLS, Status.OK, "none, and none is needed: the server is this machine")
            return
        ehlo = self._answer(Phase.EHLO)
        offered = ehlo is not None and ehlo.positive and Capabilities.parse(ehlo.text).starttls
        text = "none, though the server offers STARTTLS" if offered else "none"
        self._found(Check.TLS, Status.WARNING, f"{text}: everybody in between can read the mail", _TLS_WANTED)

    def _tell_offered(self, ehlo: Reply) -> None:
        offered = Capabilities.parse(ehlo.text)
        self._found(Check.EHLO, Status.OK, ", ".join(sorted(ehlo.text.split("\n")[1:])) or "no extensions")
        if self.log.tls is None and self.server.security is not Security.NONE:
            return
        size = f"at most {offered.max_size:,} octets a message" if offered.max_size else "the server names no limit"
        known = operator_of(self.server.host)
        limits = known and (f"{known.rate} of one mailbox" if known.rate else known.limits)
        wanted = known is not None and known.rate is not None and not self.paced
        remedy = f'for many messages: rate="{known.rate}" of the mailer or of its account' if known and wanted else None
        self._found(Check.SIZE, Status.OK, f"{size}; {limits} ({known.name})" if known and limits else size, remedy)
        self._found(Check.OPTIONS, Status.OK, offers(offered, tls=self.log.tls is not None))
        if offered.mechanisms:
            proof = any(name in SCRAM for name in offered.mechanisms) and self.server.known_hosts is None
            self._found(Check.MECHANISMS, Status.OK, ", ".join(offered.mechanisms), _REMEMBER if proof else None)

    async def _certificate_refused(self, failed: SessionFailed) -> str | None:
        """What stands in a certificate that was refused: read on a connection where no secret and no mail is sent."""
        if self.log.tls is None and self.log.certificate is not None:
            return described(self.log.certificate)  # it is valid, and not one of the pinned ones
        if not isinstance(_root(failed), ssl.SSLCertVerificationError):
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        look = AttemptLog(())
        if self.server.sock is not None:
            return None
        otherwise = {"ca_file": None, "client_cert": None, "client_key": None, "minimum_tls": "1.2", "pins": ()}
        blind = full(self.server).model_copy(update={**otherwise, "known_hosts": None, "tls_context": context})
        try:
            session = await open_session(blind, None, look)
        except SessionFailed:
            return None
        session.channel.abort()
        return described(look.certificate) if look.certificate else None

    def _failed(self, verdict: Verdict, more: str | None = None, *, check: Check | None = None) -> None:
        words = "; ".join(filter(None, (verdict.words.replace("\n", " / "), more)))
        again = verdict.again is Again.LATER
        unsaid = verdict.reply is None and verdict.cause is Cause.AUTHENTICATION
        check = check or _CHECKS.get(verdict.phase) or (Check.MECHANISMS if unsaid else Check.LOGIN)
        self.findings = [finding for finding in self.findings if finding.check is not check]
        why, remedy = tell(verdict, self._facts)
        self._found(check, Status.FAILURE, words, remedy, verdict.cause, why=why, transient=again)
        for_shell(self.findings[-1], hint_for(verdict, self._facts, Caller.SHELL) or "")

    def _found(
        self,
        check: Check,
        status: Status,
        text: str,
        remedy: str | None = None,
        cause: Cause | None = None,
        *,
        why: Reason | None = None,
        transient: bool = False,
    ) -> None:
        found = Finding(
            check=check,
            status=status,
            text=text,
            remedy=remedy,
            server=self.server.address,
            cause=cause,
            why=why,
            transient=transient,
        )
        self.findings.append(found)

    def _answer(self, phase: Phase) -> Reply | None:
        """The last reply of this phase."""
        return next((answer.reply for answer in reversed(self.log.answers) if answer.phase is phase), None)


def _line(reply: Reply) -> str:
    return str(reply).split("\n", 1)[0]


def _root(error: BaseException) -> BaseException:
    while (cause := error.__cause__) is not None:
        error = cause
    return error
