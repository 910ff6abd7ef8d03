"""Who writes and who reads on a session that several conversations share: both strictly in order of arrival.

Knows asyncio's locks and futures, and nothing of SMTP.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Self


class Turns:
    """The order on one session: one writes at a time, and replies are read in the order in which it was written."""

    def __init__(self) -> None:
        self._writing = asyncio.Lock()
        self._order: deque[Turn] = deque()

    async def next(self) -> Turn:
        """Wait for the right to write; `with` the turn, it is given back by `Turn.written`, or at the end."""
        await self._writing.acquire()
        turn = Turn(self._writing, self._order)
        self._order.append(turn)
        return turn

    def is_last(self, turn: Turn) -> bool:
        """Whether nobody is behind this one, so that what is left to read is for nobody."""
        # Who ended behind it wrote nothing, or cut the connection.
        for other in reversed(self._order):
            if other is turn:
                return True
            if not other.ended:
                return False
        return True


class Turn:
    """One conversation's place in the order; it reads when all those before it have ended."""

    __slots__ = ("_may_write", "_order", "_writing", "ended", "reader")

    def __init__(self, writing: asyncio.Lock, order: deque[Turn]) -> None:
        self._writing = writing
        self._may_write = True
        self._order = order
        self.reader: asyncio.Future[None] | None = None
        self.ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    @property
    def has_come(self) -> bool:
        """Whether all replies before ours have been read."""
        return self._order[0] is self

    async def come(self) -> None:
        """Wait until the replies that come next are ours."""
        if not self.has_come:
            self.reader = asyncio.get_running_loop().create_future()
            await self.reader

    def written(self) -> None:
        """Let the next one write."""
        if self._may_write:
            self._may_write = False
            self._writing.release()

    def end(self) -> None:
        """Let the next one read, as soon as those before us have."""
        self.written()
        self.ended = True
        while self._order and self._order[0].ended:
            self._order.popleft()
        reader = self._order[0].reader if self._order else None
        if reader is not None and not reader.done():
            reader.set_result(None)
