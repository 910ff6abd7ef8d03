"""Backup servers: who is asked next, for whom, who rests and how long, and what the result says of each."""

from __future__ import annotations

import pytest

from sendkit import (
    Outcome,
    RetryPolicy,
    SubmissionOptions,
    errors,
)
from sendkit._smtp.capabilities import Capabilities
from sendkit._transport.failover import FIRST_REST, FailoverTransport
from sendkit.results import Reason
from tests.accounts import EVA, LUIS, OPS, message, outcomes

from .backups import BUSY, Named, Without, both, copies, send, servers

ACCEPTED, REJECTED, DEFERRED, IN_DOUBT = Outcome


DEMANDS = (SubmissionOptions(require_tls=True), SubmissionOptions(hold_for=60))


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
