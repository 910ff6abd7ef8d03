"""The transport over the wire: one submission server, its sessions, and what was learnt about it.

A secret that is refused is asked for once more at its source; only another one gets a second login, on a new connection
(see `refusals`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import TYPE_CHECKING

from sendkit._credentials import Credentials, Renewable, Secret
from sendkit._credentials.os_keyring import in_keyring
from sendkit._lifetime.loops import PerLoop
from sendkit._lifetime.threads import NoThread
from sendkit._message.letter import Letter
from sendkit._redaction import Redactor
from sendkit._seam.limits import Limits
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from sendkit._smtp.hints import UsedSecret
from sendkit._smtp.phase import Phase
from sendkit._smtp.sasl import Mechanism
from sendkit._smtp.verdict import Break, Failure, Reason, Verdict, judge_failure, not_accepted
from sendkit._transport.refusals import REFUSALS, Trial
from sendkit._wire.conversation import Stale
from sendkit._wire.driver import Carrier
from sendkit._wire.failure import SessionFailed
from sendkit._wire.flight import Flight
from sendkit._wire.login import Login
from sendkit._wire.opening import LoginTurn, open_session
from sendkit._wire.pool import Pool
from sendkit._wire.routes import check_installed
from sendkit._wire.session import Session
from sendkit._wire.verified import check_verified
from sendkit.errors import CredentialsError

if TYPE_CHECKING:
    from sendkit._server.server import Server


class SMTPTransport(Transport):
    """Hands letters to one server, on connections within `limits`.

    Logs in when there is a `username`, or with EXTERNAL, by the `mechanism` that was asked for or the preferred one.
    """

    tells_before_end = takes_options = starts = True

    def __init__(
        self,
        server: Server,
        *,
        username: str | None,
        credentials: Credentials | None,
        limits: Limits,
        mechanism: Mechanism | None = None,
    ) -> None:
        check_installed(server)
        self.hosts = (server.host,)
        self._server = server
        self._username = username
        self._introduction = server.host, server.port or None, server.protocol, username
        self._credentials = credentials
        self._limits = limits
        self._pools: PerLoop[Pool] = PerLoop()
        self._carrier = Carrier(server.timeouts, lmtp=server.protocol == "lmtp")
        self._mechanism = mechanism
        self._last: Secret | None = None
        self._secrets: tuple[Redactor, ...] = ()
        # The last one alone: each new access token is another secret.
        self._proven: Trial | None = None
        # A client certificate has no fingerprint here; what is refused with it is remembered for this transport alone.
        self._certificate = os.urandom(16)

    @property
    def server(self) -> Server:
        """The one server that it reaches."""
        return self._server

    @property
    def username(self) -> str | None:
        """Who logs in."""
        return self._username

    @property
    def source(self) -> str:
        """Where the secret comes from, in words."""
        return self._credentials.source if self._credentials else "the client certificate"

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Carry the letter once. Raises CredentialsError or ConfigurationError before any byte of it goes out."""
        self._introduce(log)
        if letter.options is not None and letter.options.require_tls:
            check_verified(self._server)
        pool = self._pool()
        try:
            # Each dead connection is dropped, and a new one is never dead before it was used, and takes a transaction;
            # so this comes to an end.
            while not await self._carry(pool, letter, log):
                pass
        except SessionFailed as failed:
            _note(log, failed)
            log.settle_all(failed.verdict)
        except NoThread as error:
            log.settle_all(judge_failure(log.phase, Failure(Break.LOST, str(error.strerror))))

    def start(self, letter: Letter, log: AttemptLog, ended: Callable[[bool], None]) -> Callable[[], object] | None:
        """Write the letter now, if a connection has room for it and all of it goes out in one write."""
        terms = log.terms
        if terms.before_end is not None or terms.on_progress is not None:
            return None
        pool = self._pool()
        session = pool.ready(log)
        if session is None:
            return None
        flight = self._carrier.prepare(session, letter, log, self._landed)
        if flight is None:
            return None
        flight.pool, flight.tell = pool, ended
        self._introduce(log)
        pool.board(session, log)
        flight.write()
        return flight.cancel

    def _landed(self, flight: Flight) -> None:
        if flight.choked:
            self._carrier.stepwise = True
        flight.pool.release(flight.session)
        flight.tell(flight.over)

    def _introduce(self, log: AttemptLog) -> None:
        log.host, log.port, log.protocol, log.username = self._introduction

    async def log_in(self, log: AttemptLog) -> Verdict | None:
        """Open a session, or use one; returns None, or the verdict that prevented it. Raises CredentialsError."""
        pool = self._pool()
        try:
            pool.release(await pool.acquire(log))
        except SessionFailed as failed:
            return failed.verdict
        return None

    async def _carry(self, pool: Pool, letter: Letter, log: AttemptLog) -> bool:
        """False when another session is to go on with it: this one was dead before, or may have no more."""
        session = await pool.acquire(log)
        try:
            return await self._carrier.carry(session, letter, log)
        except Stale:
            session.give_up()
            return False
        finally:
            pool.release(session)

    async def aclose(self) -> None:
        """Close the idle connections with QUIT, on every event loop that runs; the others behind their last letter."""
        try:
            await self._pools.each(lambda pool: pool.aclose())
        finally:
            self._pools.forget()

    async def close_idle(self) -> None:
        """Close those of this event loop with QUIT."""
        await self._pool().close_idle()

    def _pool(self) -> Pool:
        return self._pools.here(self._new_pool)

    def _new_pool(self) -> Pool:
        return Pool(self._open, self._limits)

    async def _open(self, log: AttemptLog) -> Session:
        return await self.open(await self.login(), log)

    async def open(self, login: Login | None, log: AttemptLog) -> Session:
        """Open a session that belongs to the caller, who ends it. Raises SessionFailed."""
        if login is None:
            return await self._connect(None, log, contextlib.nullcontext)
        try:
            return await self._open_with(login, log)
        except SessionFailed as failed:
            if not failed.refused:
                raise
            fresh = await self._renewed(login)
            if fresh is None:
                raise
            _note(log, failed)
        log.happened("the secret was read again at its source, and has changed")
        return await self._open_with(fresh, log)

    async def _connect(self, login: Login | None, log: AttemptLog, turn: LoginTurn) -> Session:
        return await open_session(self._server, login, log, turn, secrets=self._heard(login))

    def _heard(self, login: Login | None) -> Redactor:
        """The secrets that this server may have heard: that of this login, and that of the one before."""
        if login is not None and login.secret is not None and login.secret != self._last:
            self._last, self._secrets = login.secret, (Redactor.of(login.reveal()), *self._secrets)[:2]
        return Redactor.joined(self._secrets)

    async def _open_with(self, login: Login, log: AttemptLog) -> Session:
        log.used = UsedSecret(self.source, login.kind, stored=in_keyring(self.source))
        fingerprint = login.secret.fingerprint() if login.secret else self._certificate
        trial = Trial.of(self._server.host, self._server.port, login.username, fingerprint)
        self._check(trial)
        return await self._connect(login, log, partial(self._turn, trial, log))

    @contextlib.asynccontextmanager
    async def _turn(self, trial: Trial, log: AttemptLog) -> AsyncGenerator[None]:
        """The moment of the AUTH command: alone, until the secret has proved good; what is refused is remembered."""
        alone = contextlib.nullcontext() if trial == self._proven else REFUSALS.alone(trial)
        async with contextlib.AsyncExitStack() as stack:
            with log.own_wait():
                await stack.enter_async_context(alone)
            self._check(trial)
            try:
                yield
            except SessionFailed as failed:
                if failed.refused:
                    REFUSALS.refused(trial, failed.verdict, self._limits.login_rest)
                    self._proven = None
                    failed.verdict = self._told(failed.verdict)
                raise
            if trial != self._proven:
                REFUSALS.proved_good(trial)
            self._proven = trial

    def _check(self, trial: Trial) -> None:
        if (known := REFUSALS.refusal(trial)) is not None:
            raise SessionFailed(self._told(known), remembered=True, refused=True)

    def _told(self, verdict: Verdict) -> Verdict:
        reason = "; ".join(filter(None, (verdict.reason, f"the secret came from {self.source}")))
        return verdict._replace(reason=reason)

    async def login(self) -> Login | None:
        """Who logs in, with the secret; None where nobody does. Raises CredentialsError, or SessionFailed for now."""
        if self._mechanism is Mechanism.EXTERNAL:
            return Login(self._username or "", None, self._mechanism)
        if self._username is None or self._credentials is None:
            return None
        try:
            secret = await self._credentials.secret(host=self._server.host, username=self._username)
        except CredentialsError as error:
            if not error.transient:
                raise
            raise SessionFailed(not_accepted(Phase.AUTH, Reason.NO_TOKEN_NOW, error.message)) from error
        return Login.at(self._server.host, self._username, secret, self._mechanism)

    async def _renewed(self, login: Login) -> Login | None:
        """The login with another secret, if the source has one by now."""
        if login.secret is None or not isinstance(self._credentials, Renewable):
            return None
        try:
            fresh = await self._credentials.renewed(login.secret, host=self._server.host, username=login.username)
        except (CredentialsError, NoThread):
            # That the server refused the secret says more than that its source failed afterwards.
            return None
        return (
            None
            if fresh is None or fresh == login.secret
            else Login.at(self._server.host, login.username, fresh, login.mechanism)
        )


def _note(log: AttemptLog, failed: SessionFailed) -> None:
    verdict = failed.verdict
    log.phase = verdict.phase
    if failed.remembered:
        log.happened("this secret was refused before, and is not sent again")
    elif failed.noted:
        pass
    elif verdict.reply is not None:
        log.answered(verdict.phase, verdict.reply)
    elif verdict.reason is not None:
        log.happened(verdict.reason)
