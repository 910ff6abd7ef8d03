"""Who is tried again, when, and with what: waits cost nothing here, for the double's clock is its own."""

from __future__ import annotations

from itertools import pairwise

import pytest
import tenacity

from sendkit import DeliveryResult, Envelope, MemoryTransport, Outcome, RetryPolicy, Timeouts, errors
from sendkit._message.letter import Letter
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from sendkit.results import Waiting
from tests.accounts import EVA, LUIS, ONCE, OPS, mailer, message, outcomes, sent

GREYLISTED = "450 4.2.0 greylisted"


def waits(*seconds: float) -> RetryPolicy:
    """Wait so long before the second try, the third, and so on; the last one counts for the rest."""

    def wait(state: tenacity.RetryCallState) -> float:
        return seconds[min(state.attempt_number, len(seconds)) - 1]

    return RetryPolicy(max_attempts=10, max_elapsed=1e9, wait=wait)


def started(result: DeliveryResult) -> list[float]:
    """When each try began, in seconds after the first."""
    first = result.attempts[0].started
    return [(attempt.started - first).total_seconds() for attempt in result.attempts]


async def test_what_was_deferred_is_tried_again_until_it_is_accepted() -> None:
    transport = MemoryTransport()
    transport.on_rcpt(LUIS).reply(GREYLISTED, times=2)
    result = await sent(transport)
    assert result.ok
    assert (len(result.attempts), result.recipients[LUIS].attempts) == (3, 3)
    assert len(transport.sent) == 1


async def test_only_the_deferred_are_tried_again() -> None:
    transport = MemoryTransport()
    transport.on_rcpt(OPS).reply(GREYLISTED, times=1)
    transport.on_rcpt(EVA).reply("550 5.1.1 no such user")
    result = await sent(transport, LUIS, OPS, EVA)
    assert [list(one.envelope.recipients) for one in transport.sent] == [[LUIS], [OPS]]
    assert {address: r.attempts for address, r in result.recipients.items()} == {LUIS: 1, OPS: 2, EVA: 1}
    assert outcomes(result) == {LUIS: Outcome.ACCEPTED, OPS: Outcome.ACCEPTED, EVA: Outcome.REJECTED}


async def test_every_try_has_the_same_octets_and_the_same_message_id() -> None:
    transport = MemoryTransport()
    transport.on_rcpt(OPS).reply(GREYLISTED, times=1)
    result = await sent(transport, LUIS, OPS)
    first, second = transport.sent
    assert first.content == second.content
    assert first.message["Message-ID"] == result.message_id


async def test_there_are_at_most_max_attempts_tries() -> None:
    transport = MemoryTransport()
    transport.on_mail().reply("451 4.3.0 not now")
    result = await sent(transport, retry=RetryPolicy(max_attempts=3))
    assert len(result.attempts) == 3
    assert result.recipients[LUIS].retryable


async def test_one_attempt_is_no_retry() -> None:
    transport = MemoryTransport()
    transport.on_mail().reply("451 4.3.0 not now", times=1)
    assert not (await sent(transport, retry=ONCE)).ok


async def test_no_try_begins_later_than_max_elapsed() -> None:
    transport = MemoryTransport()
    transport.on_mail().reply("451 4.3.0 not now")
    policy = waits(40).model_copy(update={"max_elapsed": 100})
    assert started(await sent(transport, retry=policy)) == [0, 40, 80]


async def test_the_deadline_stops_before_a_wait_that_would_pass_it() -> None:
    transport = MemoryTransport()
    transport.on_mail().reply("451 4.3.0 not now")
    async with mailer(transport, waits(40)) as postman:
        result = await postman.send(message(), check=False, deadline=100)
    assert started(result) == [0, 40, 80]
    assert transport.clock.monotonic() == 80
    assert outcomes(result) == {LUIS: Outcome.DEFERRED}


async def test_the_deadline_of_one_send_goes_before_that_of_the_mailer() -> None:
    transport = MemoryTransport()
    transport.on_mail().reply("451 4.3.0 not now")
    async with mailer(transport, waits(40), deadline=30) as postman:
        assert len((await postman.send(message(), check=False)).attempts) == 1
        assert len((await postman.send(message(), check=False, deadline=100)).attempts) == 3


async def test_a_wait_may_be_a_tenacity_object() -> None:
    transport = MemoryTransport()
    transport.on_mail().reply("451 4.3.0 not now", times=3)
    policy = RetryPolicy(wait=tenacity.wait_fixed(5) + tenacity.wait_exponential(multiplier=1))
    assert started(await sent(transport, retry=policy)) == [0, 6, 13, 22]


async def test_a_wait_may_be_a_callable_of_the_state() -> None:
    seen: list[tuple[int, float]] = []

    def wait(state: tenacity.RetryCallState) -> float:
        seen.append((state.attempt_number, state.idle_for))
        return 10.0 * state.attempt_number

    transport = MemoryTransport()
    transport.on_mail().reply("451 4.3.0 not now", times=2)
    result = await sent(transport, retry=RetryPolicy(wait=wait))
    assert seen == [(1, 0), (2, 10)]
    assert started(result) == [0, 10, 30]


async def test_the_usual_wait_grows_and_is_jittered_within_its_bounds() -> None:
    transport = MemoryTransport()
    transport.on_mail().reply("451 4.3.0 not now")
    moments = started(await sent(transport, retry=RetryPolicy(max_attempts=12, max_elapsed=1e6)))
    pauses = [after - before for before, after in pairwise(moments)]
    assert all(0 <= pause <= min(60, 2**number) + 1e-3 for number, pause in enumerate(pauses))


@pytest.mark.parametrize(
    ("place", "reply", "outcome"),
    [
        ("on_mail", "550 5.7.1 no", Outcome.REJECTED),
        ("on_rcpt", "550 5.1.1 no such user", Outcome.REJECTED),
        ("after_data", "554 5.7.1 spam", Outcome.REJECTED),
        ("on_auth", "535 5.7.8 bad credentials", Outcome.DEFERRED),
        ("on_mail", "530 5.7.0 log in first", Outcome.DEFERRED),
        ("on_connect", "554 5.7.1 not you", Outcome.DEFERRED),
        ("on_starttls", "502 5.5.1 no TLS", Outcome.DEFERRED),
    ],
)
async def test_what_is_permanent_or_for_a_person_to_mend_is_tried_once(
    place: str, reply: str, outcome: Outcome
) -> None:
    transport = MemoryTransport()
    getattr(transport, place)().reply(reply)
    result = await sent(transport)
    assert (len(result.attempts), outcomes(result)) == (1, {LUIS: outcome})
    assert not result.recipients[LUIS].retryable


@pytest.mark.parametrize(
    "place", ["on_connect", "on_ehlo", "on_starttls", "on_tls", "on_auth", "on_mail", "on_rcpt", "on_data", "on_body"]
)
async def test_a_drop_before_the_end_of_data_costs_an_attempt_and_no_copy(place: str) -> None:
    transport = MemoryTransport()
    getattr(transport, place)().drop(times=1)
    result = await sent(transport)
    assert (result.ok, len(result.attempts), len(transport.sent)) == (True, 2, 1)


@pytest.mark.parametrize("max_attempts", [1, 4])
async def test_what_is_in_doubt_is_not_tried_again(max_attempts: int) -> None:
    transport = MemoryTransport()
    transport.after_data().drop()
    result = await sent(transport, retry=RetryPolicy(max_attempts=max_attempts))
    assert (len(result.attempts), outcomes(result)) == (1, {LUIS: Outcome.IN_DOUBT})
    assert len(transport.sent) == 1


async def test_what_is_in_doubt_is_tried_again_when_asked() -> None:
    transport = MemoryTransport()
    transport.after_data().drop(times=1)
    result = await sent(transport, retry=RetryPolicy(retry_in_doubt=True))
    assert (result.ok, len(result.attempts)) == (True, 2)
    assert len(transport.sent) == 2


@pytest.mark.parametrize("refusal", ["550 5.7.1 seen that already", "451 4.3.0 not now"])
async def test_once_in_doubt_only_an_acceptance_settles_it(refusal: str) -> None:
    """A later refusal says nothing about the earlier copy."""
    transport = MemoryTransport()
    transport.after_data().drop(times=1)
    transport.on_rcpt(nth=2).reply(refusal, times=9)
    result = await sent(transport, retry=RetryPolicy(max_attempts=3, retry_in_doubt=True))
    assert outcomes(result) == {LUIS: Outcome.IN_DOUBT}
    assert result.recipients[LUIS].attempts == len(result.attempts) == 3


async def test_doubt_about_one_recipient_is_no_doubt_about_another() -> None:
    transport = MemoryTransport()
    transport.on_rcpt(OPS).reply(GREYLISTED, times=1)
    transport.after_data().drop(times=1)
    result = await sent(transport, LUIS, OPS)
    assert outcomes(result) == {LUIS: Outcome.IN_DOUBT, OPS: Outcome.ACCEPTED}
    assert [one.envelope.recipients for one in transport.sent] == [(LUIS,), (OPS,)]


async def test_silence_takes_the_time_limit_of_its_phase() -> None:
    transport = MemoryTransport(timeouts=Timeouts(command=7))
    transport.on_mail().silence(times=1)
    assert started(await sent(transport, retry=waits(3))) == [0, 10]


async def test_too_many_recipients_cost_no_attempt() -> None:
    transport = MemoryTransport()
    transport.on_rcpt(OPS).reply("452 4.5.3 too many recipients", times=1)
    result = await sent(transport, LUIS, OPS, retry=ONCE)
    assert result.ok
    assert len(result.attempts) == 1
    assert [one.envelope.recipients for one in transport.sent] == [(LUIS,), (OPS,)]


class Locked(Transport):
    """Takes what comes so many times, and then has no secret any more; Ops is greylisted as long as it lasts."""

    def __init__(self, good: int) -> None:
        self.inner = MemoryTransport()
        self.inner.on_rcpt(OPS).reply(GREYLISTED)
        self.clock, self.good, self.asked = self.inner.clock, good, 0

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Carry it, or raise."""
        self.asked += 1
        if self.asked > self.good:
            raise errors.KeyringLocked("the keyring is locked", hint="unlock it")
        await self.inner.deliver(letter, log)


async def test_without_a_secret_nothing_is_tried_again() -> None:
    transport = Locked(good=0)
    async with mailer(transport) as postman:  # type: ignore[arg-type]
        with pytest.raises(errors.KeyringLocked):
            await postman.send(message(), check=False)
    assert transport.asked == 1


async def test_a_secret_that_is_gone_at_a_later_try_does_not_hide_who_was_accepted() -> None:
    transport = Locked(good=1)
    async with mailer(transport) as postman:  # type: ignore[arg-type]
        result = await postman.send(message(LUIS, OPS), check=False)
    assert outcomes(result) == {LUIS: Outcome.ACCEPTED, OPS: Outcome.DEFERRED}
    assert not result.recipients[OPS].retryable
    assert transport.asked == 2


@pytest.mark.parametrize(
    "settings",
    [
        {"max_attempts": 0},
        {"max_attempts": "many"},
        {"max_elapsed": -1},
        {"wait": 5},
        {"attempts": 3},
        {"max_elapsed": float("nan")},
    ],
)
def test_a_policy_that_cannot_work_is_refused(settings: dict[str, object]) -> None:
    (name,) = settings
    with pytest.raises(errors.ConfigurationError, match=name) as failure:
        RetryPolicy(**settings)  # type: ignore[arg-type]
    assert failure.value.hint


def test_a_policy_is_a_frozen_value() -> None:
    with pytest.raises(ValueError, match="frozen"):
        RetryPolicy().max_attempts = 9  # type: ignore[misc]
    assert RetryPolicy() == RetryPolicy(max_attempts=4, max_elapsed=120, retry_in_doubt=False)


async def test_an_envelope_of_the_unsettled_brings_its_reverse_path_along() -> None:
    transport = MemoryTransport()
    async with mailer(transport) as postman:
        await postman.send(message(LUIS, OPS), recipients=Envelope("bounces@example.com", [OPS]))
    assert transport.sent[0].envelope == Envelope("bounces@example.com", [OPS])


async def test_a_patient_policy_waits_out_greylisting_of_a_quarter_of_an_hour() -> None:
    transport = MemoryTransport()
    transport.on_rcpt(LUIS).reply(GREYLISTED, times=3)
    result = await sent(transport, LUIS, retry=RetryPolicy.patient())
    assert result.ok
    for begun, minutes in zip(started(result), (0, 1, 6, 21), strict=True):
        assert 60 * minutes <= begun <= 66 * minutes + 1


async def test_a_patient_policy_goes_on_every_quarter_of_an_hour_as_long_as_it_is_told() -> None:
    transport = MemoryTransport()
    transport.on_rcpt(LUIS).reply(GREYLISTED)
    result = await sent(transport, LUIS, retry=RetryPolicy.patient(max_elapsed=4 * 3600))
    begun = started(result)
    assert 16 <= len(begun) <= 20
    assert begun[-1] <= 4 * 3600
    assert result.deferred[0].retryable


async def test_who_waits_is_told_of_before_each_wait_and_logged() -> None:
    transport, told = MemoryTransport(), list[Waiting]()
    transport.on_rcpt(OPS).reply(GREYLISTED, times=2)
    policy = RetryPolicy(wait=lambda _: 7.0, on_wait=told.append)
    await sent(transport, LUIS, OPS, retry=policy)
    assert [([one.address for one in waiting.recipients], waiting.seconds) for waiting in told] == [([OPS], 7.0)] * 2
    assert "greylisted" in str(told[0].recipients[0].reply)


async def test_the_wait_is_logged_with_the_reply(caplog: pytest.LogCaptureFixture) -> None:
    transport = MemoryTransport()
    transport.on_rcpt(OPS).reply(GREYLISTED, times=1)
    with caplog.at_level("INFO", "sendkit.delivery"):
        await sent(transport, OPS, retry=RetryPolicy(wait=lambda _: 40.0))
    assert [record.getMessage() for record in caplog.records if record.name == "sendkit.delivery"] == [
        f"{OPS}: deferred (450 4.2.0 greylisted); next try in 40 s"
    ]


async def test_what_on_wait_raises_ends_the_call_with_the_result_so_far() -> None:
    def stop(_: Waiting) -> None:
        raise ValueError("no time for that")

    transport = MemoryTransport()
    transport.on_rcpt(OPS).reply(GREYLISTED)
    with pytest.raises(ValueError, match="no time") as stopped:
        await sent(transport, LUIS, OPS, retry=RetryPolicy(on_wait=stop))
    assert outcomes(vars(stopped.value)["result"]) == {LUIS: Outcome.ACCEPTED, OPS: Outcome.DEFERRED}
