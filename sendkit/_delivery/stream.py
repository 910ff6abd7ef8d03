"""Many at a time: what is started, with back-pressure, and what has finished and waits to be taken.

Knows tasks and sources, and nothing of mail. No result is lost: what has finished stays until it is taken, whatever
ends the stream.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextvars import Context, copy_context
from functools import partial
from typing import Generic, Protocol, TypeVar

from sendkit._lifetime.by_itself import ByItself, settle
from sendkit._lifetime.forks import leave_behind, starts_over
from sendkit._lifetime.loops import PerLoop, running_loop
from sendkit.errors import ConfigurationError

Item = TypeVar("Item")
Result = TypeVar("Result")
Made_co = TypeVar("Made_co", covariant=True)


class Started(Awaitable[Made_co], Protocol[Made_co]):
    """An awaitable that gives a result, such as a coroutine."""

    def close(self) -> None:
        """Release it, whether it was awaited or not."""
        ...


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
        self._running: dict[asyncio.Task[None] | ByItself[Result], tuple[int, Started[Result]]] = {}
        self._finished: deque[tuple[int, Result]] = deque()
        self._feeder: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watching: set[Callable[[], object]] = set()
        # Whether a source is being read; and whether that is so in the parent of this process.
        self.started: bool = False
        self._forked = False
        self.stopped: bool = False
        self.failure: BaseException | None = None
        starts_over(self)

    def start_over(self) -> None:
        """In the child of a fork: what was started is the parent's, which is told what becomes of it."""
        leave_behind(vars(self).copy())
        self._open, self._running, self._watching = {}, {}, set()
        self._finished = deque()
        self._feeder = self._loop = None
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
        return tuple([self._open[index] for index, _ in list(self._running.values()) if index in self._open])

    @property
    def left(self) -> tuple[Result, ...]:
        """The results that nobody has taken."""
        return tuple([result for _, result in self._finished])

    @property
    def closed(self) -> bool:
        """Whether nothing can be started any more."""
        return self._forked or self._closed()

    @property
    def ready(self) -> bool:
        """Whether there is a result."""
        return bool(self._finished)

    @property
    def over(self) -> bool:
        """Whether no further result will come, of what was started."""
        return not self._running

    @property
    def room(self) -> int:
        """How many may be started now."""
        count = len(self._running) + len(self._finished)
        self._full = count >= self._width or (self._full and count > self._enough)
        return 0 if self._full else self._width - count

    @property
    def first(self) -> Result:
        """What `take` would take."""
        return self._finished[0][1]

    def take(self) -> Result:
        """The result that was there first."""
        index, result = self._finished.popleft()
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
        self._loop = running_loop()
        index, self._begun = self._begun, self._begun + 1
        self._open[index] = item
        work = self._send(index, item)
        if isinstance(work, ByItself):
            self._running[work] = index, work
            if work.start(partial(self._ended, work, copy_context())):
                return
            del self._running[work]
        self._begin_task(index, work)

    def _begin_task(self, index: int, work: Started[Result], context: Context | None = None) -> None:
        task = running_loop().create_task(self._carry_out(index, work), context=context)
        self._running[task] = index, work
        task.add_done_callback(self._end)

    def _ended(self, work: ByItself[Result], context: Context) -> None:
        index, _ = self._running.pop(work)
        if (result := work.result) is None:
            self._begin_task(index, work, context)
            return
        self._finished.append((index, result))
        work.close()
        self.tell()

    def stop(self) -> None:
        """Start nothing new."""
        self.stopped = True
        if self._feeder is not None:
            self._feeder.cancel()

    def feed(self, source: Iterable[Item] | AsyncIterable[Item]) -> None:
        """Read the source from now on, no faster than there is room; an error of it is kept as the `failure`."""
        if self._feeder is None and not self.stopped and not self.closed:
            self.started = True
            self._feeder = running_loop().create_task(self._feed(source))
            self._feeder.add_done_callback(self._fed)
            feeders = _feeders.here(set)
            feeders.add(self._feeder)
            self._feeder.add_done_callback(feeders.discard)

    async def next(self) -> None:
        """Wait until there is a result, or there will be none; a cancellation changes nothing."""
        self.tell()
        while not self._finished and (self._running or self._feeder is not None):
            await self._news()

    async def settled(self) -> None:
        """Wait until nothing is in progress."""
        while self._running or self._feeder is not None:
            await self._news()

    async def cut(self) -> None:
        """Cancel what is in progress, and wait for it; what became of it is a result anyway."""
        self.stop()
        for task in list(self._running):
            task.cancel()
        await self.settled()

    def tell(self) -> None:
        """Something has changed for those who wait."""
        if self._watching:
            watching, self._watching = self._watching, set()
            for tell in watching:
                tell()

    def watch(self, tell: Callable[[], object]) -> None:
        """Call this once, when something has changed."""
        self._watching.add(tell)

    def ignore(self, tell: Callable[[], object]) -> None:
        """Do not call it any more."""
        self._watching.discard(tell)

    async def _news(self) -> None:
        tell = partial(settle, waiter := running_loop().create_future())
        self.watch(tell)
        try:
            await waiter
        finally:
            self.ignore(tell)

    async def _carry_out(self, index: int, work: Started[Result]) -> None:
        try:
            result: Result | None = await work
        except asyncio.CancelledError as ended:
            result = vars(ended).get("result")
        except BaseException as error:  # noqa: BLE001 - raised when the others have their results
            result = vars(error).get("result")
            self.failure = self.failure or error
        if result is not None:
            self._finished.append((index, result))

    def _end(self, task: asyncio.Task[None]) -> None:
        _, work = self._running.pop(task)
        work.close()  # where it was cancelled before it began
        self.tell()

    async def _feed(self, source: Iterable[Item] | AsyncIterable[Item]) -> None:
        try:
            if isinstance(source, AsyncIterable):
                async for item in source:
                    if not (self._admit(item) and await self._go_on()):
                        return
            else:
                for item in source:
                    if not (self._admit(item) and (self.room or await self._go_on())):
                        return
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - raised when those in progress have their results
            self.failure = error

    def _admit(self, item: Item) -> bool:
        if self.stopped or self.closed:
            return False
        self.begin(item)
        return True

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
