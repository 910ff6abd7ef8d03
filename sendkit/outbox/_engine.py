"""Engines: who looks at which letter, and when. The ledger decides whether anything may leave, so an engine may err.

`Engine` is provisional. The one that comes with the outbox looks for due letters itself, and needs nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from sendkit.errors import OutboxError
from sendkit.outbox._fence import Announced
from sendkit.outbox._statements import Executor

_logger = logging.getLogger("sendkit.outbox")

LetterId: TypeAlias = int
Execute: TypeAlias = Executor


class Desk(Protocol):
    """What an engine is handed: the letters of one worker."""

    @property
    def accounts(self) -> tuple[str, ...] | None:
        """Whose letters this worker may send; None: everybody's."""
        ...

    async def take(self, limit: int) -> Sequence[LetterId]:
        """Claim up to so many letters that are due; each is to be given to `work`."""
        ...

    async def work(self, letter: LetterId) -> datetime | None:
        """Make one attempt at a letter, claiming it if need be; when it wants to be looked at again, or None."""
        ...

    async def ready(self, limit: int) -> Sequence[Announced]:
        """What `take` would claim now, unclaimed: an engine may have forgotten it, or was never told that it is due."""
        ...

    async def sweep(self) -> None:
        """Take over from workers that have ended, and make letters ready whose time has come."""
        ...

    async def news(self) -> None:
        """Return as soon as there may be something to take."""
        ...


class Engine(Protocol):
    """Who looks at which letter, and when. May call twice, late, from two machines, or forget. Provisional."""

    def announce(self, execute: Execute, letters: Sequence[Announced]) -> None:
        """Told of letters inside the transaction of their put, in which `execute` carries out statements.

        In an asynchronous transaction they are carried out when this has returned, and give no rows.
        """
        ...

    async def run(self, desk: Desk, *, concurrency: int, stop: asyncio.Event) -> None:
        """Have letters worked on, at most `concurrency` at a time, until `stop` is set; then end what is under way."""
        ...


class PollingEngine:
    """Takes due letters from the desk by itself, woken by its news; sweeps every second."""

    def announce(self, execute: Execute, letters: Sequence[Announced]) -> None:
        """Nothing to do: the desk has news of them."""

    async def run(self, desk: Desk, *, concurrency: int, stop: asyncio.Event) -> None:
        """Work until `stop` is set, and then until what is under way has ended."""
        await _Run(desk, concurrency, stop).run()


_SWEEP = 1.0  # seconds


class _Run:
    def __init__(self, desk: Desk, concurrency: int, stop: asyncio.Event) -> None:
        self._desk = desk
        self._concurrency = concurrency
        self._tasks: set[asyncio.Task[object]] = set()
        self._look_again = asyncio.Event()
        self._stop = asyncio.ensure_future(stop.wait())
        self._stop.add_done_callback(lambda _: self._look_again.set())
        self._news = self._new_news()
        self._swept = float("-inf")

    async def run(self) -> None:
        try:
            while not self._stop.done():
                await self._look()
            if self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            left: list[asyncio.Task[Any]] = [*self._tasks, self._stop, self._news]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _look(self) -> None:
        """Take what there is room for, and then wait until there may be more to do."""
        try:
            await self._sweep()
            letters = await self._desk.take(self._free) if self._has_room else ()
        except OutboxError as error:
            _logger.error("%s", error)  # noqa: TRY400 - the text says it all
            letters = ()
        for letter in letters:
            task = asyncio.ensure_future(self._desk.work(letter))
            self._tasks.add(task)
            task.add_done_callback(self._done)
        if letters and len(self._tasks) < self._concurrency:
            await asyncio.sleep(0)
            return
        if self._news.done():
            self._news = self._new_news()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._look_again.wait(), _SWEEP)
        self._look_again.clear()

    @property
    def _free(self) -> int:
        return self._concurrency - len(self._tasks)

    @property
    def _has_room(self) -> bool:
        # Letters that are taken together are marked and settled together, in one commit.
        return self._free >= max(1, self._concurrency // 2)

    def _new_news(self) -> asyncio.Task[None]:
        news = asyncio.ensure_future(self._desk.news())
        news.add_done_callback(lambda _: self._consider())
        return news

    def _consider(self) -> None:
        """Look again, where anything could be taken."""
        if self._has_room:
            self._look_again.set()

    async def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._swept >= _SWEEP:
            self._swept = now
            await self._desk.sweep()

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        self._consider()
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("an attempt ended with an error", exc_info=error)
