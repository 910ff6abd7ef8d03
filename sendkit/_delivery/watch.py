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
from typing import Any, TypeAlias, TypeVar

from sendkit._delivery.observers import METHODS, AnyObserver
from sendkit._lifetime import logs
from sendkit._lifetime.call_queue import PATIENCE, CallQueue
from sendkit._lifetime.loops import PerLoop
from sendkit._lifetime.task_queue import TaskQueue
from sendkit._redaction import redacted
from sendkit.errors import SendkitError
from sendkit.results import Attempt, DeliveryResult, failed_before_sending

_logger = logging.getLogger("sendkit.observers")
_observing: ContextVar[bool] = ContextVar("sendkit_observing", default=False)

# Seconds.
_PATIENCE_OF_TESTS = 1.0

_Value: TypeAlias = Attempt | DeliveryResult
Told = TypeVar("Told", bound=DeliveryResult)


@dataclass(slots=True)
class _Method:
    """One method of one observer, and whether what it raised was logged."""

    name: str
    call: Callable[[Any], object]
    logged: bool = field(default=False)

    def tell(self, value: _Value) -> None:
        """Call it; whatever it raises ends here."""
        _observing.set(True)
        try:
            returned = self.call(value)
            if returned is not None and inspect.iscoroutine(returned):
                returned.close()
                self._log(TypeError("it returned a coroutine; write it with `async def`"))
        except BaseException as error:  # noqa: BLE001 - a SystemExit of an observer ends nothing either
            self._log(error)

    async def tell_here(self, value: _Value) -> None:
        """Await it; whatever it raises ends here."""
        _observing.set(True)
        try:
            await self.call(value)  # type: ignore[misc]  # it is a coroutine function
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - as above
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


class Watch:
    """The observers of one mailer or worker. `waits`: whoever sends waits until they were told, as tests want it."""

    def __init__(self, observers: Iterable[AnyObserver], *, waits: bool = False) -> None:
        self._plain: dict[str, list[_Method]] = {name: [] for name in METHODS}
        self._tasks: dict[str, list[_Method]] = {name: [] for name in METHODS}
        for observer in observers:
            for name in METHODS:
                if callable(call := getattr(observer, name, None)):
                    kind = self._tasks if _is_async(call) else self._plain
                    kind[name].append(_Method(f"{type(observer).__name__}.{name}", call))
        self.of_attempts: bool = bool(self._plain["on_attempt"] or self._tasks["on_attempt"])
        self._has_tasks = any(self._tasks.values())
        self._waits = waits
        self._line = CallQueue("sendkit-observers")
        self._here: PerLoop[TaskQueue] = PerLoop()
        self._full = False

    def attempt(self, attempt: Attempt) -> None:
        """Tell of an attempt, soon."""
        self._tell("on_attempt", attempt)

    def result(self, result: DeliveryResult) -> None:
        """Tell of a result, soon."""
        self._tell("on_result", result)

    def _tell(self, name: str, value: _Value) -> None:
        added = True
        if plain := self._plain[name]:
            context = copy_context()
            added = self._line.add(lambda: context.run(_tell_all, plain, value))
        for method in self._tasks[name]:
            added &= self._here.here(TaskQueue).add(copy_context(), partial(method.tell_here, value))
        if not added and not self._full:
            self._full = True
            logs.log(_logger, logging.WARNING, "observers are too slow: they are not told of everything")

    async def told(self) -> None:
        """In a test: wait until they were told of all so far, within a limit."""
        if self._waits:
            await self.over(_PATIENCE_OF_TESTS)

    async def over(self, seconds: float = PATIENCE) -> None:
        """Wait until they were told of all so far, within a limit; an observer does not wait for itself."""
        if _observing.get():
            return
        await self._line.over(seconds)
        if self._has_tasks:
            await self._here.each(partial(TaskQueue.over, seconds=seconds))


async def observed(watches: tuple[Watch, ...], sending: Callable[[], Awaitable[Told]]) -> Told:
    """Send, and tell what became of it, whatever that is. An error of the caller's is a result of its own."""
    try:
        result = await sending()
        _tell_result(watches, result)
        for watch in watches:
            await watch.told()
    except SendkitError as error:
        _tell_result(watches, failed_before_sending(error))
        raise
    except BaseException as ended:
        if (known := vars(ended).get("result")) is not None:
            _tell_result(watches, known)
        raise
    return result


def _tell_result(watches: Iterable[Watch], result: DeliveryResult) -> None:
    for watch in watches:
        watch.result(result)


def watch_of(observers: Iterable[AnyObserver], *, waits: bool = False) -> Watch | None:
    """What tells them, if there are any."""
    listed = tuple(observers)
    return Watch(listed, waits=waits) if listed else None


def watching(*watches: Watch | None) -> tuple[Watch, ...]:
    """Those that are to be told of what is sent here: nobody, inside of an observer."""
    found = tuple(filter(None, watches))
    return () if found and _observing.get() else found


def _tell_all(methods: Iterable[_Method], value: _Value) -> None:
    for method in methods:
        method.tell(value)


def _is_async(call: Callable[[Any], object]) -> bool:
    inner = getattr(call, "__call__", None)  # noqa: B004 - it may be an object whose call is a coroutine function
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(inner)
