"""The connections of one mailer on one event loop: opened as they are needed, used again, replaced when they died.

Knows how many there may be and which are idle. A connection that sat idle is asked (RSET) before a transaction is
written to it, so that a silently dead one cannot turn a harmless retry into doubt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sendkit._transport.base import AttemptLog
from sendkit._wire.failure import Broken
from sendkit._wire.session import Session

# An answer that is older than this says nothing about the connection any more.
_MOMENT = 1.0

Opener = Callable[[AttemptLog], Awaitable[Session]]


class Pool:
    """At most `limit` sessions, made by `opener`. Tasks that find none free wait in order."""

    def __init__(self, opener: Opener, limit: int, *, quit_limit: float) -> None:
        self._opener = opener
        self._quit_limit = quit_limit
        self._free = asyncio.Semaphore(limit)
        self._idle: list[Session] = []
        self._closed = False
        self.loop = asyncio.get_running_loop()

    async def acquire(self, log: AttemptLog, *, new: bool = False) -> Session:
        """A session for one task alone, until `release`; a reused one answered a moment ago. Raises SessionFailed."""
        await self._free.acquire()
        try:
            while self._idle and not new:
                session = self._idle.pop()
                if await self._alive(session):
                    log.tls = session.tls
                    return session
            return await self._opener(log)
        except BaseException:
            self._free.release()
            raise

    def release(self, session: Session, *, keep: bool) -> None:
        """Hand a session back; one that is not to be kept is closed at once."""
        if keep and not self._closed and session.channel.quiet:
            self._idle.append(session)
        else:
            session.channel.abort()
        self._free.release()

    async def aclose(self) -> None:
        """Say good-bye on every idle connection; those in use are closed when they are handed back."""
        self._closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.channel.quit(self._quit_limit) for session in idle))

    async def _alive(self, session: Session) -> bool:
        channel = session.channel
        if not channel.quiet:
            channel.abort()
            return False
        if channel.idle_for <= _MOMENT:
            return True
        try:
            channel.write(b"RSET\r\n")
            reply = await channel.reply(self._quit_limit)
        except Broken:
            reply = None
        except BaseException:
            channel.abort()
            raise
        if reply is None or not reply.positive:
            channel.abort()
            return False
        session.rset_due = False
        return True
