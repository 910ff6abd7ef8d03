"""The double is a real transport: the same transaction, the same checks and verdicts, with replies from a script."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from sendkit import DeliveryResult, Envelope, Mailer, MemoryTransport, Message, Outcome, Phase, RetryPolicy, Timeouts
from sendkit._smtp.capabilities import Capabilities
from tests.accounts import ANA, EVA, LUIS, ONCE, OPS, mailer, message, outcomes, sent

ACCEPTED, REJECTED, DEFERRED, IN_DOUBT = Outcome
PLACES = {
    "on_connect": Phase.GREETING,
    "on_ehlo": Phase.EHLO,
    "on_starttls": Phase.STARTTLS,
    "on_auth": Phase.AUTH,
    "on_mail": Phase.MAIL,
    "on_rcpt": Phase.RCPT,
    "on_data": Phase.DATA,
    "after_data": Phase.END_OF_DATA,
}
BEFORE_THE_TRANSACTION = list(PLACES)[:4]


async def once(transport: MemoryTransport, *to: str) -> DeliveryResult:
    """What became of one message in one attempt."""
    return await sent(transport, *to, retry=ONCE)


async def test_a_message_that_was_taken_can_be_looked_at() -> None:
    transport = MemoryTransport()
    async with mailer(transport) as postman:
        await postman.send(message(LUIS, OPS, subject="Informe semanal", text="Todo bien.\n.\n"))
    (taken,) = transport.sent
    assert taken.envelope == Envelope(ANA, [LUIS, OPS])
    assert taken.message["Subject"] == "Informe semanal"
    assert taken.message.get_body().get_content().splitlines() == ["Todo bien.", "."]  # type: ignore[union-attr]
    assert taken.content.count(b"\n") == taken.content.count(b"\r\n")


async def test_bcc_is_in_the_envelope_and_not_in_the_content() -> None:
    transport = MemoryTransport()
    async with mailer(transport) as postman:
        await postman.send(Message(sender=ANA, to=LUIS, bcc=OPS, text="Hola"))
    assert transport.sent[0].envelope.recipients == (LUIS, OPS)
    assert OPS.encode() not in transport.sent[0].content


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("code", [451, 554])
async def test_a_scripted_reply_is_judged_as_on_the_wire(place: str, code: int) -> None:
    transport = MemoryTransport()
    getattr(transport, place)().reply(f"{code} no", times=1)
    result = await once(transport)
    rejected = code == 554 and place not in BEFORE_THE_TRANSACTION
    assert outcomes(result) == {LUIS: REJECTED if rejected else DEFERRED}
    assert result.recipients[LUIS].retryable is (code == 451)
    assert (result.recipients[LUIS].phase, str(result.recipients[LUIS].reply)) == (PLACES[place], f"{code} no")
    assert transport.sent == []
    assert (await once(transport)).ok


@pytest.mark.parametrize("how", ["drop", "silence"])
@pytest.mark.parametrize("place", [*PLACES, "on_tls", "on_body"])
async def test_a_lost_or_silent_connection_is_judged_by_its_phase(place: str, how: str) -> None:
    transport = MemoryTransport()
    getattr(getattr(transport, place)(), how)(times=1)
    result = await once(transport)
    assert outcomes(result) == {LUIS: IN_DOUBT if place == "after_data" else DEFERRED}
    assert result.recipients[LUIS].reply is None
    assert result.recipients[LUIS].reason
    assert (await once(transport)).ok


async def test_a_refused_connection_never_came_to_a_greeting() -> None:
    transport = MemoryTransport()
    transport.on_connect().refuse()
    result = await once(transport)
    assert outcomes(result) == {LUIS: DEFERRED}
    assert result.recipients[LUIS].phase is Phase.CONNECT
    assert "firewall" in (result.recipients[LUIS].hint or "")


async def test_what_was_taken_before_the_answer_was_lost_is_kept() -> None:
    transport = MemoryTransport()
    transport.after_data().drop()
    await once(transport)
    assert len(transport.sent) == 1


@pytest.mark.parametrize("place", ["on_mail", "on_rcpt", "on_data", "on_body"])
async def test_what_was_lost_before_the_end_of_data_is_not_kept(place: str) -> None:
    transport = MemoryTransport()
    getattr(transport, place)().drop()
    await once(transport)
    assert transport.sent == []


async def test_only_the_recipients_that_were_taken_are_in_the_envelope() -> None:
    transport = MemoryTransport()
    transport.on_rcpt(OPS).reply("550 5.1.1 no such user")
    result = await once(transport, LUIS, OPS, EVA)
    assert outcomes(result) == {LUIS: ACCEPTED, OPS: REJECTED, EVA: ACCEPTED}
    assert transport.sent[0].envelope.recipients == (LUIS, EVA)


async def test_a_connection_is_kept_for_the_next_message() -> None:
    transport = MemoryTransport()
    transport.on_connect().on_connection(2).refuse()
    async with mailer(transport) as postman:
        assert (await postman.send(message())).ok
        assert (await postman.send(message())).ok


async def test_a_mailer_that_is_closed_says_good_bye_and_nothing_that_is_answered_matters() -> None:
    transport = MemoryTransport()
    for nth, how in enumerate(("drop", "silence"), 1):
        getattr(transport.on_quit(nth=nth), how)()
    transport.on_quit().reply("421 4.3.2 shutting down")
    for _ in range(3):
        async with mailer(transport, ONCE) as postman:
            assert (await postman.send(message())).ok
    transport.on_connect().on_connection(4).refuse()
    assert (await once(transport)).recipients[LUIS].phase is Phase.CONNECT


@pytest.mark.parametrize("place", ["on_mail", "on_rcpt", "on_data", "after_data"])
async def test_after_421_there_is_a_new_connection(place: str) -> None:
    transport = MemoryTransport()
    getattr(transport, place)().on_connection(1).reply("421 4.3.2 shutting down")
    async with mailer(transport, RetryPolicy(max_attempts=2)) as postman:
        result = await postman.send(message())
    assert result.recipients[LUIS].attempts == 2


async def test_a_dead_connection_that_was_kept_is_replaced_at_no_attempt() -> None:
    """As on the wire: nothing of the message had been taken."""
    for how in ("drop", "421"):
        transport = MemoryTransport()
        async with mailer(transport, ONCE) as postman:
            await postman.send(message())
            rule = transport.on_mail().on_connection(1)
            rule.drop() if how == "drop" else rule.reply("421 4.4.2 idle for too long")
            result = await postman.send(message(), check=False)
        assert (result.ok, len(result.attempts)) == (True, 1)


async def test_rset_comes_before_mail_when_the_last_transaction_did_not_end_well() -> None:
    transport = MemoryTransport()
    transport.on_rset().reply("451 4.3.0 not now")
    async with mailer(transport, ONCE) as postman:
        assert [(await postman.send(message())).ok for _ in range(2)] == [True, True]
        transport.after_data().reply("451 4.3.0 not now", times=1)
        await postman.send(message(), check=False)
        result = await postman.send(message(), check=False)
    assert [answer.phase for answer in result.attempts[0].replies][:1] == [Phase.RSET]


async def test_a_transcript_has_both_sides_of_the_conversation() -> None:
    async with mailer(MemoryTransport(), transcript=True) as postman:
        result = await postman.send(message(text="for Luis alone"))
    lines = result.attempts[0].transcript or ()
    assert [line.text for line in lines if line.who == "C"][-3:-1] == [f"RCPT TO:<{LUIS}>", "DATA"]
    assert "354 end with a dot" in [line.text for line in lines if line.who == "S"]
    assert not any("for Luis alone" in line.text for line in lines)


async def test_what_the_server_announces_is_held_against_the_message() -> None:
    transport = MemoryTransport(capabilities=Capabilities(esmtp=True, size_announced=True, max_size=100))
    result = await once(transport)
    assert outcomes(result) == {LUIS: REJECTED}
    assert (result.recipients[LUIS].reply, transport.sent) == (None, [])
    transport = MemoryTransport(capabilities=Capabilities(esmtp=True))
    result = await once(transport, LUIS, "ñuria@example.com")
    assert outcomes(result) == {LUIS: ACCEPTED, "ñuria@example.com": REJECTED}


async def test_silence_lasts_as_long_as_the_phase_may_and_costs_no_time() -> None:
    limits = {"on_connect": 2, "on_mail": 3, "on_data": 5, "on_body": 7, "after_data": 11}
    timeouts = Timeouts(greeting=2, command=3, data=5, body=7, end_of_data=11)
    for place, limit in limits.items():
        transport = MemoryTransport(timeouts=timeouts)
        getattr(transport, place)().silence()
        result = await once(transport)
        assert result.attempts[0].duration == limit
        assert f"{limit} s" in (result.recipients[LUIS].reason or "")


async def test_its_clock_jumps_when_somebody_waits() -> None:
    clock = MemoryTransport().clock
    before = clock.now()
    await clock.sleep(3_600)
    await clock.sleep(-5)
    assert (clock.monotonic(), (clock.now() - before).total_seconds()) == (3_600, 3_600)
    assert before.tzinfo is not None


async def test_many_tasks_may_share_it() -> None:
    transport = MemoryTransport()
    async with mailer(transport) as postman:
        results = await asyncio.gather(*(postman.send(message(subject=str(number))) for number in range(50)))
    assert all(result.ok for result in results)
    assert len(transport.sent) == 50


def test_many_mailers_in_many_threads_may_share_it() -> None:
    transport = MemoryTransport()

    def work(number: int) -> bool:
        with Mailer(transport=transport) as postman:
            return postman.send(message(subject=str(number))).ok

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(40)))
    assert len(transport.sent) == 40
