"""Who writes and who reads on a session that several conversations share: both strictly in order of arrival.

Knows asyncio's locks and futures, and nothing of SMTP.
"""

from __future__ import annotations

import asyncio
from functools import partial
from types import TracebackType
from typing import Self


class Turns:
    """The order on one session: one writes at a time, and replies are read in the order in which it was written."""

    def __init__(self) -> None:
        self._writing = asyncio.Lock()
        self._last: asyncio.Future[None] | None = None

    async def next(self) -> Turn:
        """Wait for the right to write; `with` the turn, it is given back by `Turn.written`, or at the end."""
        await self._writing.acquire()
        turn = Turn(self._writing, self._last)
        self._last = turn.done
        return turn

    def is_last(self, turn: Turn) -> bool:
        """Whether nobody is behind this one, so that what is left to read is for nobody."""
        return self._last is turn.done


class Turn:
    """One conversation's place in the order."""

    def __init__(self, writing: asyncio.Lock, before: asyncio.Future[None] | None) -> None:
        self._writing = writing
        self._may_write = True
        self._before = before
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    @property
    def has_come(self) -> bool:
        """Whether all replies before ours have been read."""
        return self._before is None or self._before.done()

    async def come(self) -> None:
        """Wait until the replies that come next are ours."""
        if self._before is not None and not self._before.done():
            # Not the other's own future, which a cancellation of ours would cancel.
            come = asyncio.get_running_loop().create_future()
            self._before.add_done_callback(partial(_come, come))
            await come

    def written(self) -> None:
        """Let the next one write."""
        if self._may_write:
            self._may_write = False
            self._writing.release()

    def end(self) -> None:
        """Let the next one read, as soon as those before us have."""
        self.written()
        if self._before is None or self._before.done():
            self._settle()
        else:
            self._before.add_done_callback(self._settle)
        self._before = None

    def _settle(self, _: object = None) -> None:
        _come(self.done)


def _come(awaited: asyncio.Future[None], _: object = None) -> None:
    if not awaited.done():
        awaited.set_result(None)
