"""What `send_many` returns: an iterator that holds its mailer, can be stopped, and loses no result.

The same for both mailers; the synchronous one reads its source on the caller's thread, outside of the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from sendkit._delivery.advance import Advance
from sendkit._lifetime import interrupts
from sendkit._lifetime.forks import starts_over
from sendkit.errors import ConfigurationError, SendkitError

if TYPE_CHECKING:
    from sendkit._delivery.stream import Window
    from sendkit._lifetime.calls import Awaited
    from sendkit._lifetime.portal import Portal
    from sendkit._message.compose import AnyMessage
    from sendkit.results import DeliveryResult, StreamResult

_Given = TypeVar("_Given")

# What has been read of a source that takes its time is started after so many seconds, however much room there is.
_PROMPT = 0.001


class _Many(Generic[_Given]):
    """What both have in common. `holder` is the mailer, which lives as long as this."""

    def __init__(self, window: Window[AnyMessage, StreamResult], source: _Given, holder: object) -> None:
        self._window = window
        self._source = source
        self._holder = holder

    @property
    def in_progress(self) -> tuple[AnyMessage, ...]:
        """The messages that were started, and of which nothing is known yet."""
        return self._window.in_progress

    @property
    def unfinished(self) -> tuple[AnyMessage, ...]:
        """The messages that were started, and whose result was not yielded."""
        return self._window.unfinished

    def __del__(self) -> None:
        # Whoever let go of it wants nothing more started; what is in progress ends by itself.
        self._window.abandon()


class AsyncSendStream(_Many["Iterable[AnyMessage] | AsyncIterable[AnyMessage]"], AsyncIterator["StreamResult"]):
    """The results of `AsyncMailer.send_many`, as they arrive.

    `stop()` starts nothing new; what is in progress is still yielded. With `async with`, the end of the block stops,
    and waits for what is in progress; results that were not yielded can still be, afterwards. A cancellation cancels
    what is in progress, and has the results that were not yielded as its `.results`.
    """

    def stop(self) -> None:
        """Start nothing new. On the event loop only."""
        self._window.stop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamResult:
        window = self._window
        if not window.finished:
            window.feed(self._source)
            try:
                await window.next()
            except asyncio.CancelledError as cancelled:
                await self._cut(cancelled)
                raise
        if window.finished:
            return window.give()
        _raise_failure(window)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Start nothing new, and wait for what is in progress."""
        self._window.stop()
        try:
            await self._window.settled()
        except asyncio.CancelledError as cancelled:
            await self._cut(cancelled)
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, asyncio.CancelledError):
            await self._cut(error)
        else:
            await self.aclose()

    async def _cut(self, cancelled: asyncio.CancelledError) -> None:
        try:
            await self._window.cut()
        finally:
            vars(cancelled)["results"] = self._window.left


class SendStream(_Many["Iterable[AnyMessage] | AsyncIterable[AnyMessage]"], Iterator["StreamResult"]):
    """The results of `Mailer.send_many`, as they arrive.

    `stop()` starts nothing new; what is in progress is still yielded. With `with`, the end of the block stops, and
    waits for what is in progress; results that were not yielded can still be, afterwards. The first Ctrl-C does what
    `stop()` does; KeyboardInterrupt is raised once what is in progress has ended, with the results that were not
    yielded as its `.results`. A second one cancels what is in progress. So it is in the body of the loop too, where the
    main thread iterates and the program has no handler of SIGINT.
    """

    def __init__(
        self,
        window: Window[AnyMessage, StreamResult],
        source: Iterable[AnyMessage] | AsyncIterable[AnyMessage],
        holder: object,
        portal: Portal,
    ) -> None:
        super().__init__(window, source, holder)
        self._portal = portal
        self._items = None if isinstance(source, AsyncIterable) else iter(source)
        # Read, and not started.
        self._batch: deque[AnyMessage] = deque()
        starts_over(self)

    def start_over(self) -> None:
        """In the child of a fork: what was read is the parent's to send."""
        self._batch = deque()

    @property
    def unfinished(self) -> tuple[AnyMessage, ...]:
        """The messages that were started, or read, and whose result was not yielded."""
        return (*super().unfinished, *self._batch)

    def stop(self) -> None:
        """Start nothing new."""
        self._window.abandon()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> StreamResult:
        window = self._window
        if not window.started:
            window.started = True
            interrupts.hold(self)
        given: StreamResult | None = None
        try:
            while not window.finished and self._go_on():
                pass
            if window.finished:
                _, given = window.finished[0]
                window.take()
                return given
        except KeyboardInterrupt as interrupt:
            self._end(interrupt)
            if given is not None:  # taken, and not yielded after all
                self._put_on(interrupt, given)
            raise
        interrupts.let_go(self)
        _raise_failure(window)
        raise StopIteration

    def close(self) -> None:
        """Start nothing new, and wait for what is in progress."""
        self._end(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end(error if isinstance(error, KeyboardInterrupt) else None)

    def _go_on(self) -> bool:
        """Let the loop go on until there is something to do here; False when there is nothing more to come."""
        window = self._window
        if self._items is None:
            self._call(self._next_of_async())
            return False
        if self._portal.closed or window.closed:
            return not window.over and self._call(window.settled())
        more = not window.stopped and window.failure is None and self._read(self._items)
        if not self._batch and window.over:
            return more
        return self._call(Advance(window, self._batch, more=more))

    def _call(self, work: Awaited[Any]) -> bool:
        """Have it done on the loop; where the mailer is closed, wait until what was in progress has ended: False."""
        try:
            self._portal.call(work)
        except ConfigurationError:
            if not self._portal.closed:
                raise
            self._portal.wait_closed()
            return False
        return True

    def _read(self, items: Iterator[AnyMessage]) -> bool:
        """Read as much as there is room for; False when there is nothing more."""
        late = time.monotonic() + _PROMPT
        try:
            for _ in range(self._window.room):
                self._batch.append(next(items))
                if time.monotonic() > late:
                    break
        except StopIteration:
            self._window.stopped = True
        except Exception as error:  # noqa: BLE001 - raised when those in progress have their results
            self._window.failure = error
        else:
            return True
        return False

    async def _next_of_async(self) -> None:
        if self._window.stopped:
            self._window.stop()
        self._window.feed(self._source)
        await self._window.next()

    def _interrupted(self, interrupt: KeyboardInterrupt) -> None:
        # As `_end`; another Ctrl-C cancels what is in progress.
        with contextlib.suppress(KeyboardInterrupt):
            self._end(interrupt)

    def __del__(self) -> None:
        interrupts.let_go(self)
        super().__del__()

    def _end(self, interrupt: KeyboardInterrupt | None) -> None:
        self.stop()
        try:
            self._wait()
        finally:
            interrupts.let_go(self)
            if interrupt is not None:
                self._put_on(interrupt)

    def _put_on(self, interrupt: KeyboardInterrupt, *given: StreamResult) -> None:
        known: tuple[StreamResult, ...] = vars(interrupt).get("results", ())
        left = [result for result in (*given, *self._window.left) if not any(result is one for one in known)]
        vars(interrupt)["results"] = (*known, *left)

    def _wait(self) -> None:
        try:
            self._call(self._window.settled())
        except KeyboardInterrupt as again:
            self._call(self._window.cut())
            self._put_on(again)
            raise


def _raise_failure(window: Window[AnyMessage, StreamResult]) -> None:
    failure, window.failure = window.failure, None
    if failure is not None:
        try:
            raise failure
        finally:
            del failure


def stream_result(result: DeliveryResult, index: int, message: object) -> StreamResult:
    """The result of a message, as that of one of many."""
    from sendkit.results import StreamResult  # noqa: PLC0415 - pydantic's models, and results come last

    return StreamResult.of(result, index, message)


def failed_result(error: Exception, index: int, message: object) -> StreamResult:
    """The result of one of many messages that an error ended; what was known by then stands in it."""
    from sendkit.results import failed_before_sending  # noqa: PLC0415 - as above

    said, known = _told(error), None if isinstance(error, SendkitError) else vars(error).get("result")
    result = failed_before_sending(said) if known is None else known.model_copy(update={"error": said})
    return stream_result(result, index, message)


def _told(error: Exception) -> SendkitError:
    """An error that stands in a result; whatever is not ours is its cause."""
    if isinstance(error, SendkitError):
        return error
    ours = SendkitError(f"{type(error).__name__}: {error}", hint="its cause has the traceback")
    ours.__cause__ = error
    return ours
