"""Events: what the ledger has to tell, told once it is committed, in order, and at least once.

An event is written in the commit that makes it true. One worker takes it, has the report sent where one is wanted,
calls the program, and only then notes that it was told; where the program raises, it is told again after a while.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from sendkit._lifetime import threads
from sendkit.errors import OutboxError
from sendkit.outbox._fence import Ledger
from sendkit.outbox._statements import Work, ask
from sendkit.outbox._status import Event, event

if TYPE_CHECKING:
    from sendkit.outbox._ledger import Writer

_logger = logging.getLogger("sendkit.outbox")
_AT_ONCE = 50
_LOOK = 1.0  # seconds between two looks for what other workers wrote
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0  # seconds until an event is told again

OnEvent = Callable[[Event], object]


def untold(ledger: Ledger, items: Sequence[str]) -> Work[list[tuple[Event, ...]]]:
    """Take events for these workers; all that each has to tell, in order."""
    found: list[tuple[Event, ...]] = []
    for owner in items:
        yield from ask(ledger.texts.take_events, owner, _AT_ONCE)
        rows = yield from ask(ledger.texts.events_of, owner)
        found.append(tuple(map(event, rows)))
    return found


def tolds(ledger: Ledger, items: Sequence[int]) -> Work[list[None]]:
    """Note that events were told."""
    for number in items:
        yield from ask(ledger.texts.tell, number)
    return [None] * len(items)


class Teller:
    """Tells what there is to tell until it is cancelled. Each event is told to all `steps`, whatever others raise."""

    def __init__(self, writer: Writer, owner: str, steps: Sequence[OnEvent]) -> None:
        self._writer = writer
        self._owner = owner
        self._steps = steps
        self._turn = asyncio.Lock()  # nobody is told of one event twice at a time

    async def run(self) -> None:
        """Tell, forever."""
        while True:
            if not await self.tell_all():
                await asyncio.sleep(_LOOK)

    async def tell_all(self, tries: float = float("inf")) -> bool:
        """Tell all that there is now; whether there was anything. Waits where the program raises.

        After so many `tries` at one event it is left to the next worker, with those behind it.
        """
        async with self._turn:
            try:
                events = await self._writer.acall(untold, self._owner)
            except OutboxError as error:
                _logger.error("%s", error)  # noqa: TRY400 - the text says it all
                return False
            for one in events:
                if not await self._tell(one, tries):
                    return False
            return bool(events)

    async def _tell(self, one: Event, tries: float) -> bool:
        wait, made = _FIRST_WAIT, 0
        left = [partial(_called, step, one) for step in self._steps]
        told = partial(self._writer.acall, tolds, one.id)
        while True:
            left = [step for step in left if not await _done(step, one)]
            if not left and await _done(told, one):
                return True
            made += 1
            if made >= tries:
                return False
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)


async def _done(step: Callable[[], Awaitable[object]], one: Event) -> bool:
    """Whether this step of telling succeeded."""
    try:
        await step()
    except Exception:  # whatever a program raises, and a database that is away for a while
        _logger.exception("the event %d (%s of letter %s) is told again", one.id, one.kind, one.letter)
        return False
    return True


async def _called(step: OnEvent, one: Event) -> None:
    """Await a coroutine function here; call any other on a thread, where it may wait as it likes."""
    if inspect.iscoroutinefunction(step) or inspect.iscoroutinefunction(type(step).__call__):
        await cast("Callable[[Event], Awaitable[object]]", step)(one)
        return
    await threads.run(lambda: step(one))
