"""The fixture's mailbox: the double, with the assertions, standing in for every server while it is open.

Knows the double and the diversion. Must not know pytest; it is a context manager that any test framework can use.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from sendkit._delivery.diversion import Diversion, divert
from sendkit._lifetime.once import computed_once
from sendkit._reading.received import ReceivedMessage
from sendkit._reading.sent import Sent
from sendkit._smtp.verdict import Outcome
from sendkit._transport.memory import MemoryTransport
from sendkit.testing._box import Box

if TYPE_CHECKING:
    from types import TracebackType

    from sendkit._message.letter import Letter
    from sendkit._seam.log import AttemptLog
    from sendkit.testing._outbox import MemoryOutbox

__all__ = ["MemoryMailbox"]


class MemoryMailbox(Box, MemoryTransport):
    """A `MemoryTransport` that takes the mail of the whole process: `with MemoryMailbox() as mailbox:`.

    Within the block every mailer that was told its server by name (`Mailer.from_env()`, `sendkit.send`) sends here,
    whenever it was made; one for a server that the program names itself is a ConfigurationError, unless `stands_for`
    says that its mail goes here too. A fault that was scripted and never happened fails at the end of the block, unless
    `allow_unused_faults()` was called. Safe to use from several threads and tasks; one test at a time in a process.
    """

    def __init__(self) -> None:
        super().__init__()
        self._untaken: list[str] = []
        self._diversion = Diversion(self, "the mailbox of this test", outbox=lambda: self.outbox._place)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - one house
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._open.enter_context(divert(self._diversion))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._open.close()
        if error is None:
            self.check_faults()

    @computed_once
    def outbox(self) -> MemoryOutbox:
        """The outbox in memory of this test, which is that of every `Outbox()` of the program; see `outbox.drain()`."""
        from sendkit.testing._outbox import MemoryOutbox  # noqa: PLC0415 - most tests put nothing

        return MemoryOutbox()

    def stands_for(self, *hosts: str) -> None:
        """Take the mail for these hosts too, where the application itself names them."""
        self._diversion.hosts.update(host.lower() for host in hosts)

    @property
    def messages(self) -> list[ReceivedMessage]:
        """Every message that was taken, in order; also where the answer was then lost."""
        return [one for one in self.sent if isinstance(one, ReceivedMessage)]

    def untaken(self) -> list[str]:
        """Recipients who were not accepted, each with why."""
        return list(self._untaken)

    def clear(self) -> None:
        """Forget the messages; what the script says stays."""
        self.sent.clear()
        self._untaken.clear()

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Carry the letter as `MemoryTransport` does, and note who did not get it."""
        try:
            await super().deliver(letter, log)
        finally:
            for recipient in log.recipients:
                verdict = log.verdict(recipient)
                if verdict.outcome is not Outcome.ACCEPTED:
                    why = verdict.reason if verdict.reply is None else verdict.reply
                    self._untaken.append(f"{recipient.written}: {verdict.outcome.value} ({why})")

    def _keep(self, sent: Sent) -> None:
        super()._keep(ReceivedMessage(sent.envelope, sent.content, sent.options, when=self.clock.now()))
