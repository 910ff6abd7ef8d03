"""A message that starts by itself where that can be: one of many, or one for whose result a task or a thread waits.

Whatever goes wrong with one of many is its result, and no exception: it is no matter of the others. Must not know how
many there are, or who waits.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

from sendkit._delivery.first import FirstTry
from sendkit._delivery.retry import Delivery
from sendkit._delivery.watch import Telling, Told, observed
from sendkit._lifetime import logs
from sendkit._lifetime.by_itself import ByItself, settle
from sendkit._lifetime.loops import loop_or_none
from sendkit._lifetime.progress import Work
from sendkit._many import failed_result, stream_result

if TYPE_CHECKING:
    from sendkit.results import DeliveryResult, StreamResult


class _OnItsWay(ByItself[Told]):
    """What both have in common. It is in progress from when `_begun` was asked first, until `close`.

    The first try starts by itself where no time is set, also where it is awaited. What `_begun` raises is raised once
    more where this is awaited. Observers are told by `telling`, if there are any, in the context in which it starts, or
    is awaited.
    """

    __slots__ = ("_asked", "_context", "_delivery", "_first", "_run", "_telling", "_work")

    def __init__(self, telling: Telling | None) -> None:
        self._telling = telling
        self._context: Context | None = None
        self._delivery: Delivery | None = None
        self._work: Work | None = None
        self._first: FirstTry | None = None
        self._run: Coroutine[Any, Any, Told] | None = None
        self._asked = False

    @abstractmethod
    def _begun(self) -> tuple[Delivery, Work]:
        """The delivery, and the work that it is, kept here; on the event loop."""

    @abstractmethod
    def _result_of(self, delivery: Delivery) -> Told:
        """The result of a delivery that is over."""

    @abstractmethod
    def _see_through(self) -> Coroutine[Any, Any, Told]:
        """All that is left to do."""

    def _returned(self, result: Told) -> Told:
        """What whoever waits gets for the result, which observers were told of."""
        return result

    async def _delivered(self) -> DeliveryResult:
        delivery, work = self._begun()
        return await delivery.see_through(work, self._first)

    def start(self, ended: Callable[[], object]) -> bool:
        """Begin the first try, unless it needs a task."""
        telling, self._asked = self._telling, True
        if logs.somebody_may_be_deaf() or (telling is not None and telling.waits):
            return False
        try:
            delivery, work = self._begun()
            if work.seconds is not None:
                return False
            self._first = first = FirstTry.begin(delivery, ended)
        except Exception:  # noqa: BLE001 - it shows when it is awaited
            return False
        if first is None:
            return False
        if telling is not None:
            self._context = copy_context()
        work.carried_by(first)
        return True

    @property
    def result(self) -> Told | None:
        """What the first try came to, if there is no other; observers are told when it is taken."""
        first, delivery = self._first, self._delivery
        if first is None or delivery is None or not first.over:
            return None
        return self._returned(self._told(delivery))

    def _told(self, delivery: Delivery) -> Told:
        result = self._result_of(delivery)
        if self._telling is not None and self._context is not None:
            self._context.run(self._telling.result, result)
        return result

    def cancel(self) -> None:
        """Cut the connection that it is on."""
        if self._first is not None:
            self._first.cancel()

    def __await__(self) -> Generator[Any, Any, Told]:
        loop = loop_or_none()
        try:
            if not self._asked and loop is not None:
                over: asyncio.Future[None] = loop.create_future()
                if self.start(partial(settle, over)):
                    yield from self._waited(over)
            if (result := self.result) is not None:
                return result
            self._run = self._see_through()
            return (yield from self._run.__await__())
        finally:
            self.close()

    def _waited(self, over: asyncio.Future[None]) -> Generator[Any, Any, None]:
        """Wait for the first try; who is cancelled gets its result so far, as of `Delivery.see_through`."""
        try:
            yield from over
        except BaseException as ended:
            self.cancel()
            if self._delivery is not None:
                vars(ended)["result"] = self._told(self._delivery)
            raise

    def close(self) -> None:
        """It is over."""
        if self._run is not None:
            self._run.close()
        if self._first is not None and not self._first.over:
            self._first.release()
        if self._work is not None:
            self._work.end()


class Sending(_OnItsWay["StreamResult"]):
    """One of many. It is in progress from now on."""

    __slots__ = ("_begun_as", "_index", "_message")

    def __init__(self, delivery: Delivery, work: Work, index: int, message: object, telling: Telling | None) -> None:
        super().__init__(telling)
        self._delivery, self._work = self._begun_as = delivery, work
        self._index = index
        self._message = message
        work.begin()

    def _begun(self) -> tuple[Delivery, Work]:
        return self._begun_as

    def _result_of(self, delivery: Delivery) -> StreamResult:
        return delivery.stream_result(self._index, self._message)

    def _see_through(self) -> Coroutine[Any, Any, StreamResult]:
        return self._safely() if self._telling is None else observed(self._telling, self._safely)

    async def _safely(self) -> StreamResult:
        try:
            return stream_result(await self._delivered(), self._index, self._message)
        except Exception as error:  # noqa: BLE001 - also of a transport, or of what it calls
            return failed_result(error, self._index, self._message)
        except BaseException as ended:
            if (known := vars(ended).get("result")) is not None:
                vars(ended)["result"] = stream_result(known, self._index, self._message)
            raise


class Alone(_OnItsWay["DeliveryResult"]):
    """One for whose result somebody waits. Raises as `send`."""

    __slots__ = ("_check", "_make")

    def __init__(
        self, make: Callable[[], tuple[Delivery, Work]], telling: Telling | None = None, *, check: bool
    ) -> None:
        super().__init__(telling)
        self._make = make
        self._check = check

    def _begun(self) -> tuple[Delivery, Work]:
        if self._delivery is None or self._work is None:
            self._delivery, self._work = self._make()
            self._work.begin()
        return self._delivery, self._work

    def _result_of(self, delivery: Delivery) -> DeliveryResult:
        return delivery.result()

    def _returned(self, result: DeliveryResult) -> DeliveryResult:
        return result.raise_for_failure() if self._check else result

    async def _see_through(self) -> DeliveryResult:
        telling = self._telling
        return self._returned(await (self._delivered() if telling is None else observed(telling, self._delivered)))
