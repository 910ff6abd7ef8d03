"""A message that starts without a task where that can be: one of many, or one for whose result a thread waits.

Whatever goes wrong with one of many is its result, and no exception: it is no matter of the others. Must not know how
many there are, or who waits.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from sendkit._delivery.first import FirstTry
from sendkit._delivery.retry import Delivery
from sendkit._delivery.watch import Telling, Told, observed
from sendkit._lifetime import logs
from sendkit._lifetime.by_itself import ByItself
from sendkit._lifetime.progress import Work
from sendkit._many import failed_result, stream_result

if TYPE_CHECKING:
    from sendkit.results import DeliveryResult, StreamResult


class _OnItsWay(ByItself[Told]):
    """What both have in common: `make` makes the delivery, and the work that it is, on the event loop.

    The first try starts by itself where no time is set. What `make` raises is raised once more where this is awaited.
    Observers are told by `telling`, if there are any, in the context in which it starts, or is awaited.
    """

    __slots__ = ("_context", "_first", "_made", "_make", "_run", "_telling")

    def __init__(self, make: Callable[[], tuple[Delivery, Work]], telling: Telling | None) -> None:
        self._make = make
        self._telling = telling
        self._context: Context | None = None
        self._made: tuple[Delivery, Work] | None = None
        self._first: FirstTry | None = None
        self._run: Coroutine[Any, Any, Told] | None = None

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
        delivery, work = self._made or self._make()
        return await delivery.see_through(work, self._first)

    def start(self, ended: Callable[[], object]) -> bool:
        """Begin the first try, unless it needs a task."""
        telling = self._telling
        if logs.somebody_may_be_deaf() or (telling is not None and telling.waits):
            return False
        try:
            delivery, work = self._made = self._make()
            if work.seconds is None:
                self._first = FirstTry.begin(delivery, ended)
        except Exception:  # noqa: BLE001 - it shows when it is awaited
            return False
        if self._first is None:
            return False
        if telling is not None:
            self._context = copy_context()
        work.begin()
        work.carried_by(self._first)
        return True

    @property
    def result(self) -> Told | None:
        """What the first try came to, if there is no other; observers are told when it is taken."""
        if self._made is None or self._first is None or not self._first.over:
            return None
        result = self._result_of(self._made[0])
        if self._telling is not None and self._context is not None:
            self._context.run(self._telling.result, result)
        return self._returned(result)

    def cancel(self) -> None:
        """Cut the connection that it is on."""
        if self._first is not None:
            self._first.cancel()

    def __await__(self) -> Generator[Any, Any, Told]:
        self._run = self._see_through()
        return self._run.__await__()

    def close(self) -> None:
        """It is over."""
        if self._run is not None:
            self._run.close()
        if self._made is not None:
            self._made[1].end()


class Sending(_OnItsWay["StreamResult"]):
    """One of many. It is in progress as `work` from now on, until `close`."""

    __slots__ = ("_index", "_message", "_work")

    def __init__(
        self,
        make: Callable[[], tuple[Delivery, Work]],
        work: Work,
        index: int,
        message: object,
        telling: Telling | None,
    ) -> None:
        super().__init__(make, telling)
        self._work = work
        self._index = index
        self._message = message
        work.begin()

    def close(self) -> None:
        """It is over."""
        super().close()
        self._work.end()

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

    __slots__ = ("_check",)

    def __init__(
        self, make: Callable[[], tuple[Delivery, Work]], telling: Telling | None = None, *, check: bool
    ) -> None:
        super().__init__(make, telling)
        self._check = check

    def _result_of(self, delivery: Delivery) -> DeliveryResult:
        return delivery.result()

    def _returned(self, result: DeliveryResult) -> DeliveryResult:
        return result.raise_for_failure() if self._check else result

    async def _see_through(self) -> DeliveryResult:
        telling = self._telling
        return self._returned(await (self._delivered() if telling is None else observed(telling, self._delivered)))
