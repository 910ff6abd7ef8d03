"""One line for scripts: the account of the environment, one message, and the connection closed behind it."""

from __future__ import annotations

from collections.abc import Iterable

from sendkit._mailer import AnyMessage, AsyncMailer, Progress
from sendkit._result import DeliveryResult
from sendkit._smtp.envelope import Envelope
from sendkit._sync import Mailer


def send(
    message: AnyMessage,
    *,
    envelope_from: str | None = None,
    recipients: Iterable[str] | Envelope | str | None = None,
    check: bool = True,
    deadline: float | None = None,
    on_progress: Progress | None = None,
) -> DeliveryResult:
    """Send one message through the account that the environment names (`Mailer.from_env`); see `Mailer.send`."""
    with Mailer.from_env() as mailer:
        return mailer.send(
            message,
            envelope_from=envelope_from,
            recipients=recipients,
            check=check,
            deadline=deadline,
            on_progress=on_progress,
        )


async def send_async(
    message: AnyMessage,
    *,
    envelope_from: str | None = None,
    recipients: Iterable[str] | Envelope | str | None = None,
    check: bool = True,
    deadline: float | None = None,
    on_progress: Progress | None = None,
) -> DeliveryResult:
    """Send one message through the account that the environment names, and await it; see `AsyncMailer.send`."""
    async with AsyncMailer.from_env() as mailer:
        return await mailer.send(
            message,
            envelope_from=envelope_from,
            recipients=recipients,
            check=check,
            deadline=deadline,
            on_progress=on_progress,
        )
