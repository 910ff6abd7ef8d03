"""Backup servers: who is asked next, for whom, who rests and how long, and what the result says of each."""

from __future__ import annotations

import asyncio

import pytest

from sendkit import (
    AsyncMailer,
    DeliveryResult,
    MemoryTransport,
    Outcome,
    Phase,
    RetryPolicy,
    SubmissionOptions,
    errors,
)
from sendkit._message.letter import Letter
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from sendkit._smtp.address import parse_address
from sendkit._smtp.capabilities import Capabilities
from sendkit._transport.failover import FIRST_REST, LONGEST_REST, FailoverTransport, _let_in_within
from sendkit.results import Reason
from tests.accounts import EVA, LUIS, ONCE, OPS, message, outcomes

ACCEPTED, REJECTED, DEFERRED, IN_DOUBT = Outcome
BUSY = "451 4.3.0 not now"
DEMANDS = (SubmissionOptions(require_tls=True), SubmissionOptions(hold_for=60))


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


@pytest.fixture
def primary() -> Named:
    return Named("primary")


@pytest.fixture
def backup(primary: Named) -> Named:
    return Named("backup", primary)


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


async def test_while_the_first_takes_mail_nobody_asks_the_next(primary: Named, backup: Named) -> None:
    result = await send(primary, backup)
    assert (servers(result), backup.asked, result.recipients[LUIS].server) == (["primary"], 0, "primary")


async def test_where_the_first_is_down_the_next_takes_it_once(primary: Named, backup: Named) -> None:
    primary.on_connect().refuse()
    result = await send(primary, backup)
    assert (result.ok, servers(result)) == (True, ["primary", "backup"])
    assert (result.recipients[LUIS].server, result.recipients[LUIS].attempts) == ("backup", 2)
    assert copies(primary, backup) == [LUIS]


async def test_only_those_who_were_refused_for_now_go_to_the_next(primary: Named, backup: Named) -> None:
    primary.on_rcpt(OPS).reply(BUSY)
    primary.on_rcpt(EVA).reply("550 5.1.1 no such user")
    result = await send(primary, backup, to=(LUIS, OPS, EVA))
    assert outcomes(result) == {LUIS: ACCEPTED, OPS: ACCEPTED, EVA: REJECTED}
    assert {a: r.server for a, r in result.recipients.items()} == {LUIS: "primary", OPS: "backup", EVA: "primary"}
    assert copies(primary) == [LUIS]
    assert copies(backup) == [OPS]


async def test_what_is_in_doubt_goes_to_nobody_else(primary: Named, backup: Named) -> None:
    primary.after_data().drop()
    result = await send(primary, backup)
    assert (outcomes(result), backup.asked) == ({LUIS: IN_DOUBT}, 0)


async def test_a_policy_that_repeats_doubts_begins_with_the_first_again(primary: Named, backup: Named) -> None:
    primary.after_data().drop(times=1)
    policy = RetryPolicy(retry_in_doubt=True, wait=lambda _: FIRST_REST)
    result = await send(primary, backup, retry=policy)
    assert (outcomes(result), servers(result)) == ({LUIS: ACCEPTED}, ["primary", "primary"])


@pytest.mark.parametrize("reply", ["535 5.7.8 wrong", "454 4.7.0 later"])
async def test_a_login_that_is_refused_is_no_end_where_there_is_a_backup(
    reply: str, primary: Named, backup: Named
) -> None:
    primary.on_auth().reply(reply)
    assert (await send(primary, backup)).recipients[LUIS].server == "backup"


async def test_each_try_of_the_policy_goes_over_the_whole_list(primary: Named, backup: Named) -> None:
    for double in (primary, backup):
        double.on_rcpt().reply(BUSY, times=2)
    result = await send(primary, backup, retry=RetryPolicy(max_attempts=3))
    assert servers(result) == ["primary", "backup"] * 2 + ["primary"]
    assert result.ok


async def test_the_policy_counts_tries_and_not_servers(primary: Named, backup: Named) -> None:
    for double in (primary, backup):
        double.on_rcpt().reply(BUSY)
    result = await send(primary, backup, retry=RetryPolicy(max_attempts=2))
    assert (len(result.attempts), result.recipients[LUIS].attempts) == (4, 4)


async def test_the_server_with_the_best_prospects_speaks_for_a_try(primary: Named, backup: Named) -> None:
    """A backup that somebody must fix does not make the message one that cannot be sent later."""
    primary.on_rcpt().reply(BUSY)
    backup.on_auth().reply("535 5.7.8 wrong")
    result = await send(primary, backup)
    assert (result.recipients[LUIS].server, result.recipients[LUIS].retryable) == ("primary", True)
    with pytest.raises(errors.DeferredError) as caught:
        result.raise_for_failure()
    assert caught.value.host == "primary"


class TestWhatOneServerDoesNotOffer:
    """What a message demands and the first server does not offer is asked of the next one; nothing was sent."""

    @pytest.mark.parametrize("options", DEMANDS)
    async def test_a_backup_that_offers_it_takes_the_message(
        self, options: SubmissionOptions, primary: Named, backup: Named
    ) -> None:
        primary.capabilities = Capabilities(esmtp=True, future_release=True, max_hold=1)
        async with both(primary, backup) as postman:
            result = await postman.send(message(), options=options)
        assert (servers(result), result.recipients[LUIS].server) == (["primary", "backup"], "backup")
        assert copies(primary, backup) == [LUIS]

    @pytest.mark.parametrize("options", DEMANDS)
    async def test_where_none_offers_it_the_message_is_rejected(
        self, options: SubmissionOptions, primary: Named, backup: Named
    ) -> None:
        primary.capabilities = backup.capabilities = Capabilities(esmtp=True)
        async with both(primary, backup, retry=RetryPolicy(max_attempts=3)) as postman:
            result = await postman.send(message(), options=options, check=False)
            assert servers(result) == ["primary", "backup"]
            one = result.recipients[LUIS]
            assert (one.outcome, one.reply, one.retryable) == (REJECTED, None, False)
            assert one.why in (Reason.NEEDS_REQUIRETLS, Reason.NEEDS_FUTURERELEASE)
            # Neither rests: it is no fault of theirs.
            await postman.send(message())
        assert copies(primary, backup) == [LUIS]
        assert len(primary.sent) == 1

    @pytest.mark.parametrize("lacking", [0, 1])
    async def test_while_the_other_one_is_down_it_may_still_be_sent_later(
        self, lacking: int, primary: Named, backup: Named
    ) -> None:
        doubles = (primary, backup)
        doubles[lacking].capabilities = Capabilities(esmtp=True)
        doubles[1 - lacking].on_mail().reply(BUSY, times=1)
        async with both(*doubles, retry=RetryPolicy(max_attempts=2)) as postman:
            result = await postman.send(message(), options=DEMANDS[0])
        assert (result.ok, len(result.attempts)) == (True, 4 if lacking == 0 else 3)


class TestRest:
    """A server that failed is left alone for a while."""

    async def test_the_next_message_does_not_ask_it(self, primary: Named, backup: Named) -> None:
        primary.on_connect().refuse(times=1)
        async with both(primary, backup) as postman:
            assert servers(await postman.send(message())) == ["primary", "backup"]
            assert servers(await postman.send(message())) == ["backup"]
            primary._virtual.advance(FIRST_REST)
            assert servers(await postman.send(message())) == ["primary"]

    async def test_it_grows_with_each_failure_up_to_a_limit_and_ends_with_a_success(
        self, primary: Named, backup: Named
    ) -> None:
        rests: list[float] = []
        primary.on_connect().refuse(times=8)
        async with both(primary, backup) as postman:
            for _ in range(8):
                rests.append(await self.rest_after(postman, primary))
                primary._virtual.advance(rests[-1])
            assert servers(await postman.send(message())) == ["primary"]
            primary.on_mail().drop(times=2)  # the first one only says that the connection was idle for too long
            rests.append(await self.rest_after(postman, primary))
        assert rests == [10, 20, 40, 80, 160, 300, 300, 300, 10]

    async def rest_after(self, postman: AsyncMailer, first: Named) -> float:
        """How long the first server rests after one more message."""
        await postman.send(message())
        transport = postman._plan.transport
        assert isinstance(transport, FailoverTransport)
        return transport._servers[0].wakes - first.clock.monotonic()

    @pytest.mark.parametrize("reply", [BUSY, "550 5.1.1 no such user"])
    async def test_an_answer_about_one_recipient_costs_none(self, reply: str, primary: Named, backup: Named) -> None:
        primary.on_rcpt(OPS).reply(reply)
        async with both(primary, backup) as postman:
            await postman.send(message(OPS), check=False)
            assert servers(await postman.send(message())) == ["primary"]

    @pytest.mark.parametrize("place", ["on_connect", "on_auth", "on_mail", "on_data", "after_data"])
    async def test_a_lost_connection_or_a_closing_service_costs_one(
        self, place: str, primary: Named, backup: Named
    ) -> None:
        for fault in ("drop", "reply"):
            first, second = Named("first"), Named("second")
            rule = getattr(first, place)()
            rule.drop(times=1) if fault == "drop" else rule.reply("421 4.3.2 closing", times=1)
            async with both(first, second) as postman:
                await postman.send(message(), check=False)
                assert servers(await postman.send(message())) == ["second"]

    async def test_where_all_rest_the_one_that_wakes_first_is_asked(self, primary: Named, backup: Named) -> None:
        primary.on_connect().refuse(times=1)
        backup.on_connect().refuse(times=1)
        async with both(primary, backup) as postman:
            assert not (await postman.send(message(), check=False)).ok
            assert servers(await postman.send(message())) == ["primary"]

    async def test_one_that_rests_is_asked_where_those_awake_fail(self, primary: Named, backup: Named) -> None:
        backup.on_connect().refuse(times=1)
        primary.on_connect().refuse(times=2)
        async with both(primary, backup) as postman:
            await postman.send(message(), check=False)
            primary._virtual.advance(FIRST_REST)
            backup.on_connect().refuse(times=1)
            await postman.send(message(), check=False)
            result = await postman.send(message())
        assert (result.ok, copies(primary, backup)) == (True, [LUIS])

    async def test_when_it_is_over_one_letter_asks_and_the_others_go_round(self) -> None:
        first, second = Hanging(Phase.CONNECT), Named("second")
        transport = FailoverTransport([first, second])
        server = transport._servers[0]
        server.fail(began=0, now=server.transport.clock.monotonic() - LONGEST_REST)
        async with AsyncMailer(transport=transport, retry=ONCE) as postman:
            probe = asyncio.create_task(postman.send(message()))
            await first.asked.wait()
            assert servers(await postman.send(message())) == ["second"]
            probe.cancel()
            await asyncio.wait({probe})

    def test_of_several_that_failed_together_one_counts(self) -> None:
        server = FailoverTransport([Named("one")])._servers[0]
        for _ in range(5):
            server.fail(began=100, now=130)
        assert (server.failures, server.wakes) == (1, 130 + FIRST_REST)


class TestTime:
    """A deadline is shared out, and a cancellation ends all."""

    @pytest.mark.parametrize("phase", [Phase.RESOLVE, Phase.CONNECT, Phase.GREETING, Phase.AUTH])
    async def test_a_server_that_lets_nobody_in_leaves_time_for_the_next(self, phase: Phase) -> None:
        second = Named("second")
        async with both(Hanging(phase), second) as postman:
            result = await postman.send(message(), deadline=3)
        assert (result.ok, servers(result)) == (True, ["hanging", "second"])
        assert result.attempts[0].error is not None
        assert "share of the deadline" in result.attempts[0].error.message

    async def test_a_transaction_that_has_begun_may_use_it_all(self, backup: Named) -> None:
        async with both(Hanging(Phase.MAIL), backup) as postman:
            result = await postman.send(message(), deadline=1, check=False)
            assert (outcomes(result), servers(result), backup.asked) == ({LUIS: DEFERRED}, ["hanging"], 0)
            assert "deadline" in (result.recipients[LUIS].reason or "")
            assert servers(await postman.send(message())) == ["backup"]

    async def test_the_last_server_may_use_what_is_left(self, primary: Named) -> None:
        primary.on_connect().refuse()
        async with both(primary, Hanging(Phase.CONNECT)) as postman:
            result = await postman.send(message(), deadline=1, check=False)
        assert servers(result) == ["primary", "hanging"]
        assert result.recipients[LUIS].retryable

    async def test_a_cancellation_asks_nobody_else_and_tells_what_is_known(self, primary: Named) -> None:
        primary.on_rcpt(OPS).reply(BUSY)
        last = Named("last")
        async with both(primary, hanging := Hanging(Phase.CONNECT), last) as postman:
            task = asyncio.create_task(postman.send(message(LUIS, OPS)))
            await hanging.asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
        result: DeliveryResult = vars(caught.value)["result"]
        assert (outcomes(result), last.asked) == ({LUIS: ACCEPTED, OPS: DEFERRED}, 0)


class TestCredentials:
    """A server whose password is missing is one that somebody must fix."""

    async def test_the_next_is_asked_and_the_attempt_says_why(self, backup: Named) -> None:
        result = await send(Without(), backup)
        assert result.ok
        assert result.attempts[0].error is not None
        assert result.attempts[0].error.message == "no password for ana"

    async def test_where_no_server_could_be_asked_the_first_error_is_raised(self) -> None:
        with pytest.raises(errors.CredentialsNotFound, match="no password for ana"):
            await send(Without(), Without())

    async def test_where_one_could_be_asked_there_is_a_result(self, primary: Named) -> None:
        primary.on_connect().refuse()
        result = await send(primary, Without())
        assert (result.recipients[LUIS].server, result.recipients[LUIS].retryable) == ("primary", True)


async def test_closing_closes_all() -> None:
    closed: list[str] = []

    class Closing(Named):
        async def aclose(self) -> None:
            closed.append(self.name)
            if self.name == "two":
                raise RuntimeError("it does not close")

    with pytest.raises(RuntimeError, match="does not close"):
        await FailoverTransport([Closing("one"), Closing("two"), Closing("three")]).aclose()
    assert sorted(closed) == ["one", "three", "two"]


async def test_a_wait_for_a_place_of_our_own_is_no_time_of_the_server() -> None:
    loop = asyncio.get_running_loop()
    log, free, long = AttemptLog((parse_address(LUIS),)), loop.create_future(), 0.1
    loop.call_later(long, free.set_result, None)
    async with _let_in_within(long / 5, log):
        with log.own_wait():
            await free
        log.phase = Phase.MAIL
    assert log.verdicts == {}


async def test_once_a_share_has_ended_nothing_more_is_done() -> None:
    """Also when the answer that it waited for comes in the same iteration of the loop."""
    loop, done = asyncio.get_running_loop(), list[str]()
    log, answer = AttemptLog((parse_address(LUIS),)), loop.create_future()
    loop.call_later(0, answer.set_result, None)
    async with _let_in_within(0, log):
        await answer
        done.append("written")
    assert done == []
    assert [verdict.outcome for verdict in log.verdicts.values()] == [DEFERRED]
