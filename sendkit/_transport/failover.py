"""Several servers as one transport: where one is down or refuses for now, the next one is asked.

Whom a server may still be asked for, the verdicts say: what was deferred, or needs what the server does not offer;
never what the server itself rejected, nor what is in doubt. A server that failed as a whole rests, longer each time up
to a limit; the first letter after that asks it, while the others still go round it. Where all rest, the one that may be
up first is asked anyway.
Knows logs, verdicts and the clock. Must not know how a server is spoken to, or when all of them are tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from sendkit._lifetime import logs
from sendkit._message.letter import Letter
from sendkit._seam.clock import Clock
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport, carry
from sendkit._smtp.phase import BEFORE_TRANSACTION
from sendkit._smtp.verdict import Again, Break, Cause, Failure, Outcome, Verdict, judge_failure
from sendkit.errors import ConfigurationError, SendkitError

FIRST_REST = 10.0
LONGEST_REST = 300.0

_TROUBLE = frozenset({Cause.IN_DOUBT, Cause.TLS, Cause.AUTHENTICATION, Cause.CONNECTION, Cause.PROTOCOL})
_SERVICE_CLOSING = 421

_logger = logging.getLogger("sendkit.failover")


@dataclass(slots=True, eq=False)
class _Server:
    """One server with its consecutive failures; times are on the common clock."""

    transport: Transport
    failures: int = 0
    failed: float = float("-inf")
    wakes: float = float("-inf")

    def ask(self, now: float) -> None:
        """A letter asks it: after a failure one alone does, and its rest is renewed for the others."""
        if self.failures:
            self.wakes = now + self._rest()

    def fail(self, began: float, now: float) -> None:
        """It failed; of several that asked at the same time only the first counts."""
        if began >= self.failed:
            self.failures += 1
        self.failed, self.wakes = now, now + self._rest()

    def serve(self) -> None:
        """It answered normally."""
        self.failures, self.wakes = 0, float("-inf")

    def _rest(self) -> float:
        return min(FIRST_REST * 2.0 ** min(self.failures - 1, 16), LONGEST_REST)


class FailoverTransport(Transport):
    """Hands each letter to the first of several transports that takes it, recipient by recipient.

    They stand in the order of preference, and time is that of the first. Each server that was asked has an attempt of
    its own. A deadline is shared out, so that a server that does not answer leaves time for the others; what has begun
    to be transferred may use all of it. Raises ConfigurationError without a transport, and in `deliver` what the first
    of them raised where none could be asked.
    """

    takes_options = True  # as far as each of them does

    def __init__(self, transports: Sequence[Transport]) -> None:
        if not transports:
            hint = 'name one at least: Mailer(["smtp.example.com", "backup.example.com"])'
            raise ConfigurationError("a mailer without a server", hint=hint)
        self.clock: Clock = transports[0].clock
        self.hosts: tuple[str, ...] = tuple(host for transport in transports for host in transport.hosts)
        self.tells_before_end: bool = all(transport.tells_before_end for transport in transports)
        self.transports: tuple[Transport, ...] = tuple(transports)
        self._servers = [_Server(transport) for transport in transports]

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Ask one server after the other, each for the recipients that the previous ones left."""
        left, asked, raised = letter.recipients, 0, list[SendkitError]()
        for server in self._candidates():
            current = log.another(left) if asked else log
            waiting = len(self._servers) - asked
            asked += 1
            if error := await self._ask(server, replace(letter, recipients=left), current, waiting):
                raised.append(error)
            left = tuple(recipient for recipient in left if _may_go_on(current.verdict(recipient)))
            if not left:
                return
        if len(raised) == asked:
            raise raised[0]

    async def close_idle(self) -> None:
        """Close the idle connections to all servers."""
        for server in self._servers:
            await server.transport.close_idle()

    async def aclose(self) -> None:
        """Close all of them, also where one fails to."""
        async with contextlib.AsyncExitStack() as stack:
            for server in self._servers:
                stack.push_async_callback(server.transport.aclose)

    def _candidates(self) -> Iterator[_Server]:
        """The servers that do not rest, and after all of them have failed, one that does."""
        asked: list[_Server] = []
        while awake := next((s for s in self._servers if s not in asked and s.wakes <= self.clock.monotonic()), None):
            asked.append(awake)
            yield awake
        resting = [server for server in self._servers if server not in asked]
        if resting and all(server.failures for server in asked):
            yield min(resting, key=lambda server: server.wakes)

    async def _ask(self, server: _Server, letter: Letter, log: AttemptLog, waiting: int) -> SendkitError | None:
        began, raised = self.clock.monotonic(), None
        server.ask(began)
        share = None if log.terms.deadline is None or waiting == 1 else (log.terms.deadline - began) / waiting
        try:
            async with _let_in_within(share, log):
                await carry(server.transport, letter, log)
        except SendkitError as error:
            log.unable(error)
            raised = error
        except asyncio.CancelledError:
            # One that used up the whole time of a message should not get that of the next one too.
            if log.terms.deadline is not None and self.clock.monotonic() >= log.terms.deadline:
                self._note_failure(server, log, began)
            raise
        finally:
            log.close()
        if any(map(_shows_trouble, map(log.verdict, log.recipients))):
            self._note_failure(server, log, began)
        else:
            server.serve()
        return raised

    def _note_failure(self, server: _Server, log: AttemptLog, began: float) -> None:
        now = self.clock.monotonic()
        server.fail(began, now)
        logs.log(_logger, logging.INFO, "%s failed, and rests for %g s", log.server, server.wakes - now)


def _may_go_on(verdict: Verdict) -> bool:
    return verdict.outcome in (Outcome.DEFERRED, Outcome.REJECTED) and verdict.again is not Again.NO


def _shows_trouble(verdict: Verdict) -> bool:
    """Whether a verdict is about the server as a whole, and not about this message or recipient."""
    if verdict.outcome is Outcome.ACCEPTED:
        return False
    closing = verdict.reply is not None and verdict.reply.code == _SERVICE_CLOSING
    return verdict.cause in _TROUBLE or verdict.phase in BEFORE_TRANSACTION or closing


class _Patience:
    """A timer that stands still while we wait for a connection of our own."""

    def __init__(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._left, self._then = seconds, then
        self._run()

    def _run(self) -> None:
        self._began = self._loop.time()
        self._timer = self._loop.call_later(max(0.0, self._left), self._then)

    @contextlib.contextmanager
    def paused(self) -> Generator[None]:
        """Time that passes within it does not count."""
        self._timer.cancel()
        self._left -= self._loop.time() - self._began
        try:
            yield
        finally:
            self._run()

    def cancel(self) -> None:
        """It is over."""
        self._timer.cancel()


@contextlib.asynccontextmanager
async def _let_in_within(seconds: float | None, log: AttemptLog) -> AsyncGenerator[None]:
    """Give up a server with which no transaction was started by then, when nothing of the letter is out yet."""
    task = cast("asyncio.Task[object]", asyncio.current_task())
    before, late = task.cancelling(), False

    def give_up() -> None:
        nonlocal late
        # Cancelled here and now: nothing more runs between this look at the phase and the cancellation, as it would
        # between the expiry of an `asyncio.timeout` and its own.
        if log.phase in BEFORE_TRANSACTION and not late:
            late = task.cancel()

    patience = None if seconds is None else _Patience(seconds, give_up)
    if patience is not None:
        log.own_wait = patience.paused
    try:
        yield
    except asyncio.CancelledError:
        if not late or task.uncancel() > before:
            raise
        reason = f"no session within {seconds:.3g} s, this server's share of the deadline"
        log.settle_all(judge_failure(log.phase, Failure(Break.TIMEOUT, reason)))
    finally:
        if patience is not None:
            patience.cancel()
