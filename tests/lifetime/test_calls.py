"""A call for which no task waits ends as one for which a task does: by its result, an error, or a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextvars import ContextVar

import pytest

from sendkit._lifetime import calls
from sendkit._lifetime.by_itself import ByItself
from sendkit._lifetime.calls import Call

_who: ContextVar[str] = ContextVar("who", default="nobody")


class Work(ByItself[str]):
    """What the tests say: it is told when it starts, and remembers what was asked of it."""

    def __init__(
        self,
        result: str | None = "a result",
        *,
        starts: bool = True,
        at_start: Callable[[Callable[[], object]], object] = lambda ended: ended(),
    ) -> None:
        self.said: list[str] = []
        self._result, self._starts, self._at_start = result, starts, at_start
        self._ended: Callable[[], object] = lambda: None

    def start(self, ended: Callable[[], object]) -> bool:
        self.said.append("start")
        self._ended = ended
        if self._starts:
            self._at_start(ended)
        return self._starts

    @property
    def result(self) -> str | None:
        return self._result

    def cancel(self) -> None:
        self.said.append("cancel")
        self._result = "what is known"
        self._ended()

    def close(self) -> None:
        if self.said[-1:] != ["close"]:
            self.said.append("close")

    def __await__(self) -> Generator[None, None, str]:
        self.said.append(f"await for {_who.get()}")
        try:
            yield
        except asyncio.CancelledError as cancelled:
            vars(cancelled)["result"] = "what is known by then"
            raise
        return "the rest"


def ended(work: Work, know: Callable[[Call[str]], object] = lambda call: None) -> Call[str]:
    """The call for the work, when it is over; `know` is told of it before the loop runs."""
    loop = asyncio.new_event_loop()
    try:
        call = Call(work, lambda _: loop.stop())
        call.begin(loop)
        know(call)
        loop.run_forever()
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()
    assert call.over
    assert work.said[-1] == "close"
    return call


def test_its_result_is_that_of_the_work_and_no_task_was_made() -> None:
    work = Work()
    assert ended(work).outcome() == "a result"
    assert work.said == ["start", "close"]


@pytest.mark.parametrize("starts", [False, True])
def test_what_cannot_end_by_itself_is_awaited_by_a_task_with_the_context_of_the_caller(starts: bool) -> None:
    token = _who.set("the caller")
    work = Work(None, starts=starts)
    try:
        assert ended(work).outcome() == "the rest"
    finally:
        _who.reset(token)
    assert work.said == ["start", "await for the caller", "close"]


def test_an_error_of_the_start_is_that_of_the_call() -> None:
    def fail(_: object) -> None:
        raise ValueError("it cannot start")

    with pytest.raises(ValueError, match="it cannot start"):
        ended(Work(at_start=fail)).outcome()


def test_cancelled_before_the_loop_has_got_it_it_never_starts() -> None:
    work = Work()
    call = Call(work, lambda _: None)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        call.outcome()
    assert work.said == ["close"]


def test_cancelled_while_it_goes_on_by_itself_it_has_the_result_so_far() -> None:
    known: list[Call[str]] = []
    work = Work(at_start=lambda _: known[0].cancel())
    call = ended(work, known.append)
    assert call.result() == "what is known"
    assert work.said == ["start", "cancel", "close"]


def test_cancelled_just_before_the_rest_it_has_the_result_so_far() -> None:
    known: list[Call[str]] = []

    def ends_and_is_cancelled(ended: Callable[[], object]) -> None:
        ended()
        known[0].cancel()

    call = ended(Work(None, at_start=ends_and_is_cancelled), known.append)
    assert call.result() == "what is known by then"


def test_nobody_waits_for_a_loop_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "GLANCE", 0.01)
    loop = asyncio.new_event_loop()
    call = Call(Work(), lambda _: None)
    call.will_wait(loop)
    loop.close()
    assert not call.wait()
