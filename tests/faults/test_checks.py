"""The checks themselves: each kind of lie is found and counted, so that a clean table says something."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sendkit import AsyncMailer, DeliveryResult, MemoryTransport, RetryPolicy

from .checks import Count, judge
from .stage import PASSWORD, Evidence, letter, limits, mailer, observe, play, scripted, send
from .truth import DOUBT, RECIPIENTS, YES, A, B, Mode

if TYPE_CHECKING:
    from collections.abc import Callable


def told(transport: MemoryTransport) -> DeliveryResult:
    """What a mailer says about one try."""
    mailer = AsyncMailer(transport=transport, retry=RetryPolicy(max_attempts=1))
    return asyncio.run(mailer.send(letter(), check=False))


def counts(evidence: Evidence, **truth: object) -> set[Count]:
    """The columns that the evidence falls into."""
    return {finding.count for finding in judge(evidence, **truth)}  # type: ignore[arg-type]


@pytest.fixture
def honest() -> Evidence:
    """A message that was accepted, and is there once for each recipient."""
    result = told(MemoryTransport())
    return Evidence(result, copies=Counter((str(result.message_id), to) for to in RECIPIENTS))


def test_an_honest_answer_is_found_right(honest: Evidence) -> None:
    assert judge(honest, dict.fromkeys(RECIPIENTS, YES)) == []


def test_an_acceptance_without_a_copy_is_lost_mail(honest: Evidence) -> None:
    honest.copies.clear()
    assert counts(honest) == {Count.LOST}


def test_a_second_copy_is_a_duplicate(honest: Evidence) -> None:
    honest.copies.update(honest.copies)
    assert counts(honest) == {Count.DUPLICATES}


def test_another_fate_than_the_promised_one_is_wrong(honest: Evidence) -> None:
    assert counts(honest, truth=dict.fromkeys(RECIPIENTS, DOUBT)) == {Count.WRONG}


def test_a_refusal_of_what_the_server_took_is_wrong() -> None:
    transport = MemoryTransport()
    transport.after_data().reply("450 4.2.0 later")
    result = told(transport)
    evidence = Evidence(result, copies=Counter({(str(result.message_id), B): 1}))
    assert [finding.words.partition(":")[0] for finding in judge(evidence)] == [B]


def test_a_missing_recipient_is_wrong(honest: Evidence) -> None:
    assert honest.result is not None
    recipients = {to: told for to, told in honest.result.recipients.items() if to != A}
    honest.result = honest.result.model_copy(update={"recipients": recipients})
    assert counts(honest) == {Count.WRONG}


def test_a_foreign_exception_is_wrong_and_no_answer_at_all_hangs() -> None:
    assert counts(Evidence(error=KeyError("x"))) == {Count.WRONG}
    assert counts(Evidence(hung=True)) == {Count.HANGS}


@pytest.mark.parametrize("leak", [lambda: logging.getLogger("sendkit.smtp").debug("AUTH %s", PASSWORD), None])
def test_a_secret_in_a_log_or_a_result_is_a_leak(leak: Callable[[], None] | None) -> None:
    def careless(evidence: Evidence) -> None:
        if leak is not None:
            leak()
        elif evidence.result is not None:
            evidence.result = evidence.result.model_copy(update={"reverse_path": PASSWORD})

    server = scripted(Mode.CHUNKING)

    async def act(evidence: Evidence) -> None:
        async with mailer(server, limits()) as used:
            await send(evidence, used, letter())
        careless(evidence)

    (finding,) = judge(observe(server, act))
    assert finding.count is Count.LEAKS
    assert finding.words.startswith("secret: the secret leaks")
    assert PASSWORD not in finding.words


@pytest.mark.parametrize("leaks", [False, True])
def test_a_failure_of_the_test_itself_is_no_leak_and_is_not_hidden_by_one(leaks: bool) -> None:
    async def act(_: Evidence) -> None:
        if leaks:
            logging.getLogger("sendkit.smtp").debug("AUTH %s", PASSWORD)
        raise AssertionError("what the test itself found")

    with pytest.raises(AssertionError, match="what the test itself found"):
        observe(scripted(Mode.CHUNKING), act)


@pytest.mark.parametrize("transcript", [True, False])
def test_without_a_transcript_nobody_listens_to_the_conversation(
    transcript: bool, caplog: pytest.LogCaptureFixture
) -> None:
    evidence = play(scripted(Mode.CHUNKING), limits(), transcript=transcript)
    assert evidence.result is not None
    assert [bool(attempt.transcript) for attempt in evidence.result.attempts] == [transcript]
    assert any(record.name == "sendkit.smtp" for record in caplog.records) is transcript


def test_what_was_left_behind_is_a_leak(honest: Evidence) -> None:
    honest.left.append("thread: sendkit")
    assert counts(honest) == {Count.LEAKS}
