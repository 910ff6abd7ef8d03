"""Messages, results and mailers that many tests begin with. Knows the public face only."""

from __future__ import annotations

from sendkit import AsyncMailer, DeliveryResult, MemoryTransport, Message, Outcome, RetryPolicy

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
