"""One message of many: begun without a task where that can be, and its result as that of one of many.

Whatever goes wrong with it is its result, and no exception: it is no matter of the others. Must not know how many there
are, or who waits.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any

from sendkit._delivery.first import FirstTry
from sendkit._delivery.retry import Delivery
from sendkit._delivery.stream import ByItself
from sendkit._delivery.watch import Telling, observed
from sendkit._lifetime import logs
from sendkit._lifetime.progress import Work
from sendkit._many import failed_result, stream_result

if TYPE_CHECKING:
    from sendkit.results import StreamResult


class Sending(ByItself["StreamResult"]):
    """A message on its way: `make` makes its delivery. It is in progress as `work` from now on, until `close`."""

    __slots__ = ("_delivery", "_first", "_index", "_make", "_message", "_run", "_telling", "_work")

    def __init__(
        self, make: Callable[[], Delivery], work: Work, index: int, message: object, telling: Telling | None
    ) -> None:
        self._make = make
        self._delivery: Delivery | None = None
        self._first: FirstTry | None = None
        self._work = work
        self._index = index
        self._message = message
        self._telling = telling
        self._run: Coroutine[Any, Any, StreamResult] | None = None
        work.begin()

    def start(self, ended: Callable[[], object]) -> bool:
        """Begin the first try, where nobody watches and no time is set."""
        if self._telling or self._work.seconds is not None or logs.somebody_may_be_deaf():
            return False
        try:
            self._delivery = self._make()
            self._first = FirstTry.begin(self._delivery, ended)
        except Exception:  # noqa: BLE001 - it shows when it is awaited, and is the result then
            return False
        if self._first is not None:
            self._work.carried_by(self._first)
        return self._first is not None

    @property
    def result(self) -> StreamResult | None:
        """What the first try came to, if there is no other."""
        if self._delivery is None or self._first is None or not self._first.over:
            return None
        return stream_result(self._delivery.result(), self._index, self._message)

    def cancel(self) -> None:
        """Cut the connection that it is on."""
        if self._first is not None:
            self._first.cancel()

    def __await__(self) -> Generator[Any, Any, StreamResult]:
        self._run = observed(self._telling, self._see_through) if self._telling else self._see_through()
        return self._run.__await__()

    def close(self) -> None:
        """It is over."""
        if self._run is not None:
            self._run.close()
        self._work.end()

    async def _see_through(self, _: Telling | None = None) -> StreamResult:
        try:
            delivery = self._delivery or self._make()
            result = await delivery.see_through(self._work, self._first)
        except Exception as error:  # noqa: BLE001 - also of a transport, or of what it calls
            return failed_result(error, self._index, self._message)
        except BaseException as ended:
            if (known := vars(ended).get("result")) is not None:
                vars(ended)["result"] = stream_result(known, self._index, self._message)
            raise
        return stream_result(result, self._index, self._message)
