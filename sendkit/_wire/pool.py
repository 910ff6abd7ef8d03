"""The connections of one mailer on one event loop: opened as they are needed, used again, replaced when they died.

Knows how many there may be, which letters each carries, and who waits, in order of arrival. A connection that sat idle
is asked (RSET) before a transaction is written to it, so that a silently dead one cannot turn a harmless retry into
doubt. One that has carried enough, or sat idle for too long, is closed with QUIT, and counts until that is over.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable

from sendkit._seam.limits import Limits
from sendkit._seam.log import AttemptLog
from sendkit._wire.failure import Broken
from sendkit._wire.session import Session

# An answer that is older than this says nothing about the connection any more.
_MOMENT = 1.0
# The one reply that RSET has where the connection goes on (RFC 5321 sections 4.1.1.5 and 4.3.2).
_RESET = 250

Opener = Callable[[AttemptLog], Awaitable[Session]]


class Pool:
    """At most `limits.connections` sessions, made by `opener`. Tasks that find no room wait in order."""

    def __init__(self, opener: Opener, limits: Limits) -> None:
        self._opener = opener
        self._limits, self._letters = limits, limits.letters
        self._sessions: list[Session] = []
        self._opening = 0
        self._leaving: set[asyncio.Task[None]] = set()
        self._watch: asyncio.TimerHandle | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed = False
        self._guard: AsyncGenerator[None] | None = None
        self.loop = asyncio.get_running_loop()

    async def acquire(self, log: AttemptLog) -> Session:
        """Room on a session until `release`; one that sat idle answered a moment ago. Raises SessionFailed."""
        if self._guard is None:
            self._guard = self._until_the_loop_ends()
            await anext(self._guard)
        queued = bool(self._waiting)
        if queued:
            await self._wait(log, again=False)
        while True:
            session = self._with_room(log.terms.in_flight)
            if session is not None:
                if not session.idle or _fresh(session) or await self._alive(session):
                    return self.board(session, log)
            elif len(self._sessions) + self._opening + len(self._leaving) < self._limits.connections:
                return self.board(await self._open(log), log)
            else:
                await self._wait(log, again=queued)
                queued = True

    def ready(self, log: AttemptLog) -> Session | None:
        """A session with a place, where nobody needs to be waited for; to take the place is for `board`."""
        if self._waiting or self._guard is None:
            return None
        session = self._with_room(log.terms.in_flight)
        if session is None:
            return None
        return session if (session.channel.open if session.aboard else _fresh(session)) else None

    def release(self, session: Session) -> None:
        """Give the room back; a session that is not to be used again is closed behind the last letter on it."""
        session.remove_letter()
        if not session.aboard:
            if session.given_up or self._closed or not session.channel.quiet:
                self._drop(session)
            elif self._spent(session):
                self._leave(session)
            elif self._watch is None and self._limits.idle is not None:
                self._watch = self.loop.call_later(self._limits.idle, self._look_for_idle)
        if self._waiting:
            self._wake()

    async def close_idle(self) -> None:
        """Close every idle connection with QUIT; more can be opened."""
        for session in self._idle():
            self._leave(session)
        while leaving := frozenset(self._leaving):
            await asyncio.gather(*leaving)  # from Python 3.12 on without a pause, where all of them have just ended
            self._leaving -= leaving

    async def aclose(self) -> None:
        """Close every idle connection with QUIT; those in use are closed after the last letter on them."""
        await self._say_good_bye()
        if self._guard is not None:
            await self._guard.aclose()

    async def _say_good_bye(self) -> None:
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
        await self.close_idle()

    async def _until_the_loop_ends(self) -> AsyncGenerator[None]:
        # asyncio.run() finishes the generators that are still open, and with this one the connections, while the loop
        # can still do it; a mailer that is used from one short-lived loop after the other would leak them.
        try:
            yield
        finally:
            self._guard = None  # to close it again meanwhile, on behalf of another loop, would be an error
            if not self._closed:  # the loop ends; it has cancelled the tasks that waited for an answer
                for session in list(self._sessions):
                    session.turns.cut()
            await self._say_good_bye()

    def _idle(self) -> list[Session]:
        return [session for session in self._sessions if session.idle]

    def _look_for_idle(self) -> None:
        """Leave what sat idle for too long, and look again when the next one will have."""
        self._watch, limit = None, self._limits.idle or 0
        for session in self._idle():
            if session.channel.idle_for >= limit:
                self._leave(session)
        if idle := self._idle():
            longest = max(session.channel.idle_for for session in idle)
            self._watch = self.loop.call_later(limit - longest, self._look_for_idle)

    def _leave(self, session: Session) -> None:
        self._sessions.remove(session)
        task = self.loop.create_task(session.channel.quit(self._limits.quit))
        self._leaving.add(task)
        task.add_done_callback(self._left)

    def _left(self, task: asyncio.Task[None]) -> None:
        self._leaving.discard(task)
        self._wake()

    def _with_room(self, in_flight: int) -> Session | None:
        for session in reversed(self._sessions):
            if session.given_up:
                continue
            if not (aboard := session.aboard) or (in_flight > 1 and aboard < session.room and not self._spent(session)):
                return session
        return None

    def _spent(self, session: Session) -> bool:
        return session.exhausted or (self._letters is not None and session.letters >= self._letters)

    def board(self, session: Session, log: AttemptLog) -> Session:
        """Take a place on a session, until `release`."""
        session.add_letter(log.terms.in_flight)
        log.tls, log.peer = session.tls, session.peer
        if self._waiting and session.has_room:
            self._wake()
        return session

    async def _open(self, log: AttemptLog) -> Session:
        self._opening += 1
        try:
            session = await self._opener(log)
        finally:
            self._opening -= 1
            self._wake()
        self._sessions.append(session)
        return session

    async def _alive(self, session: Session) -> bool:
        channel = session.channel
        self._sessions.remove(session)
        self._opening += 1
        try:
            alive = channel.quiet and await _answers(session, self._limits.quit)
        except BaseException:
            channel.abort()
            self._wake()  # its room is free, and nobody is on the way to take it
            raise
        finally:
            self._opening -= 1
        if alive:
            self._sessions.append(session)
        else:
            channel.abort()
        return alive

    def _drop(self, session: Session) -> None:
        session.channel.abort()
        if session in self._sessions:
            self._sessions.remove(session)

    async def _wait(self, log: AttemptLog, *, again: bool) -> None:
        waiter: asyncio.Future[None] = self.loop.create_future()
        (self._waiting.appendleft if again else self._waiting.append)(waiter)
        try:
            with log.own_wait():
                await waiter
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


def _fresh(session: Session) -> bool:
    """Whether it answered a moment ago, and nothing has happened to it since."""
    return session.channel.heard_within(_MOMENT)


async def _answers(session: Session, limit: float) -> bool:
    try:
        session.channel.write(b"RSET\r\n")
        reply = await session.channel.reply(limit)
    except Broken:
        return False
    if reply.code != _RESET:  # a 221 to RSET is a close too
        return False
    session.reset()
    return True
