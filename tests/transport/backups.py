"""Doubles that stand one behind the other, and what became of a message over them."""

from __future__ import annotations

import asyncio

from sendkit import (
    AsyncMailer,
    DeliveryResult,
    MemoryTransport,
    Phase,
    RetryPolicy,
    errors,
)
from sendkit._message.letter import Letter
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from sendkit._transport.failover import FailoverTransport
from tests.accounts import LUIS, ONCE, message

BUSY = "451 4.3.0 not now"


class Named(MemoryTransport):
    """A double with a name, on a clock that it shares with the others."""

    def __init__(self, name: str, clock: Named | None = None) -> None:
        super().__init__()
        self.name, self.asked = name, 0
        if clock is not None:
            self.clock = self._virtual = clock._virtual

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        self.asked += 1
        await super().deliver(letter, log)
        log.host = self.name


class Without(Transport):
    """A transport that finds no password."""

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        log.host = "poor"
        raise errors.CredentialsNotFound("no password for ana", hint="store one")


class Hanging(Transport):
    """A transport that never ends, in this phase."""

    def __init__(self, phase: Phase) -> None:
        self.phase, self.asked = phase, asyncio.Event()

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        self.asked.set()
        log.host, log.phase = "hanging", self.phase
        await asyncio.Event().wait()


def both(*transports: Transport, retry: RetryPolicy = ONCE) -> AsyncMailer:
    """A mailer over these, in this order."""
    return AsyncMailer(transport=FailoverTransport(transports), retry=retry)


async def send(*transports: Transport, to: tuple[str, ...] = (LUIS,), retry: RetryPolicy = ONCE) -> DeliveryResult:
    """What became of one message."""
    async with both(*transports, retry=retry) as postman:
        return await postman.send(message(*to), check=False)


def servers(result: DeliveryResult) -> list[str]:
    """The servers of all attempts, in order."""
    return [attempt.server for attempt in result.attempts]


def copies(*doubles: MemoryTransport) -> list[str]:
    """All recipients that got a copy, over all servers."""
    return [recipient for double in doubles for sent in double.sent for recipient in sent.envelope.recipients]
