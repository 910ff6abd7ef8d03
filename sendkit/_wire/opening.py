"""From nothing to a session that may send: connect, greeting, EHLO, STARTTLS, EHLO again, one AUTH.

RFC 5321 section 3.1 and 3.2, RFC 3207 section 4, RFC 8314 section 3.3, RFC 4954 section 4. Without verified TLS no
secret goes out, and there is one AUTH command on a connection, never a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import aiosmtplib

from sendkit._lifetime import threads
from sendkit._redaction import Redactor
from sendkit._seam.log import AttemptLog
from sendkit._server.addresses import HERE, is_here
from sendkit._server.route import over_unix, way
from sendkit._server.security import Security
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.facts import TLSFacts
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.sasl import Mechanism
from sendkit._smtp.verdict import Again, Break, Failure, Reason, Verdict, judge_failure, judge_login, not_accepted
from sendkit._tls import trusts_anybody
from sendkit._wire.contexts import begin_context, context_of, read_files
from sendkit._wire.failure import Broken, SessionFailed, as_reply, verdict_of
from sendkit._wire.known_hosts import KnownHost
from sendkit._wire.login import Authentication, Login
from sendkit._wire.mask import Mask
from sendkit._wire.resumption import ResumableTLS, memory_of
from sendkit._wire.routes import find_route, first_phase
from sendkit._wire.session import Session
from sendkit._wire.takeover import LoginClient, check_unread, take_over
from sendkit._wire.verified import vouched
from sendkit._wire.wrong_mode import Suspicion, wrong_mode
from sendkit.errors import ConfigurationError

if TYPE_CHECKING:
    from sendkit._server.server import Server

_UNKNOWN_COMMAND = (500, 502)
_Response = tuple[int, str] | Exception | asyncio.CancelledError

LoginTurn = Callable[[], AbstractAsyncContextManager[None]]


async def open_session(
    server: Server,
    login: Login | None,
    log: AttemptLog,
    turn: LoginTurn = contextlib.nullcontext,
    *,
    secrets: Redactor | None = None,
) -> Session:
    """Connect to the server, secure the connection, and log in, `turn` around it. Raises SessionFailed.

    An address that ends the session before the login is passed over for the next one (RFC 5321 section 5.1).
    `secrets` are those that this server may have heard before: they are taken out of all that it says.
    With `known_hosts` also ConfigurationError, when that file cannot be used.
    """
    log.phase = first_phase(server)
    before = await KnownHost.read(server)
    await read_files(server)  # what is wrong with them is said before anybody is asked
    limits, loop = server.timeouts, asyncio.get_running_loop()
    until = loop.time() + limits.connect + limits.greeting
    route, by = await find_route(server), way(server)
    failures: list[SessionFailed] = []
    while True:
        log.phase = Phase.CONNECT
        try:
            sock = await route.connect()
            log.happened(f"connected to {server.address}" if by is None else f"connected to {server.address} {by}")
            client = _client(server, sock)
            log.peer = _peer(sock)
            opening = _Opening(server, log, sock, client, before, Mask(secrets), _end(server, log.peer))
            _check_here(server, opening)
            session = await _closing(opening, login, turn)
        except SessionFailed as failed:
            if not _may_pass_over(failed.verdict):
                raise
            failures.append(failed)
            address, more = route.failed(), route.left and loop.time() < until
            told = failed if more else _most_telling(failures)
            if told is failed and not more:
                raise
            _pass_over(address, failed, log)
            if not more:
                raise told from None
        else:
            route.worked()
            return session


def _check_here(server: Server, opening: _Opening) -> None:
    """LMTP goes to this machine, whatever its name leads to (RFC 2033 section 5). Raises ConfigurationError."""
    if server.protocol == "lmtp" and not is_here(opening.peer):
        opening.client.close()
        opening.sock.close()
        words = f"{server.host} is {opening.peer or 'not known'} here, and not this machine, which LMTP is for alone"
        raise ConfigurationError(words, hint="name the unix socket of the server, or 127.0.0.1")


async def _closing(opening: _Opening, login: Login | None, turn: LoginTurn) -> Session:
    try:
        return await opening.run(login, turn)
    except BaseException:
        opening.client.close()
        raise


_FOR_ALL_ADDRESSES = (Reason.WANTS_IMPLICIT_TLS, Reason.OUT_OF_DESCRIPTORS, Reason.PROXY_LOGIN, Reason.PROXY_REFUSED)


def _may_pass_over(verdict: Verdict) -> bool:
    """Not from AUTH on: the secret goes to one address. Not where the setting is wrong, or this machine is at fault."""
    before_auth = verdict.phase is not Phase.AUTH or verdict.why is Reason.NO_MECHANISM  # no AUTH was sent then
    return before_auth and verdict.why not in _FOR_ALL_ADDRESSES


def _pass_over(address: str, failed: SessionFailed, log: AttemptLog) -> None:
    verdict, failed.noted = failed.verdict, True
    if verdict.reply is not None:
        log.answered(verdict.phase, verdict.reply)
    log.tls = log.certificate = log.peer = None
    log.happened(f"{address} is passed over: {verdict.words}")


def _most_telling(failures: list[SessionFailed]) -> SessionFailed:
    """A temporary failure goes before a permanent one, and then the one in the latest phase."""
    order = list(Phase)
    return max(failures, key=lambda one: (one.verdict.again is Again.LATER, order.index(one.verdict.phase)))


def _peer(sock: socket.socket) -> str:
    try:
        return HERE if over_unix(sock) else str(sock.getpeername()[0])
    except OSError:
        return ""


def _end(server: Server, peer: str) -> str:
    """The address of the server; nobody knows it behind a proxy or a tunnel."""
    return "" if server.proxy is not None or server.dialer is not None else peer


def _client(server: Server, sock: socket.socket) -> LoginClient:
    return LoginClient(hostname=server.host, local_hostname=server.local_hostname or _literal(server, sock))


def _literal(server: Server, sock: socket.socket) -> str:
    """The address of this end (RFC 5321 section 4.1.3); behind a proxy it would tell of a network that is not seen."""
    if server.proxy is not None or server.dialer is not None or over_unix(sock):
        return f"[{HERE}]"
    local_address = str(sock.getsockname()[0])
    return f"[IPv6:{local_address}]" if ":" in local_address else f"[{local_address}]"


@dataclass(slots=True)
class _Opening:
    server: Server
    log: AttemptLog
    sock: socket.socket
    client: LoginClient
    before: KnownHost
    mask: Mask
    peer: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    vouched: str | None = None
    mechanism: Mechanism | None = None

    async def run(self, login: Login | None, turn: LoginTurn) -> Session:
        await self._greet()
        starttls = self.server.security is Security.STARTTLS
        if starttls:  # to load the authorities takes a while: it is done while the server answers
            asyncio.get_running_loop().call_soon(begin_context, self.server)
        await self._ehlo()
        if starttls:
            await self._starttls()
            await self._ehlo()
        if login is not None:
            async with turn():
                await self._log_in(login)
        await self.before.remember(self.mechanism)
        if isinstance(tls := self.client.get_transport_info("ssl_object"), ResumableTLS):
            tls.remember()
        try:
            channel = take_over(self.client, self.mask)
            self.client.let_go()
        except Broken as error:
            raise SessionFailed(judge_failure(self.log.phase, error.failure)) from None
        return Session(channel, self.capabilities, self.log.tls, self.peer)

    async def _greet(self) -> None:
        implicit = self.server.security is Security.IMPLICIT_TLS
        phase = Phase.TLS if implicit else Phase.GREETING
        suspicion = Suspicion(self.server, self.client.close)
        try:
            async with suspicion:
                reply = await self._ask(phase, self._connect, self.server.timeouts.greeting)
        except SessionFailed as failed:
            if suspicion.confirmed:
                raise SessionFailed(wrong_mode()) from failed
            raise
        self._note(Phase.GREETING, reply)

    async def _connect(self) -> aiosmtplib.SMTPResponse:
        implicit = self.server.security is Security.IMPLICIT_TLS
        self.client.memory = memory_of(self.server) if implicit else None
        await self.client.open(self.sock, self.server.context if implicit else None)
        self.log.phase = Phase.GREETING
        return _ready(await self.client.greeting())

    async def _ehlo(self) -> None:
        limit = self.server.timeouts.command
        lmtp = self.server.protocol == "lmtp"
        verb, ask = ("LHLO", self.client.lhlo) if lmtp else ("EHLO", partial(self.client.ehlo, timeout=None))
        self.log.said(f"{verb} {self.client.local_hostname}")
        try:
            reply = await self._ask(Phase.EHLO, ask, limit)
        except SessionFailed as failed:
            said = failed.verdict.reply
            if said is None or said.code not in _UNKNOWN_COMMAND:
                raise
            if lmtp:
                raise SessionFailed(not_accepted(Phase.EHLO, Reason.NOT_LMTP, reply=said)) from failed
            # RFC 5321 section 4.1.4: a server of before ESMTP; it has no extensions, so no STARTTLS either.
            self._note(Phase.EHLO, said)
            self.log.said(f"HELO {self.client.local_hostname}")
            reply = await self._helo(limit)
            self.capabilities = Capabilities()
        else:
            # As it was said: what is masked is masked for the eye alone.
            response = self.client.last_ehlo_response
            self.capabilities = Capabilities.parse(response.message if response else "")
        self._note(Phase.EHLO, reply)

    async def _helo(self, limit: float) -> Reply:
        try:
            return await self._ask(Phase.EHLO, partial(self.client.helo, timeout=None), limit)
        except SessionFailed as failed:
            said = failed.verdict.reply
            if said is None or said.code not in _UNKNOWN_COMMAND:
                raise
            raise SessionFailed(not_accepted(Phase.EHLO, Reason.LMTP_ALONE, reply=said)) from failed

    async def _starttls(self) -> None:
        if not self.capabilities.starttls:
            self.before.check_starttls()
            why, words = Reason.STARTTLS_NOT_OFFERED, "the server offers no STARTTLS"
            raise SessionFailed(not_accepted(Phase.STARTTLS, why, words))
        await context_of(self.server, Phase.TLS)
        self.log.said("STARTTLS")
        self._note(Phase.STARTTLS, await self._ask(Phase.STARTTLS, self._upgrade, self.server.timeouts.command))

    async def _upgrade(self) -> aiosmtplib.SMTPResponse:
        response = _ready(await self.client.execute_command(b"STARTTLS", timeout=None))
        self.log.phase = Phase.TLS
        self.client.memory = memory_of(self.server)
        await self.client.secure(self.server.context)
        return response

    def _check_peer(self) -> None:
        """No secret leaves without TLS, or without verification, but to the address of this machine."""
        server = self.server
        secure = server.security is not Security.NONE and (
            not server.dangerously_skip_certificate_verification or bool(server.pins)
        )
        if not secure and not is_here(self.peer):
            why = f"{server.host} is {self.peer or 'not known'} here, and not this machine: the password stays here"
            raise SessionFailed(not_accepted(Phase.AUTH, Reason.LOGIN_NEEDS_TLS, why))

    async def _log_in(self, login: Login) -> None:
        self._check_peer()
        if not self.capabilities.mechanisms:
            await self._ehlo()  # some servers offer AUTH when they are asked once more, and not before
        offered = self.capabilities.mechanisms
        authentication = Authentication(self.client, login, offered, port=self.server.port, mask=self.mask)
        mechanism = authentication.choose()
        self.before.check_login(login, mechanism)
        if mechanism is None:
            raise SessionFailed(not_accepted(Phase.AUTH, Reason.NO_MECHANISM, self.mask(authentication.why_none)))
        self.log.said(f"AUTH {mechanism} ***")
        attempt = partial(authentication.run, mechanism, self.server.timeouts.command)
        reply = await self._ask(Phase.AUTH, attempt, limit=None)  # it has its own
        if reply.code != 235:
            verdict = judge_login(reply, heard=authentication.heard)
            remarks = filter(None, (authentication.told, login.remark if verdict.refused_login else None))
            verdict = verdict._replace(reason="; ".join(remarks) or None)
            raise SessionFailed(verdict, refused=verdict.refused_login and authentication.heard)
        self._note(Phase.AUTH, reply)
        self.mechanism = mechanism

    async def _ask(self, phase: Phase, command: Callable[[], Awaitable[_Response]], limit: float | None) -> Reply:
        self.log.phase = phase
        cause: Exception | None = None
        try:
            check_unread(self.client)
            # The limit is ours: with one of its own aiosmtplib waits by `wait_for`, which on Python 3.11 can swallow a
            # cancellation (bpo-37658).
            async with asyncio.timeout(limit):
                response = await command()
        except Broken as error:
            failed = judge_failure(phase, error.failure)
        except Exception as error:  # noqa: BLE001 - whatever a server can make the layers below raise is a verdict
            failed = verdict_of(self.log.phase, error, self.mask)
            if failed.why is Reason.UNKNOWN_CA and not await threads.run_anyhow(self._trusts_anybody):
                failed = failed._replace(why=Reason.NO_TRUST_STORE)
            # The text of others holds what the server said.
            cause = error if isinstance(error, ssl.SSLError) else None
        else:
            if isinstance(response, asyncio.CancelledError):
                raise response
            if not isinstance(response, Exception):
                return _checked(phase, *response, self.mask)
            failed = verdict_of(phase, response, self.mask)
        raise SessionFailed(failed) from cause

    def _trusts_anybody(self) -> bool:
        return trusts_anybody(self.server.context)

    def _note(self, phase: Phase, reply: Reply) -> None:
        self.log.answered(phase, reply)
        tls = self.client.get_transport_info("ssl_object") if self.client.is_connected else None
        if isinstance(tls, ssl.SSLObject) and (cipher := tls.cipher()):
            if self.vouched is None:
                self.log.certificate = tls.getpeercert(binary_form=True)
                self.vouched = vouched(self.server, tls)
                self.log.happened(f"{tls.version()} {self.vouched}, {cipher[0]}")
            self.log.tls = TLSFacts(version=tls.version() or "", cipher=cipher[0])


def _ready(response: aiosmtplib.SMTPResponse) -> aiosmtplib.SMTPResponse:
    if response.code != aiosmtplib.SMTPStatus.ready:
        raise aiosmtplib.SMTPResponseException(*response)
    return response


def _checked(phase: Phase, code: int, text: str, mask: Mask) -> Reply:
    if not 200 <= code <= 599:
        raise SessionFailed(judge_failure(phase, Failure(Break.MALFORMED, "what came was not an SMTP reply")))
    return as_reply(code, text, mask)
