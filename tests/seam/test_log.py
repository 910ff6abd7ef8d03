"""The log of an attempt tells the truth at any moment, also where nothing was noted."""

from __future__ import annotations

import logging
from datetime import UTC

import pytest

from sendkit import Outcome, Phase, Reply
from sendkit._seam.clock import SystemClock
from sendkit._seam.log import AttemptLog
from sendkit._seam.terms import Terms
from sendkit._smtp.address import parse_address
from sendkit._smtp.verdict import Again, Cause, accepted, judge_refusal
from sendkit._transport.memory import VirtualClock

LUIS, OPS = parse_address("luis@example.com"), parse_address("ops@example.net")
TAKEN = Reply.parse("250 2.0.0 taken")


@pytest.fixture
def log() -> AttemptLog:
    return AttemptLog((LUIS, OPS), VirtualClock())


def test_who_was_not_settled_was_interrupted_where_the_attempt_stands(log: AttemptLog) -> None:
    log.answered(Phase.MAIL, TAKEN)
    verdict = log.verdict(LUIS)
    assert (verdict.outcome, verdict.phase, verdict.again) == (Outcome.DEFERRED, Phase.MAIL, Again.LATER)
    assert "cancelled" in (verdict.reason or "")


def test_one_verdict_for_all_leaves_those_that_have_one(log: AttemptLog) -> None:
    log.settle({LUIS: accepted(TAKEN)})
    log.settle_all(judge_refusal(Phase.MAIL, Reply.parse("550 no")))
    assert [log.verdict(r).outcome for r in (LUIS, OPS)] == [Outcome.ACCEPTED, Outcome.REJECTED]


def test_it_knows_whom_it_is_about(log: AttemptLog) -> None:
    assert log.includes(LUIS)
    assert not log.includes(parse_address("eva@example.org"))


@pytest.mark.parametrize(
    ("host", "port", "server"), [("", None, None), ("memory", None, "memory"), ("localhost", 587, "localhost:587")]
)
def test_the_server_has_a_name_as_soon_as_it_is_known(
    log: AttemptLog, host: str, port: int | None, server: str | None
) -> None:
    log.host, log.port = host, port
    assert log.server == server


def test_its_summary_says_how_long_it_took_and_what_failed_first(log: AttemptLog) -> None:
    clock = log.clock
    assert isinstance(clock, VirtualClock)
    log.settle({LUIS: accepted(TAKEN), OPS: judge_refusal(Phase.RCPT, Reply.parse("450 4.2.0 wait"))})
    clock.advance(3)
    assert log.summary().duration == 3
    log.close()
    clock.advance(5)
    summary = log.summary()
    assert summary.duration == 3
    assert summary.error is not None
    assert (summary.error.cause, summary.error.message, summary.error.transient) == (
        Cause.DEFERRED,
        "450 4.2.0 wait",
        True,
    )


def test_without_a_failure_its_summary_has_no_error(log: AttemptLog) -> None:
    log.settle_all(accepted(TAKEN))
    assert log.summary().error is None


def test_nothing_is_written_down_unless_somebody_wants_it(log: AttemptLog) -> None:
    assert not log.recording
    log.said("MAIL FROM:<>")
    assert log.summary().transcript is None


def test_a_transcript_has_a_line_for_each_thing_said_and_each_line_of_a_reply() -> None:
    log = AttemptLog((LUIS,), VirtualClock(), Terms(keep_transcript=True))
    log.happened("connected")
    log.said("RCPT TO:<luis@example.com>")
    log.answered(Phase.RCPT, Reply(550, "5.1.1", "no\nsuch user"), LUIS)
    assert [(line.who, line.text) for line in log.summary().transcript or ()] == [
        ("*", "connected"), ("C", "RCPT TO:<luis@example.com>"), ("S", "550 5.1.1 no"), ("S", "such user"),
    ]  # fmt: skip


def test_the_logger_gets_the_same_lines_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "sendkit.smtp"):
        log = AttemptLog((LUIS,), VirtualClock(), host="localhost", port=587)
        assert log.recording
        log.said("DATA")
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("sendkit.smtp", "localhost:587 C: DATA")
    ]
    assert log.summary().transcript is None


async def test_the_clock_of_this_machine_goes_forward_in_utc() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0)
    assert clock.monotonic() >= before
    assert clock.now().tzinfo is UTC
