"""A server that failed rests; a deadline is shared out among the servers that are left."""

from __future__ import annotations

import asyncio

import pytest

from sendkit import (
    AsyncMailer,
    DeliveryResult,
    Outcome,
    Phase,
)
from sendkit._seam.log import AttemptLog
from sendkit._smtp.address import parse_address
from sendkit._transport.failover import FIRST_REST, LONGEST_REST, FailoverTransport, _let_in_within
from tests.accounts import LUIS, ONCE, OPS, message, outcomes

from .backups import BUSY, Hanging, Named, both, copies, servers


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
            assert (outcomes(result), servers(result), backup.asked) == ({LUIS: Outcome.DEFERRED}, ["hanging"], 0)
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
        assert (outcomes(result), last.asked) == ({LUIS: Outcome.ACCEPTED, OPS: Outcome.DEFERRED}, 0)


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
    assert [verdict.outcome for verdict in log.verdicts.values()] == [Outcome.DEFERRED]
