"""Messages, results and mailers that many tests begin with. Knows the public face only."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sendkit import AsyncMailer, DeliveryResult, MemoryTransport, Message, Outcome, RetryPolicy, errors

if TYPE_CHECKING:
    from sendkit.testing import LocalServer

ANA, LUIS, OPS, EVA = "ana@example.com", "luis@example.com", "ops@example.net", "eva@example.org"
ONCE = RetryPolicy(max_attempts=1)


def message(*to: str, subject: str = "Hola", text: str = "¿Qué tal?") -> Message:
    """A short message from Ana, to these or to Luis."""
    return Message(sender=ANA, to=to or [LUIS], subject=subject, text=text)


def outcomes(result: DeliveryResult) -> dict[str, Outcome]:
    """The outcome of each recipient."""
    return {address: recipient.outcome for address, recipient in result.recipients.items()}


def mailer(transport: MemoryTransport, retry: RetryPolicy | None = None, **settings: object) -> AsyncMailer:
    """A mailer over the double."""
    return AsyncMailer(transport=transport, retry=retry, **settings)  # type: ignore[arg-type]


async def sent(transport: MemoryTransport, *to: str, retry: RetryPolicy | None = None) -> DeliveryResult:
    """What became of one message."""
    async with mailer(transport, retry) as postman:
        return await postman.send(message(*to), check=False)


def write_account(server: LocalServer) -> None:
    """Write an account `work` on this server into the user's file of accounts; a program prints its password."""
    program = f"print({server.password!r}); print('not this')"
    path = Path(os.environ["XDG_CONFIG_HOME"], "sendkit", "config.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"""
        [accounts.work]
        host = "{server.host}"
        port = {server.port}
        username = "{server.username}"
        sender = "Ana <ana@example.com>"
        ca_file = '{server.ca_file}'
        password_command = ['{sys.executable}', "-c", '''{program}''']
        """,
        encoding="utf-8",
    )


async def trouble(used: AsyncMailer) -> errors.DeliveryError | None:
    """Send a message with a mailer that is closed behind it; the error if it did not go out."""
    async with used:
        try:
            await used.send(message())
        except errors.DeliveryError as error:
            return error
    return None
