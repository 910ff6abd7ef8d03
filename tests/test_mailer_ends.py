"""What ends a send from outside, a cancellation, a time limit or its deadline, finds the truth so far."""

from __future__ import annotations

import asyncio

import pytest

from sendkit import (
    AsyncMailer,
    Outcome,
    Phase,
    errors,
)
from sendkit._message.letter import Letter
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from tests.accounts import LUIS, message, outcomes


class Stuck(Transport):
    """Comes as far as the phase, and no further."""

    def __init__(self, phase: Phase, settled: bool = False) -> None:
        self.phase, self.settled = phase, settled
        self.reached, self.ended = asyncio.Event(), asyncio.Event()

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Wait forever, and keep the log right."""
        log.host, log.port, log.phase = "stuck.example.com", 587, self.phase
        self.reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()


async def test_a_cancelled_send_lets_the_cancellation_through_with_the_result_on_it() -> None:
    transport = Stuck(Phase.RCPT)
    async with AsyncMailer(transport=transport) as postman:
        task = asyncio.create_task(postman.send(message(), check=False))
        await transport.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await task
    assert type(cancelled.value) is asyncio.CancelledError
    result = cancelled.value.result  # type: ignore[attr-defined]
    assert outcomes(result) == {LUIS: Outcome.DEFERRED}
    assert "cancelled" in (result.recipients[LUIS].reason or "")
    assert (result.attempts[0].server, result.attempts[0].phase) == ("stuck.example.com:587", Phase.RCPT)


async def ends_when_reached(transport: Stuck, limit: asyncio.Timeout) -> None:
    """Let a time limit end as soon as there is something to end."""
    await transport.reached.wait()
    limit.reschedule(asyncio.get_running_loop().time())


async def test_a_time_limit_of_the_caller_finds_the_result_on_the_cause() -> None:
    transport = Stuck(Phase.MAIL)
    async with AsyncMailer(transport=transport) as postman:
        with pytest.raises(TimeoutError) as late:  # noqa: PT012 - the limit is what raises
            async with asyncio.timeout(None) as limit:
                over = asyncio.create_task(ends_when_reached(transport, limit))
                await postman.send(message())
        await over
    assert outcomes(late.value.__cause__.result) == {LUIS: Outcome.DEFERRED}  # type: ignore[union-attr]
    assert transport.ended.is_set()


async def test_the_deadline_ends_an_attempt_and_gives_the_result() -> None:
    transport = Stuck(Phase.DATA)
    async with AsyncMailer(transport=transport, deadline=1) as postman:
        result = await postman.send(message(), check=False)
        with pytest.raises(errors.DeferredError, match="deadline"):
            await postman.send(message())
    assert outcomes(result) == {LUIS: Outcome.DEFERRED}
    assert "deadline of 1 s" in (result.recipients[LUIS].reason or "")
    assert len(result.attempts) == 1


class Failing(Transport):
    """Breaks its promise to raise nothing of its own."""

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Raise."""
        raise TimeoutError("of its own")


async def test_a_time_out_that_is_not_ours_is_not_taken_for_the_deadline() -> None:
    async with AsyncMailer(transport=Failing(), deadline=60) as postman:
        with pytest.raises(TimeoutError, match="of its own"):
            await postman.send(message(), check=False)
