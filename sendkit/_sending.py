"""A message that starts without a task where that can be: one of many, or one for whose result a thread waits.

Whatever goes wrong with one of many is its result, and no exception: it is no matter of the others. Must not know how
many there are, or who waits.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sendkit._delivery.first import FirstTry
from sendkit._delivery.retry import Delivery
from sendkit._delivery.watch import Telling, observed
from sendkit._lifetime import logs
from sendkit._lifetime.by_itself import ByItself
from sendkit._lifetime.progress import Work
from sendkit._many import failed_result, stream_result

if TYPE_CHECKING:
    from sendkit.results import DeliveryResult, StreamResult


Result = TypeVar("Result")


class _OnItsWay(ByItself[Result]):
    """What both have in common: `make` makes the delivery, and the work that it is, on the event loop.

    The first try starts by itself where no time is set. What `make` raises is raised once more where this is awaited.
    """

    __slots__ = ("_first", "_made", "_make", "_run")

    def __init__(self, make: Callable[[], tuple[Delivery, Work]]) -> None:
        self._make = make
        self._made: tuple[Delivery, Work] | None = None
        self._first: FirstTry | None = None
        self._run: Coroutine[Any, Any, Result] | None = None

    @abstractmethod
    def _of(self, result: DeliveryResult) -> Result:
        """What is made of the result."""

    @abstractmethod
    def _see_through(self) -> Coroutine[Any, Any, Result]:
        """All that is left to do."""

    async def _delivered(self) -> DeliveryResult:
        delivery, work = self._made or self._make()
        return await delivery.see_through(work, self._first)

    def start(self, ended: Callable[[], object]) -> bool:
        """Begin the first try, unless it needs a task."""
        if logs.somebody_may_be_deaf():
            return False
        try:
            delivery, work = self._made = self._make()
            if work.seconds is None:
                self._first = FirstTry.begin(delivery, ended)
        except Exception:  # noqa: BLE001 - it shows when it is awaited
            return False
        if self._first is not None:
            work.begin()
            work.carried_by(self._first)
        return self._first is not None

    @property
    def result(self) -> Result | None:
        """What the first try came to, if there is no other."""
        if self._made is None or self._first is None or not self._first.over:
            return None
        return self._result_of(self._made[0])

    def _result_of(self, delivery: Delivery) -> Result:
        return self._of(delivery.result())

    def cancel(self) -> None:
        """Cut the connection that it is on."""
        if self._first is not None:
            self._first.cancel()

    def __await__(self) -> Generator[Any, Any, Result]:
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

    __slots__ = ("_index", "_message", "_telling", "_work")

    def __init__(
        self,
        make: Callable[[], tuple[Delivery, Work]],
        work: Work,
        index: int,
        message: object,
        telling: Telling | None,
    ) -> None:
        super().__init__(make)
        self._work = work
        self._index = index
        self._message = message
        self._telling = telling
        work.begin()

    def start(self, ended: Callable[[], object]) -> bool:
        """Begin the first try, unless it needs a task, or somebody watches."""
        return self._telling is None and super().start(ended)

    def close(self) -> None:
        """It is over."""
        super().close()
        self._work.end()

    def _result_of(self, delivery: Delivery) -> StreamResult:
        return delivery.stream_result(self._index, self._message)

    def _of(self, result: DeliveryResult) -> StreamResult:
        return stream_result(result, self._index, self._message)

    def _see_through(self) -> Coroutine[Any, Any, StreamResult]:
        return observed(self._telling, self._safely) if self._telling else self._safely()

    async def _safely(self, _: Telling | None = None) -> StreamResult:
        try:
            return self._of(await self._delivered())
        except Exception as error:  # noqa: BLE001 - also of a transport, or of what it calls
            return failed_result(error, self._index, self._message)
        except BaseException as ended:
            if (known := vars(ended).get("result")) is not None:
                vars(ended)["result"] = self._of(known)
            raise


class Alone(_OnItsWay["DeliveryResult"]):
    """One for whose result somebody waits. Raises as `send`."""

    __slots__ = ("_check",)

    def __init__(self, make: Callable[[], tuple[Delivery, Work]], *, check: bool) -> None:
        super().__init__(make)
        self._check = check

    def _of(self, result: DeliveryResult) -> DeliveryResult:
        return result.raise_for_failure() if self._check else result

    async def _see_through(self) -> DeliveryResult:
        return self._of(await self._delivered())


def alone(
    make: Callable[[Telling | None], tuple[Delivery, Work]], telling: Telling | None, *, check: bool
) -> Coroutine[Any, Any, DeliveryResult] | Alone:
    """One for whose result somebody waits, of which observers are told, if there are any."""
    return Alone(partial(make, None), check=check) if telling is None else _told(make, telling, check)


async def _told(
    make: Callable[[Telling | None], tuple[Delivery, Work]], telling: Telling, check: bool
) -> DeliveryResult:
    result = await observed(telling, lambda telling: Alone(partial(make, telling), check=False))
    return result.raise_for_failure() if check else result
