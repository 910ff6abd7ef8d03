"""How coroutines of the outbox wait for the ledger: on the event loop, or without one on this very thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from sendkit.outbox._ledger import How

if TYPE_CHECKING:
    from sendkit.outbox._core import Call
    from sendkit.outbox._ledger import Task, Writer

Item = TypeVar("Item")
Result = TypeVar("Result")


def at_once(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine that waits for nothing but what blocks this thread."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    work.close()
    raise RuntimeError("the synchronous face of the outbox has waited for an event loop")


def one_by_one(items: AsyncIterator[Result]) -> Iterator[Result]:
    """The same for an asynchronous generator."""
    try:
        while True:
            try:
                item = at_once(_next(items))
            except StopAsyncIteration:  # that was all
                return
            yield item
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            at_once(close())


async def _next(items: AsyncIterator[Result]) -> Result:
    return await anext(items)


async def here(work: Callable[[], Result]) -> Result:
    """What may take long is done on this thread, which waits anyway."""
    return work()


def awaiting(writer: Writer) -> Call:
    """What has things done by the writer, and awaits them."""
    return writer.acall


def blocking(writer: Writer) -> Call:
    """What has things done by the writer, and waits for them here."""

    async def call(task: Task[Item, Result], item: Item, how: How) -> Result:
        return writer.call(task, item, how)

    def started(task: Task[Item, Result], item: Item, how: How = How.AT_ONCE) -> Awaitable[Result]:
        return call(task, item, how)

    return started
