"""Many at a time: what is started, with back-pressure, and what has finished and waits to be taken.

Knows tasks and sources, and nothing of mail. No result is lost: what has finished stays until it is taken, whatever
ends the stream.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Iterator
from contextvars import Context, copy_context
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeAlias, TypeVar

from sendkit._lifetime.by_itself import ByItself, settle
from sendkit._lifetime.forks import leave_behind, starts_over
from sendkit._lifetime.loops import PerLoop, running_loop
from sendkit.errors import ConfigurationError

Item = TypeVar("Item")
Result = TypeVar("Result")

# What carries one out, on the event loop; a coroutine needs a task.
Started: TypeAlias = Coroutine[Any, Any, Result] | ByItself[Result]
Send = Callable[[int, Item], Started[Result]]

# While a feeder waits for room, nobody else may know it; a collector would end it where it stands.
_feeders: PerLoop[set[asyncio.Task[None]]] = PerLoop()


class Window(Generic[Item, Result]):
    """At most `width` items are in progress, or have a result that nobody has taken.

    Once so many are, none is added before there is room for `burst`, so that what goes out together stays together.
    Nothing is started once `closed` says so. Used on one event loop; what says so may be called on any thread.
    """

    def __init__(
        self, send: Send[Item, Result], width: int, burst: int, closed: Callable[[], bool] = lambda: False
    ) -> None:
        self._send = send
        self._closed = closed
        self._width = width
        self._enough = width - burst
        self._full = False
        self._begun = 0
        self._open: dict[int, Item] = {}
        self._running: dict[int, asyncio.Task[None] | ByItself[Result]] = {}
        self.finished: deque[tuple[int, Result]] = deque()
        # What reads the source: a task, or, where that needs no waiting, a callback of the loop, if there is room.
        self._feeder: asyncio.Task[None] | None = None
        self._items: Iterator[Item] | None = None
        self._context: Context | None = None
        self._reads = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watching: list[Callable[[], object]] = []
        # Whether a source is being read; and whether that is so in the parent of this process.
        self.started: bool = False
        self._forked = False
        self.stopped: bool = False
        self.failure: BaseException | None = None
        starts_over(self)

    def start_over(self) -> None:
        """In the child of a fork: what was started is the parent's, which is told what becomes of it."""
        leave_behind(vars(self).copy())
        self._open, self._running, self._watching = {}, {}, []
        self.finished = deque()
        self._feeder = self._items = self._loop = None
        if self.started and not self._forked:
            self._forked = self.stopped = True
            hint = "send what is left with a new one in the child, or leave the loop there"
            self.failure = ConfigurationError("this stream belongs to the process that started it", hint=hint)

    # On any thread.

    @property
    def unfinished(self) -> tuple[Item, ...]:
        """What was started, and has no result that was taken."""
        return tuple(self._open.values())

    @property
    def in_progress(self) -> tuple[Item, ...]:
        """What was started, and has no result."""
        return tuple([self._open[index] for index in list(self._running) if index in self._open])

    @property
    def left(self) -> tuple[Result, ...]:
        """The results that nobody has taken."""
        return tuple([result for _, result in self.finished])

    @property
    def closed(self) -> bool:
        """Whether nothing can be started any more."""
        return self._forked or self._closed()

    @property
    def over(self) -> bool:
        """Whether no further result will come, of what was started."""
        return not self._running

    @property
    def room(self) -> int:
        """How many may be started now."""
        count = len(self._running) + len(self.finished)
        self._full = count >= self._width or (self._full and count > self._enough)
        return 0 if self._full else self._width - count

    def take(self) -> Result:
        """The result that was there first."""
        index, result = self.finished.popleft()
        del self._open[index]
        return result

    def abandon(self) -> None:
        """Nobody will take anything any more: begin nothing new. Waits for nothing, for a finalizer calls it."""
        self.stopped = True
        if self._feeder is not None and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.stop)

    # On the event loop.

    def begin(self, item: Item) -> None:
        """Begin one more."""
        index = self._begun
        self._begun = index + 1
        self._open[index] = item
        work, context = self._send(index, item), None
        if isinstance(work, ByItself):
            self._running[index], context = work, copy_context()
            if work.start(partial(self._ended, index, work, context)):
                return
        self._begin_task(index, work, context)

    def _begin_task(self, index: int, work: Started[Result], context: Context | None) -> None:
        task = running_loop().create_task(self._carry_out(index, work), context=context)
        self._running[index] = task
        task.add_done_callback(partial(self._end, index, work))

    def _ended(self, index: int, work: ByItself[Result], context: Context) -> None:
        del self._running[index]
        if (result := work.result) is None:
            self._begin_task(index, work, context)
            return
        self.finished.append((index, result))
        work.close()
        if self._watching:
            self.tell()
            self._read_soon()  # who was told takes it before

    def stop(self) -> None:
        """Start nothing new."""
        self.stopped = True
        if self._feeder is not None:
            self._feeder.cancel()

    def give(self) -> Result:
        """As `take`, and the source is read where that makes room."""
        index, result = self.finished.popleft()
        del self._open[index]
        if self._watching:
            self.tell()
        if not self._reads:
            self._read_soon()
        return result

    def feed(self, source: Iterable[Item] | AsyncIterable[Item]) -> None:
        """Read the source from now on, no faster than there is room; an error of it is kept as the `failure`."""
        if self._loop is None and not self.stopped and not self.closed:
            self.started, self._loop = True, running_loop()
            if isinstance(source, AsyncIterable):
                self._feed_by_task(source)
            else:
                self._read_from(source)

    async def next(self) -> None:
        """Wait until there is a result, or there will be none; a cancellation changes nothing."""
        self.tell()
        while not self.finished and (self._running or self._feeder is not None or self._reading):
            await self._news()

    async def settled(self) -> None:
        """Wait until nothing is in progress."""
        while self._running or self._feeder is not None:
            await self._news()

    async def cut(self) -> None:
        """Cancel what is in progress, and wait for it; what became of it is a result anyway."""
        self.stop()
        for one in list(self._running.values()):
            one.cancel()
        await self.settled()

    def tell(self) -> None:
        """Something has changed for those who wait."""
        if self._watching:
            watching, self._watching = self._watching, []
            for tell in watching:
                tell()

    def watch(self, tell: Callable[[], object]) -> None:
        """Call this once, when something has changed, also where nobody waits for it any more."""
        self._watching.append(tell)

    def _news(self) -> asyncio.Future[None]:
        waiter: asyncio.Future[None] = running_loop().create_future()
        self._watching.append(partial(settle, waiter))
        return waiter

    async def _carry_out(self, index: int, work: Started[Result]) -> None:
        try:
            result: Result | None = await work
        except asyncio.CancelledError as ended:
            result = vars(ended).get("result")
        except BaseException as error:  # noqa: BLE001 - raised when the others have their results
            result = vars(error).get("result")
            self.failure = self.failure or error
        if result is not None:
            self.finished.append((index, result))

    def _end(self, index: int, work: Started[Result], _task: asyncio.Task[None]) -> None:
        del self._running[index]
        work.close()  # where it was cancelled before it began
        self.tell()
        self._read_soon()

    @property
    def _reading(self) -> bool:
        return self._items is not None and not self.stopped and not self._deserted

    @property
    def _deserted(self) -> bool:
        """Whether the event loop that reads the source was closed, and nothing is in progress there."""
        return not self._running and self._loop is not None and self._loop.is_closed()

    # A source that is there: read where there is room, and not before who was told has gone on.

    def _read_from(self, source: Iterable[Item]) -> None:
        try:
            self._items, self._context = iter(source), copy_context()
        except BaseException as error:  # noqa: BLE001 - raised when those in progress have their results
            self.failure, self.stopped = error, True
        self._read_soon()

    def _read_soon(self) -> None:
        if self._items is not None and not self._reads and self._loop is not None and not self._deserted:
            self._reads = True
            self._loop.call_soon(self._read, self._items, context=self._context)

    def _read(self, items: Iterator[Item]) -> None:
        self._reads, left = False, self.room
        try:
            for item in islice(items, 0 if self.stopped or self._closed() else left):
                self.begin(item)
                left -= 1
                if self.stopped or self._closed():
                    break
        except BaseException as error:  # noqa: BLE001 - as above
            self.failure = error
        if left or self.stopped:
            self._items, self.stopped = None, True
            self.tell()
        self._full = not left  # until there is room for a burst

    # A source that is waited for.

    def _feed_by_task(self, source: AsyncIterable[Item]) -> None:
        self._feeder = running_loop().create_task(self._feed(source))
        self._feeder.add_done_callback(self._fed)
        feeders = _feeders.here(set)
        feeders.add(self._feeder)
        self._feeder.add_done_callback(feeders.discard)

    async def _feed(self, source: AsyncIterable[Item]) -> None:
        try:
            async for item in source:
                if self.stopped or self._closed():
                    return
                self.begin(item)
                if not await self._go_on():
                    return
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - raised when those in progress have their results
            self.failure = error

    async def _go_on(self) -> bool:
        """Wait for room; whether there may be more."""
        while not self.room and not self.stopped:
            await self._news()
        return not self.stopped and not self.closed

    def _fed(self, feeder: asyncio.Task[None]) -> None:
        self._feeder, self.stopped = None, True
        with contextlib.suppress(asyncio.CancelledError):
            feeder.result()
        self.tell()
