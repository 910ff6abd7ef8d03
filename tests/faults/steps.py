"""Stops a coroutine at the n-th place where it waits: before what it waits for has come, or as it comes.

Knows: coroutines and futures. Must not know: what the coroutine does.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from types import coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

T = TypeVar("T")


class When(StrEnum):
    """The two moments of a wait in which a cancellation can fall."""

    BEFORE = "before it has come"
    AS_IT_COMES = "as it comes"


@coroutine
def cancelled_at(work: Coroutine[Any, Any, T], number: int, when: When) -> Generator[Any, Any, T]:
    """Run the work inside the current task, and cancel that task at its n-th wait, counted from 0."""
    task = asyncio.current_task()
    assert task is not None
    thrown: BaseException | None = None
    for count in range(1 << 30):
        try:
            waited_for = work.send(None) if thrown is None else work.throw(thrown)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        if count == number:
            if when is When.AS_IT_COMES and asyncio.isfuture(waited_for):
                # Before the task's own callback, so that the future is done and the task not yet woken.
                waited_for.add_done_callback(lambda _: task.cancel())
            else:
                task.cancel()
        thrown = None
        try:
            yield waited_for
        except BaseException as error:  # noqa: BLE001 - handed into the work
            thrown = error
    raise AssertionError("the work never ends")
