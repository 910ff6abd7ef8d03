"""From a thread into an event loop that runs beside it: the loop of the synchronous API, on a daemon thread of its own.

Knows threads, loops and interrupts, and nothing of mail. Ctrl-C in a waiting thread cancels what it waits for, and
waits until that has ended. After a fork the child starts afresh: the parent's thread does not exist there.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sendkit.errors import ConfigurationError

Item = TypeVar("Item")
Result = TypeVar("Result")


class Portal:
    """One loop on one daemon thread, started when it is first needed."""

    def __init__(self) -> None:
        self._closed = False
        self._start_over()

    def _start_over(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop.

        Raises ConfigurationError when closed, and on the loop's own thread, which would wait for itself.
        """
        if self._closed:
            hint = "send inside its `with` block, or make a new one"
            raise ConfigurationError("this mailer is closed", hint=hint)
        if self._pid != os.getpid():
            self._start_over()
        if threading.current_thread() is self._thread:
            hint = "use AsyncMailer and `await` there"
            raise ConfigurationError("a synchronous mailer was called from its own event loop", hint=hint)
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_run, args=(self._loop,), name="sendkit", daemon=True)
                self._thread.start()
            return self._loop

    @property
    def started(self) -> bool:
        """Whether there is a loop in this process."""
        return self._loop is not None and self._pid == os.getpid()

    def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on the loop and return what it returns, or raise what it raises.

        An interrupt of the waiting thread cancels it; what it came to until then is the interrupt's `.result`.
        """
        try:
            loop = self.loop()
        except BaseException:
            work.close()
            raise
        call: _Call[Result] = _Call(loop, work)
        try:
            call.start()
            return call.done.result()
        except BaseException as error:
            if call.done.done() and error is call.done.exception():
                raise
            # An interrupt, perhaps at the same moment as the answer.
            if (result := call.cancel()) is not None:
                vars(error)["result"] = result
            raise

    def stream(
        self, work: Callable[[AsyncIterator[Item]], AsyncIterator[Result]], source: Iterable[Item]
    ) -> Iterator[Result]:
        """Run an asynchronous generator over a source that is read on the calling thread.

        Who leaves early waits for what is under way.
        """
        loop = self.loop()
        events: queue.SimpleQueue[_Wanted | _Item | Future[Any]] = queue.SimpleQueue()
        items, leaving = iter(source), False
        call = _Call(loop, _pump(work, events))
        call.done.add_done_callback(events.put)
        try:
            call.start()
            while not isinstance(event := events.get(), Future):
                if isinstance(event, _Item):
                    yield event.value
                else:
                    event.answer(loop, items)
        except BaseException as error:
            leaving = True
            if not isinstance(error, GeneratorExit):
                call.cancel()
            raise
        finally:
            if leaving:
                _finish(events, loop)
        call.done.result()

    def close(self) -> None:
        """Stop the loop and wait for its thread."""
        self._closed = True
        if self.started and self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._start_over()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        for task in (left := asyncio.all_tasks(loop)):
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


class _Call(Generic[Result]):
    """A coroutine that runs on the loop, and a future that another thread can wait for."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result]) -> None:
        self.done: Future[Result] = Future()
        self._loop = loop
        self._work = work
        self._task: asyncio.Task[Result] | None = None
        self._called_off = False

    def start(self) -> None:
        """Hand the coroutine to the loop; an interrupt in here is no different from one while waiting."""
        self._loop.call_soon_threadsafe(self._start)

    def _start(self) -> None:
        if self._called_off:
            return
        self._task = self._loop.create_task(self._work)
        self._task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[Result]) -> None:
        try:
            self.done.set_result(task.result())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self.done.set_exception(error)

    def cancel(self) -> object:
        """Cancel, wait for the end, and return the result so far, if there is one."""
        self._loop.call_soon_threadsafe(self._call_off)
        error = self.done.exception()
        return self.done.result() if error is None else getattr(error, "result", None)

    def _call_off(self) -> None:
        if self._task is not None:
            self._task.cancel()
        elif not self._called_off:
            # The interrupt came before the loop had it: it must not begin any more.
            self._called_off = True
            self._work.close()
            self.done.set_exception(asyncio.CancelledError())


@dataclass(slots=True, frozen=True)
class _Item:
    value: Any


@dataclass(slots=True, frozen=True)
class _Wanted:
    """The loop wants the next item; `answer` reads it on the thread that owns the source."""

    future: asyncio.Future[Any]

    def answer(self, loop: asyncio.AbstractEventLoop, items: Iterator[Any]) -> None:
        try:
            item = _Item(next(items))
        except StopIteration:
            loop.call_soon_threadsafe(self._settle, None)
        except Exception as error:  # noqa: BLE001 - the source's own error ends the stream, on the loop's side first
            loop.call_soon_threadsafe(self._fail, error)
        else:
            loop.call_soon_threadsafe(self._settle, item)

    def _settle(self, item: _Item | None) -> None:
        if not self.future.done():
            self.future.set_result(item)

    def _fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


async def _pump(work: Callable[[AsyncIterator[Any]], AsyncIterator[Any]], events: queue.SimpleQueue[Any]) -> None:
    async def items() -> AsyncIterator[Any]:
        while True:
            wanted = _Wanted(asyncio.get_running_loop().create_future())
            events.put(wanted)
            item = await wanted.future
            if item is None:
                return
            yield item.value

    async for value in work(items()):
        events.put(_Item(value))


def _finish(events: queue.SimpleQueue[Any], loop: asyncio.AbstractEventLoop) -> None:
    """Let what is under way come to its end; the source has nothing more."""
    while not isinstance(event := events.get(), Future):
        if isinstance(event, _Wanted):
            event.answer(loop, iter(()))
