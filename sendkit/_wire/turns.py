"""The order in which conversations that share a session write and read: strictly that of arrival.

Knows asyncio's locks and futures, and of SMTP only that each step has one reply.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Flying:
    """One that has written, and for whom no task waits: it is told when its replies may be there.

    `steps`: how many replies it has; `ended`: it has what it waited for, or waits no longer.
    """

    __slots__ = ("ended", "steps")

    steps: int
    ended: bool

    def read(self) -> None:
        """Take what is there; it has `ended` when that was all."""
        raise NotImplementedError

    def cancel(self) -> None:
        """End at once."""
        raise NotImplementedError


class Turns:
    """The order on one session: one writes at a time, and replies are read in the order in which it was written.

    `ready`: how many whole replies wait to be read.
    """

    def __init__(self, ready: Callable[[], int]) -> None:
        self._ready = ready
        self._writing = asyncio.Lock()
        self.order: deque[Turn | Flying] = deque()  # the first one reads

    async def next(self) -> Turn:
        """Wait for the right to write; `with` the turn, it is given back by `Turn.written`, or at the end."""
        await self._writing.acquire()
        turn = Turn(self._writing, self)
        self.order.append(turn)
        return turn

    @property
    def free(self) -> bool:
        """Whether nobody is in the middle of writing."""
        return not self._writing.locked()

    def cut(self) -> None:
        """End all that no task waits for."""
        for one in list(self.order):
            if isinstance(one, Flying):
                one.cancel()

    def is_last(self, turn: Turn | Flying) -> bool:
        """Whether this is the last turn, so that unread replies belong to no conversation."""
        # Who ended behind it wrote nothing, or cut the connection.
        for other in reversed(self.order):
            if other is turn:
                return True
            if not other.ended:
                return False
        return True

    def call(self) -> None:
        """Wake the next reader, and those behind it whose replies are there: one iteration of the loop serves all."""
        order = self.order
        while order:
            first = order[0]
            if isinstance(first, Flying) and not first.ended:
                first.read()
            if not first.ended:
                break
            if order and order[0] is first:  # what it has told may have led back to here
                order.popleft()
        if not order or isinstance(order[0], Flying) or not order[0].waits:
            return
        replies = self._ready()
        for turn in order:
            if isinstance(turn, Turn):
                turn.call()
            replies -= turn.steps
            if replies <= 0:
                return


class Turn:
    """One conversation's turn to read; it reads when all those before it have ended."""

    __slots__ = ("_may_write", "_reader", "_turns", "_writing", "ended", "steps")

    def __init__(self, writing: asyncio.Lock, turns: Turns) -> None:
        self._writing = writing
        self._may_write = True
        self._turns = turns
        self._reader: asyncio.Future[None] | None = None
        self.ended = False
        self.steps = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    @property
    def has_come(self) -> bool:
        """Whether all replies before ours have been read."""
        return self._turns.order[0] is self

    @property
    def waits(self) -> bool:
        """Whether it is not yet known here that anything may be read."""
        return self._reader is not None and not self._reader.done()

    async def come(self) -> None:
        """Wait until the replies that come next are ours."""
        while not self.has_come:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader

    def call(self) -> None:
        """Wake the waiter, which checks whether its turn has come."""
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def written(self, steps: int = 1) -> None:
        """Let the next one write; so many steps of ours will be answered."""
        if self._may_write:
            self._may_write = False
            self.steps = steps
            self._writing.release()

    def end(self) -> None:
        """Let the next one read, as soon as those before us have."""
        self.written()
        self.ended = True
        self._turns.call()
