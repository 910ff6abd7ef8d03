"""What a caller asks for beside the message: progress, a transcript, a deadline, and how many at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

from sendkit._smtp.address import Address


class Stopped(BaseException):
    """A caller's function raised `error`. No trouble of a server's: nobody who waits for such may catch it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def cancelled() -> str:
    """What mostly ends an attempt from outside, in words."""
    return "the call was cancelled"


BeforeEnd: TypeAlias = Callable[[tuple[Address, ...]], Awaitable[object]]


class Terms(NamedTuple):
    """What holds for every attempt at one message.

    `in_flight`: how many letters may be on one connection at the same time, this one included. `on_progress(sent,
    total)` is told how many octets of the content have left. `deadline` is on the transport's clock. `why_interrupted`
    says in words what ended an attempt from outside (a cancellation, the deadline).

    `before_end(recipients)` is awaited before the end of data may leave, with those who may be accepted by it: the
    moment to note durably that they may be in doubt from now on. Where everything goes out in one write, that is before
    its first octet. What it raises ends the attempt with nobody accepted. It is called once for each transaction, and
    again where a connection proves dead before anything was written to it.
    """

    keep_transcript: bool = False
    in_flight: int = 1
    on_progress: Callable[[int, int], object] | None = None
    deadline: float | None = None
    why_interrupted: Callable[[], str] = cancelled
    before_end: BeforeEnd | None = None

    def until(self, deadline: float | None, why_interrupted: Callable[[], str]) -> Terms:
        """The same with another deadline, and what to say when it ends the attempt."""
        return Terms(self.keep_transcript, self.in_flight, self.on_progress, deadline, why_interrupted, self.before_end)


PLAIN = Terms()
