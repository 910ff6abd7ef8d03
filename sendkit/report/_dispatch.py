"""How a report of an error is sent: through the account of the environment, a mailer of the program, or its outbox.

Never raises: who reports an error must not replace it by another. What went wrong is said on standard error.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

import sendkit
from sendkit._message.mailbox import author
from sendkit.errors import ConfigurationError, InDoubtError

if TYPE_CHECKING:
    from sendkit import Message
    from sendkit._message.mailbox import MailboxLike
    from sendkit.report._report import Report

_DEADLINE = 300.0  # seconds


class Mails(Protocol):
    """A Mailer, or an AsyncMailer."""

    @property
    def send(self) -> Callable[..., Any]: ...


class Puts(Protocol):
    """An Outbox, or an AsyncOutbox."""

    @property
    def put(self) -> Callable[..., Any]: ...


class Dispatch:
    """To whom, from whom and by what. Raises MessageError at once for addresses that are none, or nobody at all."""

    def __init__(
        self,
        *,
        to: MailboxLike | Iterable[MailboxLike] | None,
        sender: MailboxLike | None,
        mailer: Mails | None,
        outbox: Puts | None,
    ) -> None:
        if mailer is not None and outbox is not None:
            raise ConfigurationError("mailer and outbox do not go together", hint="the outbox has a mailer of its own")
        probe = sendkit.Message(sender=sender, to=to or (), subject="probe", text="")
        self._sender = str(author(probe.sender))
        self._to = [str(box) for box in probe.to] or [self._sender]
        self._deliver: Callable[..., Any] | None = mailer.send if mailer else outbox.put if outbox else None

    @property
    def asynchronous(self) -> bool:
        """Whether the mailer or outbox must be awaited."""
        return self._deliver is not None and inspect.iscoroutinefunction(self._deliver)

    def send(self, make: Callable[[], Report], *, quiet: bool = False) -> bool | None:
        """Make the report and send it; whether it left, or None where that is in doubt. `quiet` says no word of it."""
        try:
            message = self._message(make())
            if self._deliver is None:
                sendkit.send(message, deadline=_DEADLINE)
            else:
                self._deliver(message)
        except Exception as error:  # noqa: BLE001 - whatever it is, the error that is reported must not be lost for it
            return self._failed(error, quiet=quiet)
        return True

    async def send_async(self, make: Callable[[], Report]) -> bool | None:
        """As `send`, without blocking the loop, except for a synchronous mailer or outbox."""
        try:
            message = self._message(make())
            if self._deliver is None:
                await sendkit.send_async(message, deadline=_DEADLINE)
            elif isinstance(waited := self._deliver(message), Awaitable):
                await waited
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(error, quiet=False)
        return True

    def _message(self, report: Report) -> Message:
        # RFC 3834 section 5: no answering machine replies to this.
        headers = {"Auto-Submitted": "auto-generated"}
        return report.message(to=self._to, sender=self._sender, headers=headers)

    def _failed(self, error: Exception, *, quiet: bool) -> bool | None:
        told = str(error) or type(error).__name__
        if not quiet:
            print(f"sendkit: a report of an error was not sent: {told}", file=sys.stderr)  # noqa: T201 - the last resort
        return None if isinstance(error, InDoubtError) else False
