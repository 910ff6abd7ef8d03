"""One line for scripts: an account by name or of the environment, one message, and the connection closed behind it."""

from __future__ import annotations

from typing import Unpack

from sendkit._mailer import AsyncMailer, OnProgress
from sendkit._message.compose import AnyMessage, Recipients
from sendkit._plan.options import MailerSettings, takes_settings
from sendkit._sync import Mailer
from sendkit.results import DeliveryResult


@takes_settings
def open(name: str, **settings: Unpack[MailerSettings]) -> Mailer:  # noqa: A001 - read as sendkit.open
    """Make a mailer for an account of `sendkit/config.toml`; the same as `Mailer.from_config`."""
    return Mailer.from_config(name, **settings)


def send(
    message: AnyMessage,
    *,
    envelope_from: str | None = None,
    recipients: Recipients | None = None,
    check: bool = True,
    deadline: float | None = None,
    on_progress: OnProgress | None = None,
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
    recipients: Recipients | None = None,
    check: bool = True,
    deadline: float | None = None,
    on_progress: OnProgress | None = None,
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
