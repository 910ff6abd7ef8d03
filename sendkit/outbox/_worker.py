"""A worker: one mailer, the accounts that it serves, and an engine that has letters worked on until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypedDict

from sendkit._delivery.observers import AnyObserver, check_observers
from sendkit._delivery.watch import watch_of
from sendkit._smtp.address import AddressError, parse_address
from sendkit.errors import ConfigurationError
from sendkit.outbox._attempt import Attempts
from sendkit.outbox._desk import LedgerDesk
from sendkit.outbox._engine import Engine
from sendkit.outbox._events import Teller
from sendkit.outbox._fence import Takeover, takeovers
from sendkit.outbox._ledger import How
from sendkit.outbox._orders import Age
from sendkit.outbox._returns import Returner
from sendkit.outbox._schedule import USUAL, Schedule, Waits
from sendkit.outbox._upkeep import owners

if TYPE_CHECKING:
    from sendkit._mailer import AsyncMailer
    from sendkit.outbox._ledger import Writer
    from sendkit.outbox._place import Place
    from sendkit.outbox._status import Event

_logger = logging.getLogger("sendkit.outbox")


class WorkerSettings(TypedDict, total=False):
    """What a worker may be told; an outbox takes the same, for all its workers."""

    concurrency: int
    schedule: Schedule
    in_doubt: Literal["hold", "retry"]
    report: str | None
    warn_after: timedelta | None
    on_event: Callable[[Event], object] | None
    stop_within: float
    observers: Iterable[AnyObserver]
    keep_content: timedelta
    keep_rows: timedelta


@dataclass(slots=True, frozen=True)
class Policy:
    """The settings of a worker, checked.

    `concurrency` letters at a time. `schedule` is how long to wait after each attempt. `in_doubt`: "hold" leaves it to
    a person, "retry" sends again what a server may have. `report`: "sender", or the address that gets RFC 3464 reports.
    `warn_after` is when a delay is told of. `on_event` is called with every Event. `stop_within` is how many seconds
    what is in progress has to end. `observers` are told of each attempt and its result, beside the mailer's own.
    `keep_content` and `keep_rows`: how long after its end a letter's content is kept,
    and all that is known of it.
    """

    concurrency: int = 32
    schedule: Schedule = USUAL
    in_doubt: Literal["hold", "retry"] = "hold"
    report: str | None = None
    warn_after: timedelta | None = None
    on_event: Callable[[Event], object] | None = None
    stop_within: float = 30.0
    observers: Iterable[AnyObserver] = ()
    keep_content: timedelta = timedelta(days=1)
    keep_rows: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        if isinstance(self.concurrency, bool) or self.concurrency < 1:
            hint = "give a whole number from 1 on; 32 is usual"
            raise ConfigurationError(f"concurrency= cannot be {self.concurrency!r}", hint=hint)
        if self.in_doubt not in ("hold", "retry"):
            hint = '"hold" leaves it to a person; "retry" sends it again, and so may make copies'
            raise ConfigurationError(f"in_doubt= cannot be {self.in_doubt!r}", hint=hint)
        if self.report not in (None, "sender"):
            _check_report(self.report)
        check_observers("observers", self.observers)
        Waits(self.schedule)


def _check_report(text: object) -> None:
    """Raise ConfigurationError for a `report=` that is neither "sender" nor an address."""
    try:
        parse_address(str(text))
    except AddressError as error:
        raise ConfigurationError(f"report= is not an address: {error.problem}", hint='give "sender", or one') from error


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
        self.accounts = (account,) if account is not None else own or None
        self.owner = f"{platform.node()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.stop = asyncio.Event()
        self.finish = False  # whether what is due by then is tried before the end
        self._loop = asyncio.get_running_loop()
        self._watch = watch_of(policy.observers)
        self.desk = self._desk()
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
        await self.desk.confirm()
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
                if self._teller is not None and await self._teller.tell_all():
                    continue
                break
            await asyncio.gather(*map(self.desk.work, letters))
            made += len(letters)
        return made
