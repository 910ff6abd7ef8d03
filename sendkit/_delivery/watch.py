"""Who tells the observers of a mailer, and when: never the one who sends, and never between two octets.

Plain functions are called on a thread of ours, coroutine functions are run on the event loop where the message was
sent; each one after the other, in the context of the call that sent the message (contextvars). A send waits for neither
but in tests. What they raise is logged once for each method, and changes nothing. What is sent from inside of an
observer is told to nobody: it could only make further mail.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from sendkit._delivery.observers import METHODS, AnyObserver
from sendkit._lifetime import logs
from sendkit._lifetime.call_queue import PATIENCE, CallQueue
from sendkit._lifetime.loops import PerLoop
from sendkit._lifetime.task_queue import TaskQueue
from sendkit._redaction import redacted
from sendkit.errors import SendkitError

if TYPE_CHECKING:
    from sendkit.results import Attempt, DeliveryResult

_logger = logging.getLogger("sendkit.observers")
_observing: ContextVar[bool] = ContextVar("sendkit_observing", default=False)

# Seconds.
_PATIENCE_OF_TESTS = 1.0

_Value: TypeAlias = "Attempt | DeliveryResult"
Told = TypeVar("Told", bound="DeliveryResult")


@dataclass(slots=True)
class _Method:
    """One method of one observer, and whether what it raised was logged."""

    name: str
    call: Callable[[Any], object]
    logged: bool = field(default=False)

    def tell(self, value: _Value) -> None:
        """Call it; whatever it raises ends here."""
        try:
            returned = self.call(value)
            if returned is not None and inspect.iscoroutine(returned):
                returned.close()
                self._log(TypeError("it returned a coroutine; write it with `async def`"))
            elif inspect.isgenerator(returned) or inspect.isasyncgen(returned):
                self._log(TypeError("it returned a generator, of which nothing was run; write it without `yield`"))
        except BaseException as error:  # noqa: BLE001 - a SystemExit of an observer ends nothing either
            self._log(error)

    def raised(self, error: BaseException) -> None:
        """It was awaited, and raised this; only a cancellation of all of them goes on."""
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling()):
            raise error
        self._log(error)

    def _log(self, error: BaseException) -> None:
        if self.logged:
            return
        self.logged = True
        frames = traceback.extract_tb(error.__traceback__)
        where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
        words = redacted(f"{type(error).__name__}: {error}")
        text = "%s raised %s%s; mail is sent as before, and this is logged once"
        logs.log(_logger, logging.WARNING, text, self.name, words, where)


class _Methods(NamedTuple):
    """Those that are told of attempts, and those that are told of results."""

    attempt: list[_Method]
    result: list[_Method]

    def tell(self, attempts: tuple[Attempt, ...], result: DeliveryResult | None) -> None:
        _observing.set(True)
        for attempt in attempts:
            for method in self.attempt:
                method.tell(attempt)
        if result is not None:
            for method in self.result:
                method.tell(result)

    async def tell_here(self, attempts: tuple[Attempt, ...], result: DeliveryResult | None) -> None:
        _observing.set(True)
        told: list[_Value] = [*attempts] if self.attempt else []
        if result is not None:
            told.append(result)
        for value in told:
            for method in self.result if value is result else self.attempt:
                try:
                    await method.call(value)  # type: ignore[misc]  # it is a coroutine function
                except BaseException as error:  # noqa: BLE001 - as above
                    method.raised(error)


class Watch:
    """The observers of one mailer or worker. `waits`: whoever sends waits until they were told, as tests want it."""

    def __init__(self, observers: Iterable[AnyObserver], *, waits: bool = False) -> None:
        self._plain, self._tasks = _Methods([], []), _Methods([], [])
        for observer in observers:
            for name, plain, tasks in zip(METHODS, self._plain, self._tasks, strict=True):
                if callable(call := getattr(observer, name, None)):
                    kind = tasks if _is_async(call) else plain
                    kind.append(_Method(f"{type(observer).__name__}.{name}", call))
        self.waits = waits
        self._line = CallQueue("sendkit-observers")
        self._here: PerLoop[TaskQueue] = PerLoop()
        self._full = False

    def tell(self, attempts: tuple[Attempt, ...], result: DeliveryResult | None) -> None:
        """Tell of attempts, and then of the result if there is one already, soon."""
        added = True
        if self._plain.attempt or (self._plain.result and result is not None):
            call = partial(copy_context().run, self._plain.tell, attempts, result)
            added = self._line.add(call)  # pyright: ignore[reportArgumentType] - of a partial of `run` it knows no more
        if self._tasks.attempt or (self._tasks.result and result is not None):
            begin = partial(self._tasks.tell_here, attempts, result)
            added &= self._here.here(TaskQueue).add(copy_context(), begin)
        if not added and not self._full:
            self._full = True
            logs.log(_logger, logging.WARNING, "observers are too slow: they are not told of everything")

    async def told(self) -> None:
        """In a test: wait until they were told of all so far, within a limit."""
        await self.over(_PATIENCE_OF_TESTS)

    async def over(self, seconds: float = PATIENCE) -> None:
        """Wait until they were told of all so far, within a limit; an observer does not wait for itself."""
        if _observing.get():
            return
        await self._line.over(seconds)
        if any(self._tasks):
            await self._here.each(partial(TaskQueue.over, seconds=seconds))


class Telling:
    """Tells the observers of one message: of each attempt once, and of its result.

    An attempt that no wait follows is told together with the result, as one call.
    """

    __slots__ = ("_told", "watches")

    def __init__(self, watches: tuple[Watch, ...]) -> None:
        self.watches, self._told = watches, 0

    @property
    def waits(self) -> bool:
        """Whether whoever sends waits until all were told."""
        return self.watches[0].waits or self.watches[-1].waits  # there are one or two

    def attempts(self, attempts: tuple[Attempt, ...]) -> None:
        """Tell of those that are new."""
        for watch in self.watches:
            watch.tell(attempts[self._told :], None)
        self._told = len(attempts)

    def result(self, result: DeliveryResult) -> None:
        """Tell of the attempts that are new, and of the result."""
        for watch in self.watches:
            watch.tell(result.attempts[self._told :], result)


async def observed(telling: Telling, sending: Callable[[], Awaitable[Told]]) -> Told:
    """Send, and tell what became of it, whatever that is. An error of the caller's is a result of its own."""
    try:
        result = await sending()
        telling.result(result)
        for watch in telling.watches:
            if watch.waits:
                await watch.told()
    except SendkitError as error:
        from sendkit.results import failed_before_sending  # noqa: PLC0415 - pydantic's models, and results come last

        telling.result(failed_before_sending(error))
        raise
    except BaseException as ended:
        if (known := vars(ended).get("result")) is not None:
            telling.result(known)
        raise
    return result


def watch_of(observers: Iterable[AnyObserver], *, waits: bool = False) -> Watch | None:
    """What tells them, if there are any."""
    listed = tuple(observers)
    return Watch(listed, waits=waits) if listed else None


def telling_of(own: Watch | None, further: Watch | None = None) -> Telling | None:
    """What tells those that watch what is sent here: nothing, inside of an observer."""
    if own is None:
        own, further = further, None
    if own is None or _observing.get():
        return None
    return Telling((own,) if further is None else (own, further))


def _is_async(call: Callable[[Any], object]) -> bool:
    inner = getattr(call, "__call__", None)  # noqa: B004 - it may be an object whose call is a coroutine function
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(inner)
