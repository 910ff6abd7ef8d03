"""A first try that goes by itself finds what one by one would, and is waited for without losing anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import product

import pytest

from sendkit import AsyncMailer, Outcome, Phase, Reply
from sendkit._delivery.pace import Pace
from sendkit._delivery.retries import Retries
from sendkit._delivery.retry import Delivery
from sendkit._lifetime.progress import Progress
from sendkit._message.compose import compose
from sendkit._message.letter import Letter
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from sendkit._sending import Alone
from sendkit._smtp.address import Address, parse_address
from sendkit._smtp.verdict import Again, Break, Cause, Failure, Verdict, accepted, judge_failure, judge_refusal
from sendkit._transport.memory import VirtualClock
from tests.accounts import LUIS, OPS, message

TAKEN = accepted(Reply.parse("250 2.0.0 taken"))
VERDICTS: dict[str, Verdict | None] = {
    "taken": TAKEN,
    "refused": judge_refusal(Phase.RCPT, Reply.parse("550 5.1.1 no such user")),
    "deferred": judge_refusal(Phase.RCPT, Reply.parse("450 4.2.0 greylisted")),
    "in doubt": judge_failure(Phase.END_OF_DATA, Failure(Break.LOST, "the connection was lost")),
    "not told": None,
    "taken, with a cause": Verdict(Outcome.ACCEPTED, Phase.END_OF_DATA, Cause.PROTOCOL),
    "taken, and to be sent again": Verdict(Outcome.ACCEPTED, Phase.END_OF_DATA, None, Again.LATER),
}


class Starting(Transport):
    """Starts each letter, and ends it when it is told to, or cut."""

    starts = True

    def __init__(self) -> None:
        self.logs: list[AttemptLog] = []
        self.end: Callable[[bool], None] | None = None
        self.delivered = 0

    def start(self, letter: Letter, log: AttemptLog, ended: Callable[[bool], None]) -> Callable[[], object]:
        """Begin, and wait."""
        self.logs.append(log)
        self.end = ended
        return lambda: ended(True)

    def take(self) -> None:
        """The server takes it."""
        self.logs[-1].settle(dict.fromkeys(self.logs[-1].recipients, TAKEN))
        self.ended(whole=True)

    def ended(self, *, whole: bool) -> None:
        """It is over, or to be gone on with."""
        assert self.end is not None
        self.end(whole)

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Go on with it."""
        self.delivered += 1
        log.settle(dict.fromkeys(log.recipients, TAKEN))


def delivery(transport: Transport, *to: str, pace: Pace | None = None) -> Delivery:
    return Delivery(compose(message(*to), None, None, None), transport, Retries(), pace or Pace())


@pytest.mark.parametrize("names", [*product(VERDICTS), *product(VERDICTS, VERDICTS)], ids="-".join)
def test_a_log_is_clean_where_everybody_was_accepted_and_nobody_is_left(names: tuple[str, ...]) -> None:
    sent, told_later = (delivery(Starting(), *(LUIS, OPS)[: len(names)]) for _ in range(2))
    log = AttemptLog(sent.letter.recipients, VirtualClock())
    sent.rounds.append(log)
    told_later.rounds.append(log)
    found = zip(sent.letter.recipients, (VERDICTS[name] for name in names), strict=True)
    log.settle({recipient: verdict for recipient, verdict in found if verdict is not None})
    before = sent.result()
    log.close()
    assert log.clean is (set(names) == {"taken"})
    assert not log.clean or not sent.left()
    after = told_later.result()
    assert (after.recipients, after.attempts[0].error) == (before.recipients, before.attempts[0].error)


def test_a_log_of_nobody_is_not_clean_nor_is_one_that_is_not_over() -> None:
    luis: Address = parse_address(LUIS)
    nobody, going_on = AttemptLog(()), AttemptLog((luis,))
    nobody.close()
    going_on.settle({luis: TAKEN})
    assert (nobody.clean, going_on.clean) == (False, False)


async def begun(transport: Starting, sending: asyncio.Task[object]) -> None:
    """Wait until it is with the transport."""
    while not transport.logs:
        assert not sending.done()
        await asyncio.sleep(0)


async def test_what_starts_by_itself_is_over_when_its_end_is_told() -> None:
    transport = Starting()
    async with AsyncMailer(transport=transport) as mailer:
        sending = asyncio.create_task(mailer.send(message()))
        await begun(transport, sending)
        transport.take()
        result = await sending
    assert (result.ok, len(result.attempts), transport.delivered) == (True, 1, 0)


async def test_what_cannot_go_on_by_itself_is_carried_on_as_the_same_attempt() -> None:
    transport = Starting()
    async with AsyncMailer(transport=transport) as mailer:
        sending = asyncio.create_task(mailer.send(message()))
        await begun(transport, sending)
        transport.ended(whole=False)
        result = await sending
    assert (result.ok, len(result.attempts), transport.delivered) == (True, 1, 1)


@pytest.mark.parametrize("ended", ["not yet", "accepted", "to be gone on with"])
async def test_who_is_cancelled_has_the_result_so_far_and_leaves_its_place_to_others(ended: str) -> None:
    transport, pace, progress = Starting(), Pace(connections=1), Progress()
    one, work = delivery(transport, pace=pace), progress.work()
    one.under(work)
    sending = asyncio.ensure_future(_awaited(Alone(lambda: (one, work), check=True)))
    await begun(transport, sending)
    assert progress.begun == {work}
    if ended == "accepted":
        transport.take()
    elif ended != "not yet":
        transport.ended(whole=False)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError) as raised:
        await sending
    outcome = vars(raised.value)["result"].recipients[LUIS].outcome
    assert outcome is (Outcome.ACCEPTED if ended == "accepted" else Outcome.DEFERRED)
    assert (progress.begun, transport.delivered) == (set(), 0)
    assert pace.queue(transport.clock).enter_at_once()


async def _awaited(one: Alone) -> object:
    return await one


async def test_a_mailer_that_closes_cuts_it_and_its_task_is_not_cancelled() -> None:
    transport = Starting()
    mailer = AsyncMailer(transport=transport)
    sending = asyncio.create_task(mailer.send(message(), check=False))
    await begun(transport, sending)
    await mailer.aclose(0)
    result = await sending
    assert "the mailer was closed" in (result.recipients[LUIS].reason or "")
    assert sending.cancelling() == 0
