"""A worker: one mailer, the accounts that it serves, and an engine that has letters worked on until it is stopped."""

from __future__ import annotations

import asyncio
import os
import platform
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sendkit._delivery.watch import watch_of
from sendkit._lifetime.loops import running_loop
from sendkit.outbox._attempt import Attempts
from sendkit.outbox._desk import LedgerDesk
from sendkit.outbox._engine import Engine
from sendkit.outbox._events import Teller
from sendkit.outbox._fence import Takeover, takeovers
from sendkit.outbox._ledger import How
from sendkit.outbox._orders import Age
from sendkit.outbox._returns import Returner
from sendkit.outbox._schedule import Waits
from sendkit.outbox._upkeep import owners

if TYPE_CHECKING:
    from sendkit._mailer import AsyncMailer
    from sendkit.outbox._ledger import Writer
    from sendkit.outbox._place import Place
    from sendkit.outbox._policy import Policy

_TRIES = 5  # at an event of which the program raises, before a drain leaves it to the next worker


class AsyncWorker:
    """One worker from its beginning to its end, on the event loop that runs here.

    It serves `account`, or else that of its mailer; every account where that has none, and in the memory of a test.
    """

    def __init__(
        self,
        writer: Writer,
        place: Place,
        *,
        engine: Engine,
        mailer: AsyncMailer,
        policy: Policy,
        account: str | None,
    ) -> None:
        self._writer = writer
        self._liveness = place.liveness
        self._listen = place.listen
        self._deafen: Callable[[], None] | None = None
        self._now = place.now
        self._engine = engine
        self._policy = policy
        self._mailer = mailer
        own = mailer._plan.account_names if place.account is None else ()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - one house
        self.accounts: tuple[str, ...] | None = (account,) if account is not None else own or None
        self.usual_sender: str | None = mailer._plan.usual_sender  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above
        self.owner: str = f"{platform.node()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.stop: asyncio.Event = asyncio.Event()
        self.finish: bool = False  # whether what is due by then is tried before the end
        self._loop = running_loop("AsyncOutbox", "outbox.put, message")
        self._watch = watch_of(policy.observers)
        self.desk: Final = self._desk()
        self._teller = self._new_teller()

    def _desk(self) -> LedgerDesk:
        warn_after = self._policy.warn_after
        attempts = Attempts(
            self._writer,
            self.owner,
            self._mailer,
            Waits(self._policy.schedule),
            self._now,
            retry_doubt=self._policy.in_doubt == "retry",
            warn_after=None if warn_after is None else warn_after.total_seconds(),
            watch=self._watch,
        )
        keep = Age(self._policy.keep_content.total_seconds(), self._policy.keep_rows.total_seconds())
        return LedgerDesk(self._writer, attempts, self.accounts, self._liveness, keep)

    def _new_teller(self) -> Teller | None:
        report = self._policy.report
        returner = None if report is None else Returner(self._writer, report)
        steps = [step for step in (returner, self._policy.on_event) if step is not None]
        return Teller(self._writer, self.owner, steps) if steps else None

    async def begin(self) -> None:
        """Say that this worker is there. Raises OutboxError, ConfigurationError."""
        await self._writer.acall(owners, None, How.READS)  # that the database is there, and its folder
        # Whoever finds a worker in the database must find it alive.
        self._liveness.begin(self.owner)
        try:
            await self.desk.confirm()
        except BaseException:
            self._liveness.end(self.owner)
            raise
        if self._listen is not None:
            self._deafen = self._listen(self.desk.wake)

    async def run(self) -> None:
        """Work until `stop` is set; what is in progress then has its time to end."""
        stopped = asyncio.ensure_future(self.stop.wait())
        telling = None if self._teller is None else asyncio.ensure_future(self._teller.run())
        concurrency = self._policy.concurrency
        running = asyncio.ensure_future(self._engine.run(self.desk, concurrency=concurrency, stop=self.stop))
        try:
            await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
            until = self._loop.time() + self._policy.stop_within
            await asyncio.wait({running}, timeout=self._policy.stop_within)
            if self.finish and running.done():
                await self.drain(until)
        finally:
            stopped.cancel()
            running.cancel()
            await asyncio.wait({running})
            if telling is not None:
                telling.cancel()
                await asyncio.wait({telling})
            await self.end()
        if not running.cancelled() and (error := running.exception()) is not None:
            raise error

    def stop_soon(self, *, finish: bool) -> None:
        """Set `stop`, from any thread; `finish`: what is due by then is tried first."""
        self.finish = finish
        self._loop.call_soon_threadsafe(self.stop.set)

    async def end(self) -> None:
        """Leave nothing in this worker's hands."""
        if self._deafen is not None:
            self._deafen()
        await self.desk.give_back()
        await self.desk.confirm()
        await self._writer.acall(takeovers, Takeover(self.owner, self._policy.in_doubt == "retry"))
        self._liveness.end(self.owner)
        if self._watch is not None:
            await self._watch.over()

    async def drain(self, until: float = float("inf")) -> int:
        """Work on what is due until nothing is, or it is late; how many attempts were made."""
        made = 0
        while self._loop.time() < until:
            await self.desk.sweep()
            letters = await self.desk.take(self._policy.concurrency)
            if not letters:
                if await self._told(until):
                    continue
                break
            await asyncio.gather(*map(self.desk.work, letters))
            made += len(letters)
        return made

    async def _told(self, until: float) -> bool:
        """Tell what there is to tell while there is time; whether there was anything."""
        if self._teller is None:
            return False
        left = until - self._loop.time()
        try:
            async with asyncio.timeout(left if left < float("inf") else None):
                return await self._teller.tell_all(_TRIES)
        except TimeoutError:
            return False
