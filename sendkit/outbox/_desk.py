"""What one worker does with the ledger, as the operations that an engine calls: take, work, sweep, news."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from sendkit.errors import OutboxError
from sendkit.outbox._attempt import PROBE, Attempts
from sendkit.outbox._claim import Lane, Take, Taken, readies, takes
from sendkit.outbox._engine import LetterId
from sendkit.outbox._fence import Announced, Hands, Release, Takeover, releases, strays, takeovers
from sendkit.outbox._ledger import How
from sendkit.outbox._orders import Age, purges
from sendkit.outbox._upkeep import Alive, heartbeats, next_dues, owners, promotions

if TYPE_CHECKING:
    from sendkit.outbox._ledger import Writer
    from sendkit.outbox._liveness import Liveness
    from sendkit.outbox._rows import Claim

_T = TypeVar("_T")

_logger = logging.getLogger("sendkit.outbox")
_PURGE = 600.0  # seconds between two looks for what is kept no longer
_IDLE = 0.2  # seconds between two looks for what other processes have put


class LedgerDesk:
    """The letters of one worker. `accounts` None: of every account."""

    def __init__(
        self,
        writer: Writer,
        attempts: Attempts,
        accounts: tuple[str, ...] | None,
        liveness: Liveness,
        keep: Age,
    ) -> None:
        self._writer = writer
        self._attempts = attempts
        self.accounts = accounts
        self._liveness = liveness
        self._owner = attempts.owner
        self._longest = attempts.waits.longest
        self._keep_for = keep
        self._said = self._purged = float("-inf")
        self._unsure, self._taking, self._working = False, 0, set[LetterId]()
        self._claims: dict[LetterId, tuple[Claim, bool]] = {}
        self._after: Lane = ("", "")
        self._probed: dict[str, float] = {}
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def take(self, limit: int) -> Sequence[LetterId]:
        """Claim letters; what is claimed stays this desk's until it was worked on."""
        wish = Take(self._owner, limit, self.accounts, self._after, probing=self._due_probes())
        taken = await self._taken(wish)
        self._after = taken.last
        self._keep(taken)
        return [claim.id for claim in taken.claims]

    async def work(self, letter: LetterId) -> datetime | None:
        """Make one attempt; when it wants to be looked at again, or None."""
        if letter not in self._claims:
            wish = Take(self._owner, 1, self.accounts, id=letter, probing=self._due_probes())
            self._keep(await self._taken(wish))
        claim, held = self._claims.pop(letter, (None, False))
        if claim is None:
            return None
        self._working.add(letter)
        try:
            due = await self._attempts.make(claim, held=held)
        finally:
            self._working.discard(letter)
        return None if due is None else datetime.fromtimestamp(due, UTC)

    async def _taken(self, wish: Take) -> Taken:
        self._taking += 1
        try:
            return await _whole(self._writer.acall(takes, wish))
        except BaseException:
            self._unsure = True  # it may have been committed nevertheless
            raise
        finally:
            self._taking -= 1

    async def ready(self, limit: int) -> Sequence[Announced]:
        """What `take` would claim, unclaimed."""
        wish = Take(self._owner, limit, self.accounts, probing=self._due_probes())
        return await self._writer.acall(readies, wish, How.LIGHT)

    async def sweep(self) -> None:
        """Take over from workers that have ended; letters whose time has come are ready."""
        await self._say_alive()
        if self._unsure and not self._taking:
            await self._find_strays()
        for owner, silent in await self._writer.acall(owners, None, How.READS):
            if owner != self._owner and self._liveness.has_ended(owner, silent):
                taken = await self._writer.acall(takeovers, Takeover(owner, self._attempts.retry_doubt))
                _logger.warning("the worker %s has ended; %d letters were taken over from it", owner, taken)
        await self._writer.acall(promotions, self._longest, How.LIGHT)
        await self._purge()

    async def _find_strays(self) -> None:
        """Free letters that were claimed by a commit whose result this worker did not get."""
        self._unsure = False
        hands = Hands(self._owner, frozenset((*self._claims, *self._working)))
        try:
            await self._writer.acall(strays, hands)
        except BaseException:
            self._unsure = True
            raise

    async def _purge(self) -> None:
        """Now and then, delete what is kept no longer."""
        now = self._loop.time()
        if now - self._purged >= _PURGE:
            more = any(await self._writer.acall(purges, self._keep_for))
            self._purged = float("-inf") if more else now

    async def news(self) -> None:
        """Return as soon as there may be something to take."""
        while True:
            try:
                await asyncio.wait_for(self._news.wait(), _IDLE)
            except TimeoutError:
                if not await self._anything_due():
                    continue
            self._news.clear()
            return

    async def _anything_due(self) -> bool:
        try:
            due = await self._writer.acall(next_dues, self._longest, How.READS)
        except OutboxError:  # whoever takes letters next tells of it
            return False
        return due is not None and due <= self._attempts.now()

    def wake(self) -> None:
        """There may be something to take; from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it who waits
            self._loop.call_soon_threadsafe(self._news.set)

    async def give_back(self) -> None:
        """Release what was taken and not worked on."""
        for claim, _ in self._claims.values():
            await self._writer.acall(releases, Release(claim.id, claim.token, 0))
        self._claims.clear()

    async def _say_alive(self) -> None:
        beat, now = self._liveness.beat, self._loop.time()
        if self._attempts.said or (beat is not None and now - self._said >= beat):
            self._said = now
            await self.confirm()

    async def confirm(self) -> None:
        """Record that this worker is alive, and flush what it has settled to the disk."""
        said, self._attempts.said = self._attempts.said, []
        try:
            beats = await self._writer.acall(heartbeats, Alive(self._owner, tuple(said), self.accounts))
        except BaseException:
            self._attempts.said = said + self._attempts.said
            raise
        self._liveness.remember(beats)

    def _keep(self, taken: Taken) -> None:
        now = self._attempts.now()
        for claim in taken.claims:
            held = claim.account in taken.held
            if held:
                self._probed[claim.account] = now
            self._claims[claim.id] = (claim, held)

    def _due_probes(self) -> tuple[str, ...]:
        now = self._attempts.now()
        return tuple(
            account for account in self._attempts.refused if now - self._probed.setdefault(account, now) >= PROBE
        )


async def _whole(work: Awaitable[_T]) -> _T:
    """Wait for a claim to its end: one that is made and not heard of would be nobody's until the worker ends."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
