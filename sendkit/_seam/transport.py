"""What a transport is: it carries a letter once, and its log says what became of each recipient."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from sendkit._message.letter import Letter, asked
from sendkit._seam.clock import Clock, SystemClock
from sendkit._seam.log import AttemptLog
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.parameters import Offer, parameters

_WITHOUT = Capabilities()


async def carry(transport: Transport, letter: Letter, log: AttemptLog) -> None:
    """Have a letter carried. A transport that knows of no options is taken for a server that offers none."""
    if not transport.takes_options and (wishes := asked(letter)) is not None:
        told = parameters(wishes, letter.recipients, Offer(_WITHOUT))
        log.ignored = told.ignored
        if told.refused is not None:
            log.settle_all(told.refused)
            return
    await transport.deliver(letter, log)


class Transport(ABC):
    """Carries letters. Raises CredentialsError or ConfigurationError before any byte goes out, and nothing else.

    Whatever a server or the network does is no exception, but a verdict in the log. `hosts` are the servers that it
    reaches over a network; a double reaches none. `tells_before_end`: it awaits `log.before_end` right before the end
    of data; for one that does not, an outbox takes the whole of `deliver` for that moment. `takes_options`: it does
    what `letter.options` ask for, or says in the log what it does not; for one that does not, `carry` says it.
    `starts`: it may be asked to `start`.
    """

    clock: Clock = SystemClock()
    hosts: tuple[str, ...] = ()
    tells_before_end: bool = False
    takes_options: bool = False
    starts: bool = False

    @abstractmethod
    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Carry the letter to its recipients, once, and note in the log what became of each."""

    def start(self, letter: Letter, log: AttemptLog, ended: Callable[[bool], None]) -> Callable[[], object] | None:
        """Begin to carry a letter now, if that needs no wait; None where it does: then `deliver` is called.

        The letter has neither options nor files, and nobody is to be told of its progress, or before its end. When it
        is over, and not before this has returned, `ended` is called on the event loop; with False where `deliver` is to
        go on with the same log. What is returned ends it at once when it is called, with what became of it in the log.
        """
        return None

    async def close_idle(self) -> None:  # noqa: B027 - as below
        """Close the connections that nobody uses; the transport opens others when it is used again."""

    async def aclose(self) -> None:  # noqa: B027 - most doubles have nothing to let go of
        """Close connections and files; the transport may not be used afterwards."""
