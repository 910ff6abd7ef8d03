"""What tests give to a mailer as observers."""

from __future__ import annotations

import asyncio
import threading

from sendkit import (
    Attempt,
    DeliveryResult,
)
from sendkit.observers import Observer


class Notes:
    """Keeps what it is told, and on which thread."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.results: list[DeliveryResult] = []
        self.threads: set[threading.Thread] = set()

    def on_attempt(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        self.threads.add(threading.current_thread())

    def on_result(self, result: DeliveryResult) -> None:
        self.results.append(result)
        self.threads.add(threading.current_thread())


class AsyncNotes:
    """The same, on an event loop."""

    def __init__(self) -> None:
        self.results: list[DeliveryResult] = []
        self.loops: set[asyncio.AbstractEventLoop] = set()

    async def on_result(self, result: DeliveryResult) -> None:
        await asyncio.sleep(0)
        self.loops.add(asyncio.get_running_loop())
        self.results.append(result)


class Raises(Observer):
    """Raises for each result."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def on_result(self, result: DeliveryResult, /) -> None:
        raise self.error


class Waits:
    """Blocks until it is let go."""

    def __init__(self) -> None:
        self.reached, self.free = threading.Event(), threading.Event()
        self.results: list[DeliveryResult] = []

    def on_result(self, result: DeliveryResult) -> None:
        self.reached.set()
        self.free.wait(60)
        self.results.append(result)
