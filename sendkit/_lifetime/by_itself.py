"""Work that a call starts, and that tells its end by a call: no task of an event loop waits for it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")


class ByItself(ABC, Awaitable[Result]):
    """Work that may come to its result without being awaited; an awaitable for where it cannot, or not whole."""

    @abstractmethod
    def start(self, ended: Callable[[], object]) -> bool:
        """Begin, unless it needs a task from the first; `ended` is called, on the event loop, when that is over."""

    @property
    @abstractmethod
    def result(self) -> Result | None:
        """What it came to; None where it must be awaited for the rest."""

    @abstractmethod
    def cancel(self) -> None:
        """End at once what was started, which then has a result."""

    @abstractmethod
    def close(self) -> None:
        """It is over, whether it was awaited or not."""


def settle(waiter: asyncio.Future[None]) -> None:
    """The call for a task that waits all the same; it may have been cancelled meanwhile."""
    if not waiter.done():
        waiter.set_result(None)
