"""The transport over the wire: one submission server, its sessions, and what was learnt about it.

Remembers for its lifetime that a server chokes on commands written together, and which secret it refused: a secret
refused once is not sent again, since servers count refusals towards a lock-out.
"""

from __future__ import annotations

import asyncio

from sendkit._credentials import Credentials
from sendkit._message.letter import Letter
from sendkit._settings import Security, Server
from sendkit._smtp.phase import Phase
from sendkit._smtp.verdict import Verdict
from sendkit._transport import diversion
from sendkit._transport.base import AttemptLog, Limits, Transport
from sendkit._wire.conversation import Stale
from sendkit._wire.driver import Carrier
from sendkit._wire.failure import SessionFailed
from sendkit._wire.login import Login
from sendkit._wire.pool import Pool
from sendkit._wire.resumption import resume
from sendkit._wire.session import Session, open_session


class SMTPTransport(Transport):
    """Hands letters to one server, on connections within `limits`; logs in when there is a `username`."""

    def __init__(
        self, server: Server, *, username: str | None, credentials: Credentials | None, limits: Limits
    ) -> None:
        diversion.check(server.host)
        self.hosts = (server.host,)
        self._server = server
        self._username = username
        self._credentials = credentials
        self._limits = limits
        self._pool: Pool | None = None
        self._stepwise = False
        self._refused: dict[bytes, Verdict] = {}
        self._proven: set[bytes] = set()
        self._proving = asyncio.Lock()

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Carry the letter once. Raises CredentialsError before any byte of it goes out."""
        diversion.check(self._server.host, self)
        log.host, log.port = self._server.host, self._server.port
        pool = self._current_pool()
        try:
            # Each dead connection is dropped, and a new one is never dead before it was used, so this comes to an end.
            while not await self._carry(pool, letter, log):
                pass
        except SessionFailed as failed:
            _note(log, failed)
            log.settle_all(failed.verdict)

    async def _carry(self, pool: Pool, letter: Letter, log: AttemptLog) -> bool:
        """False when the session was dead before anything of the letter was written."""
        session = await pool.acquire(log)
        try:
            report = await Carrier(self._server.timeouts, self._stepwise).carry(session, letter, log)
            self._stepwise |= report is not None and report.choked
        except Stale:
            session.given_up = True
            return False
        finally:
            pool.release(session)
        return True

    async def aclose(self) -> None:
        """Say good-bye on the idle connections."""
        pool, self._pool = self._pool, None
        if pool is not None and pool.loop is asyncio.get_running_loop():
            await pool.aclose()

    def _current_pool(self) -> Pool:
        # Connections belong to the event loop that they were made on; another loop gets new ones.
        if self._pool is None or self._pool.loop is not asyncio.get_running_loop():
            self._proving = asyncio.Lock()
            self._pool = Pool(self._open, self._limits)
        return self._pool

    async def _open(self, log: AttemptLog) -> Session:
        login = await self._login()
        if login is None:
            return await self._connect(None, log)
        fingerprint = login.secret.fingerprint()
        if fingerprint in self._proven:
            return await self._open_with(login, fingerprint, log)
        # Until a secret has proved good, one connection at a time tries it: a wrong one is sent once, not n times.
        async with self._proving:
            return await self._open_with(login, fingerprint, log)

    async def _connect(self, login: Login | None, log: AttemptLog) -> Session:
        if self._server.security is not Security.NONE and self._server.tls_context is None:
            resume(self._server.context)
        return await open_session(self._server, login, log)

    async def _open_with(self, login: Login, fingerprint: bytes, log: AttemptLog) -> Session:
        if fingerprint in self._refused:
            raise SessionFailed(self._refused[fingerprint], remembered=True)
        try:
            session = await self._connect(login, log)
        except SessionFailed as failed:
            reply = failed.verdict.reply
            if failed.verdict.phase is Phase.AUTH and reply is not None and reply.permanent:
                self._refused[fingerprint] = failed.verdict
                self._proven.discard(fingerprint)
            raise
        self._proven.add(fingerprint)
        return session

    async def _login(self) -> Login | None:
        if self._username is None or self._credentials is None:
            return None
        secret = await self._credentials.secret(host=self._server.host, username=self._username)
        return Login(self._username, secret)


def _note(log: AttemptLog, failed: SessionFailed) -> None:
    verdict = failed.verdict
    log.phase = verdict.phase
    if failed.remembered:
        log.happened("this secret was refused before, and is not sent again")
    elif verdict.reply is not None:
        log.answered(verdict.phase, verdict.reply)
    elif verdict.reason is not None:
        log.happened(verdict.reason)
