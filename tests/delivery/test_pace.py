"""The pace is what was asked for, slower after a complaint, the same for all tasks, and in order of arrival."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from sendkit import AsyncMailer, DeliveryResult, MemoryTransport, Outcome, Phase, Reply, RetryPolicy, errors
from sendkit._delivery.pace import Pace, Queue, complains, parse_rate
from sendkit._message.letter import Letter
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from sendkit._smtp.verdict import Verdict, judge_refusal
from sendkit._transport.failover import FailoverTransport
from sendkit._transport.memory import VirtualClock
from tests.accounts import LUIS, ONCE, mailer, message, outcomes

BUSY = judge_refusal(Phase.MAIL, Reply.parse("421 4.7.0 too much mail"))


def begun(*results: DeliveryResult) -> list[float]:
    """When each try began, in seconds after the first."""
    moments = sorted(attempt.started for result in results for attempt in result.attempts)
    return [round((moment - moments[0]).total_seconds(), 3) for moment in moments]


async def send_some(mailer: AsyncMailer) -> None:
    """So many messages that there is a pace to be slowed down."""
    for _ in range(11):
        await mailer.send(message())


class HeldClock(VirtualClock):
    """A clock whose sleepers wait until they are woken."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeping: asyncio.Queue[float] = asyncio.Queue()
        self.wake = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.sleeping.put_nowait(seconds)
        await self.wake.acquire()
        self.advance(seconds)


class TestTheRate:
    """What was asked for."""

    @pytest.mark.parametrize(
        ("text", "rate"), [("2/second", 2), ("30/minute", 0.5), ("1/hour", 1 / 3600), ("86400/day", 1)]
    )
    def test_is_a_number_per_unit(self, text: str, rate: float) -> None:
        assert parse_rate(text) == rate

    @pytest.mark.parametrize(
        "text",
        ["", "30", "30/min", "0/minute", "-1/minute", "1.5/second", "30 / minute", "30/minute\n", "٣/second", 30],
    )
    def test_is_refused_when_it_is_anything_else(self, text: object) -> None:
        with pytest.raises(errors.ConfigurationError, match="30/minute") as refused:
            mailer(MemoryTransport(), rate=text)
        assert "not a rate" in str(refused.value)

    async def test_spaces_messages_evenly(self) -> None:
        async with mailer(MemoryTransport(), rate="30/minute") as postman:
            results = [await postman.send(message()) for _ in range(4)]
        assert begun(*results) == [0, 2, 4, 6]

    @pytest.mark.parametrize("in_flight", [1, 8])
    async def test_is_shared_by_all_that_is_sent_at_the_same_time(self, in_flight: int) -> None:
        async with mailer(MemoryTransport(), rate="1/second", max_connections=3) as postman:
            many = postman.send_many((message() for _ in range(5)), in_flight=in_flight)
            results = [result async for result in many]
            results += await asyncio.gather(*(postman.send(message()) for _ in range(5)))
        assert begun(*results) == [*range(10)]

    async def test_counts_every_try(self) -> None:
        transport = MemoryTransport()
        transport.on_rcpt(LUIS).reply("450 4.2.0 greylisted", times=2)
        async with mailer(transport, RetryPolicy(wait=lambda _: 0), rate="6/minute") as postman:
            result = await postman.send(message())
        assert begun(result) == [0, 10, 20]

    async def test_does_not_make_up_for_time_that_was_not_used(self) -> None:
        transport = MemoryTransport()
        async with mailer(transport, rate="1/second") as postman:
            first = await postman.send(message())
            await transport.clock.sleep(100)
            rest = [await postman.send(message()) for _ in range(3)]
        assert begun(first, *rest) == [0, 100, 101, 102]

    async def test_waiting_is_no_part_of_a_try_nor_of_the_time_for_retries(self) -> None:
        transport = MemoryTransport()
        async with mailer(transport, RetryPolicy(max_elapsed=1, wait=lambda _: 0), rate="1/hour") as postman:
            await postman.send(message())
            transport.on_mail().reply("450 4.2.0 not now", times=1)
            result = await postman.send(message())
        assert [attempt.duration for attempt in result.attempts] == [0, 0]


class TestTheDeadline:
    """Waiting for a turn counts."""

    async def test_before_its_turn_a_message_is_deferred_and_nothing_of_it_goes_out(self) -> None:
        transport = MemoryTransport()
        async with mailer(transport, rate="6/minute") as postman:
            await postman.send(message())
            result = await postman.send(message(), check=False, deadline=5)
            assert (await postman.send(message())).ok
        (recipient,) = result.deferred
        assert (recipient.phase, recipient.retryable, recipient.reply) == (Phase.RESOLVE, True, None)
        assert "waited for its turn" in (recipient.reason or "")
        assert len(transport.sent) == 2

    async def test_of_those_behind_others_is_kept_too(self) -> None:
        clock, queue = VirtualClock(), Queue(Pace(0.1))
        assert await asyncio.gather(*(queue.enter(clock, 15) for _ in range(4))) == [True, True, False, False]

    async def test_on_the_clock_of_the_machine_ends_the_wait(self) -> None:
        transport = MemoryTransport()
        transport.clock = HeldClock()
        async with mailer(transport, ONCE, rate="6/minute") as postman:
            await postman.send(message())
            result = await postman.send(message(), check=False, deadline=0.01)
        assert outcomes(result) == {LUIS: Outcome.DEFERRED}


class TestTheLine:
    """Who waits."""

    async def test_is_served_in_order_of_arrival(self) -> None:
        clock, queue, seen = VirtualClock(), Queue(Pace(1)), list[int]()

        async def go(number: int) -> None:
            await queue.enter(clock, None)
            seen.append(number)

        await asyncio.gather(*map(go, range(20)))
        assert seen == [*range(20)]
        assert clock.monotonic() == 19

    async def test_is_left_by_a_cancellation_as_if_nobody_had_stood_there(self) -> None:
        clock = HeldClock()
        queue = Queue(Pace(1))
        assert await queue.enter(clock, None)
        second, third = (asyncio.create_task(queue.enter(clock, None)) for _ in range(2))
        assert await clock.sleeping.get() == 1
        second.cancel()
        assert await clock.sleeping.get() == 1
        clock.wake.release()
        assert await third
        assert (second.cancelled(), clock.monotonic()) == (True, 1)

    async def test_of_a_cancelled_message_tells_that_nothing_was_started(self) -> None:
        transport = MemoryTransport()
        clock = transport.clock = HeldClock()
        async with mailer(transport, rate="1/second") as postman:
            await postman.send(message())
            waiting = asyncio.create_task(postman.send(message()))
            await clock.sleeping.get()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await waiting
        result: DeliveryResult = cancelled.value.result  # type: ignore[attr-defined]
        (recipient,) = result.deferred
        assert (recipient.phase, recipient.reason) == (
            Phase.RESOLVE,
            "the call was cancelled while the message waited for its turn",
        )

    async def test_lets_no_more_begin_than_there_are_connections_for(self) -> None:
        clock, queue = VirtualClock(), Queue(Pace(connections=2))
        assert [queue.enter_at_once(2) for _ in range(5)] == [True, True, True, True, False]
        fifth = asyncio.create_task(queue.enter(clock, None, 2))
        await asyncio.sleep(0)
        assert not queue.enter_at_once(2)
        queue.leave()
        assert not queue.enter_at_once(2)
        assert await fifth

    async def test_lets_no_more_begin_behind_those_that_shared_a_connection_than_before_them(self) -> None:
        pace = Pace(connections=2)
        for in_flight, most in ((1, 2), (8, 16), (1, 2)):
            queue = pace.queue()
            assert [queue.enter_at_once(in_flight) for _ in range(most + 1)] == [True] * most + [False]
            for _ in range(most):
                queue.leave()

    async def test_costs_no_time_where_nobody_asked_for_a_pace(self) -> None:
        transport = MemoryTransport()
        async with mailer(transport) as postman:
            results = [result async for result in postman.send_many(message() for _ in range(50))]
        assert set(begun(*results)) == {0}


@pytest.mark.parametrize(
    ("phase", "reply", "expected"),
    [
        (Phase.MAIL, "421 4.7.0 try again later", True),
        (Phase.END_OF_DATA, "421 too busy", True),
        (Phase.MAIL, "421 4.4.2 idle for too long", False),
        (Phase.GREETING, "421 4.7.0 too many connections", False),
        (Phase.MAIL, "450 4.7.1 too many messages", True),
        (Phase.RCPT, "451 4.7.1 slow down", True),
        (Phase.END_OF_DATA, "451 4.7.500 server busy", True),
        (Phase.END_OF_DATA, "454 4.7.0 throttling failure", True),
        (Phase.AUTH, "454 4.7.0 temporary authentication failure", False),
        (Phase.RCPT, "450 4.2.0 greylisted", False),
        (Phase.RCPT, "451 local error", False),
        (Phase.MAIL, "452 4.3.1 insufficient system storage", True),
        (Phase.MAIL, "452 too many messages", True),
        (Phase.RCPT, "452 4.5.3 too many recipients", False),
        (Phase.RCPT, "452 too many recipients", False),
        (Phase.RCPT, "452 4.2.2 mailbox full", False),
        (Phase.MAIL, "550 5.7.1 never", False),
        (Phase.END_OF_DATA, "250 2.0.0 queued", False),
    ],
)
def test_what_is_a_complaint_and_what_is_not(phase: Phase, reply: str, expected: bool) -> None:
    assert complains(phase, Reply.parse(reply)) is expected


class TestAComplaint:
    """The server gets too much."""

    def complain(self, pace: Pace, now: float, verdict: Verdict = BUSY) -> bool:
        return pace.learn([verdict], pace.slowdowns, now)

    def test_halves_the_pace_that_was_asked_for_and_a_minute_later_it_is_back(self) -> None:
        pace = Pace(4)
        for second in range(40):
            pace.learn([], pace.slowdowns, second / 4)
        assert self.complain(pace, 10)
        assert [round(pace.rate(now), 2) for now in (10, 40, 70, 100, 1000)] == [2, 3, 4, 4, 4]

    def test_begins_from_the_measured_pace_and_is_forgotten_at_twice_of_it_where_nobody_asked(self) -> None:
        pace = Pace()
        for tenth in range(100):
            pace.learn([], pace.slowdowns, tenth / 10)
        self.complain(pace, 10)
        assert [round(pace.rate(10 + passed), 1) for passed in (0, 60, 179)] == [5, 10, 19.9]
        assert pace.unlimited is False
        assert pace.rate(10 + 181) == float("inf")
        assert pace.unlimited

    def test_takes_a_pace_that_is_not_known_for_one_a_second(self) -> None:
        pace = Pace()
        self.complain(pace, 0)
        assert (pace.rate(0), pace.left(0)) == (0.5, 2)

    def test_halves_it_once_for_all_that_was_begun_before(self) -> None:
        pace = Pace(1)
        before = pace.slowdowns
        assert [pace.learn([BUSY], before, 1) for _ in range(32)] == [True] + [False] * 31
        assert pace.rate(1) == 0.5
        assert self.complain(pace, 1)
        assert pace.rate(1) == 0.25

    @pytest.mark.parametrize(("limit", "lowest"), [(float("inf"), 1 / 60), (10, 1 / 60), (1 / 3600, 1 / 3600)])
    def test_never_makes_it_slower_than_one_a_minute_or_what_was_asked_for(self, limit: float, lowest: float) -> None:
        pace = Pace(limit)
        for _ in range(100):
            self.complain(pace, 0)
        assert pace.rate(0) == pytest.approx(lowest)
        assert pace.rate(1e6) == limit

    async def test_slows_down_everything_that_the_mailer_sends(self) -> None:
        transport = MemoryTransport()
        async with mailer(transport, ONCE) as postman:
            await send_some(postman)
            transport.on_mail().reply("450 4.7.1 too much mail", times=1)
            first = await postman.send(message(), check=False)
            rest = await asyncio.gather(*(postman.send(message()) for _ in range(20)))
        gaps = [later - sooner for sooner, later in pairwise(begun(first, *rest))]
        assert gaps[0] == 2
        assert all(later < sooner for sooner, later in pairwise(gaps))
        assert gaps[-1] > 1

    async def test_slows_down_nobody_who_sends_one_message_now_and_then(self) -> None:
        transport = MemoryTransport()
        transport.on_mail().reply("421 4.7.0 too much mail", times=1)
        async with mailer(transport, RetryPolicy(wait=lambda _: 0)) as postman:
            result = await postman.send(message(), deadline=60)
        assert begun(result) == [0, 0]

    async def test_of_a_backup_server_is_heard_too(self) -> None:
        first, backup = MemoryTransport(), MemoryTransport()
        async with mailer(FailoverTransport([first, backup]), ONCE) as postman:
            await send_some(postman)
            first.on_rcpt(LUIS).reply("450 4.2.0 greylisted")
            backup.on_mail().reply("451 4.7.1 too much mail")
            await postman.send(message(), check=False)
            assert not postman._plan.pace.unlimited

    async def test_stands_in_the_transcript(self) -> None:
        transport = MemoryTransport()
        async with mailer(transport, ONCE, transcript=True) as postman:
            await send_some(postman)
            transport.on_mail().reply("450 4.7.1 too much mail", times=1)
            result = await postman.send(message(), check=False)
        assert "slowing down" in str((result.attempts[0].transcript or ())[-1])


class Failing(Transport):
    """Raises once, then takes everything."""

    def __init__(self) -> None:
        self.failed = False

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Raise, the first time."""
        if not self.failed:
            self.failed = True
            raise errors.CredentialsNotFound("no password", hint="store one")
        log.settle_all(judge_refusal(Phase.MAIL, Reply.parse("550 no")))


async def test_a_message_that_raises_gives_its_place_back() -> None:
    async with mailer(Failing()) as postman:  # type: ignore[arg-type]
        postman._plan.pace.connections = 1
        with pytest.raises(errors.CredentialsNotFound):
            await postman.send(message())
        assert (await postman.send(message(), check=False)).rejected


def test_every_event_loop_has_a_line_of_its_own_and_the_pace_is_one() -> None:
    transport = MemoryTransport()
    postman = mailer(transport, rate="1/second")
    results = [asyncio.run(postman.send(message())) for _ in range(3)]
    assert begun(*results) == [0, 1, 2]
