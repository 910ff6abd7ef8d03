"""What a transport is: it carries a letter once, and its log says what became of each recipient."""

from __future__ import annotations

from abc import ABC, abstractmethod

from sendkit._message.letter import Letter
from sendkit._seam.clock import Clock, SystemClock
from sendkit._seam.log import AttemptLog


class Transport(ABC):
    """Carries letters. Raises CredentialsError or ConfigurationError before any byte goes out, and nothing else.

    Whatever a server or the network does is no exception, but a verdict in the log. `hosts` are the servers that it
    reaches over a network; a double reaches none. `tells_before_end`: it awaits `log.before_end` right before the end
    of data; for one that does not, an outbox takes the whole of `deliver` for that moment.
    """

    clock: Clock = SystemClock()
    hosts: tuple[str, ...] = ()
    tells_before_end: bool = False

    @abstractmethod
    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Carry the letter to its recipients, once, and note in the log what became of each."""

    async def close_idle(self) -> None:  # noqa: B027 - as below
        """Close the connections that nobody uses; the transport opens others when it is used again."""

    async def aclose(self) -> None:  # noqa: B027 - most doubles have nothing to let go of
        """Let go of connections and files; the transport may not be used afterwards."""
