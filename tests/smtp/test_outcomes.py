"""The table of DESIGN.md 3, row by row: what a reply, or its absence, in each phase means for a recipient."""

from __future__ import annotations

import pytest

from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.transaction import Mode
from sendkit._smtp.verdict import (
    Again,
    Break,
    Cause,
    Failure,
    Outcome,
    accepted,
    judge_failure,
    judge_refusal,
    rejected_unasked,
)

from .dialogue import (
    BREAKS,
    DATA,
    EVA,
    GARBAGE,
    LARGE_SIZE,
    LOST,
    LUIS,
    MAIL,
    OPS,
    RCPT,
    SILENT,
    STRAY,
    TAKEN,
    converse,
    plan,
)

DEFERRED, REJECTED, IN_DOUBT = Outcome.DEFERRED, Outcome.REJECTED, Outcome.IN_DOUBT
NO, NEXT, LATER = Again.NO, Again.NEXT_SERVER, Again.LATER
SESSION = [Phase.RESOLVE, Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.TLS, Phase.AUTH]


@pytest.mark.parametrize("failure", BREAKS, ids=lambda failure: failure.kind)
@pytest.mark.parametrize("phase", SESSION)
def test_a_session_that_breaks_off_is_deferred_and_tried_again(phase: Phase, failure: Failure) -> None:
    verdict = judge_failure(phase, failure)
    assert (verdict.outcome, verdict.again) == (DEFERRED, LATER)
    assert (verdict.phase, verdict.reply, verdict.reason) == (phase, None, failure.reason)


@pytest.mark.parametrize(
    ("phase", "kind", "cause"),
    [
        (Phase.CONNECT, Break.LOST, Cause.CONNECTION),
        (Phase.EHLO, Break.TIMEOUT, Cause.CONNECTION),
        (Phase.STARTTLS, Break.LOST, Cause.TLS),
        (Phase.TLS, Break.TIMEOUT, Cause.TLS),
        (Phase.GREETING, Break.MALFORMED, Cause.PROTOCOL),
        (Phase.MAIL, Break.UNEXPECTED, Cause.PROTOCOL),
        (Phase.MAIL, Break.INTERRUPTED, Cause.DEFERRED),
    ],
)
def test_what_broke_off_is_called_by_its_kind_and_phase(phase: Phase, kind: Break, cause: Cause) -> None:
    assert judge_failure(phase, Failure(kind, "…")).cause is cause


def test_a_421_that_came_unasked_stands_in_the_verdict() -> None:
    closing = Reply.parse("421 4.4.2 idle for too long")
    verdict = judge_failure(Phase.MAIL, Failure(Break.UNEXPECTED, "the server closes the session", closing))
    assert (verdict.outcome, verdict.again, verdict.cause) == (DEFERRED, LATER, Cause.DEFERRED)
    assert verdict.reply is closing


@pytest.mark.parametrize(
    ("phase", "reply", "again", "cause"),
    [
        (Phase.GREETING, "421 busy", LATER, Cause.DEFERRED),
        (Phase.GREETING, "554 no service here", NEXT, Cause.CONNECTION),
        (Phase.EHLO, "450 not now", LATER, Cause.DEFERRED),
        (Phase.EHLO, "550 I do not like your name", NEXT, Cause.CONNECTION),
        (Phase.GREETING, "250 what", LATER, Cause.PROTOCOL),
        (Phase.EHLO, "354 what", LATER, Cause.PROTOCOL),
        (Phase.STARTTLS, "454 4.7.0 TLS not available", LATER, Cause.TLS),
        (Phase.STARTTLS, "502 5.5.1 no such command", NEXT, Cause.TLS),
        (Phase.STARTTLS, "250 what", LATER, Cause.TLS),
        (Phase.AUTH, "454 4.7.0 temporary failure", LATER, Cause.AUTHENTICATION),
        (Phase.AUTH, "421 4.7.0 too many failures", LATER, Cause.AUTHENTICATION),
        (Phase.AUTH, "535 5.7.8 bad credentials", NEXT, Cause.AUTHENTICATION),
        (Phase.AUTH, "503 5.5.1 no", NEXT, Cause.AUTHENTICATION),
        (Phase.AUTH, "250 what", LATER, Cause.PROTOCOL),
    ],
)
def test_trouble_with_the_session_is_deferred_and_never_rejected(
    phase: Phase, reply: str, again: Again, cause: Cause
) -> None:
    verdict = judge_refusal(phase, Reply.parse(reply))
    assert (verdict.outcome, verdict.again, verdict.cause) == (DEFERRED, again, cause)
    assert str(verdict.reply) == reply


@pytest.mark.parametrize("code", [530, 534, 538])
@pytest.mark.parametrize(
    "phase", [Phase.EHLO, Phase.AUTH, Phase.RSET, Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.END_OF_DATA]
)
def test_a_login_that_is_wanted_refuses_no_message(phase: Phase, code: int) -> None:
    verdict = judge_refusal(phase, Reply.build(code, "5.7.0 authentication required"))
    assert (verdict.outcome, verdict.again, verdict.cause) == (DEFERRED, NEXT, Cause.AUTHENTICATION)


@pytest.mark.parametrize(
    ("phase", "before"),
    [(Phase.MAIL, []), (Phase.RCPT, [MAIL]), (Phase.DATA, [MAIL, RCPT]), (Phase.END_OF_DATA, [MAIL, RCPT, DATA])],
)
@pytest.mark.parametrize(
    ("reply", "outcome", "again"), [("451 4.3.0 not now", DEFERRED, LATER), ("554 5.7.1 no", REJECTED, NO)]
)
def test_in_the_transaction_4yz_defers_and_5yz_rejects(
    phase: Phase, before: list[str], reply: str, outcome: Outcome, again: Again
) -> None:
    dialogue = converse(plan(), *before, reply)
    assert dialogue.outcome() == (outcome, again)
    assert (dialogue.verdict().phase, str(dialogue.verdict().reply)) == (phase, reply)
    assert not dialogue.report.close


def test_a_refused_mail_is_for_every_recipient() -> None:
    dialogue = converse(plan(LUIS, OPS), "550 5.7.1 no")
    assert [dialogue.outcome(r) for r in (LUIS, OPS)] == [(REJECTED, NO)] * 2


@pytest.mark.parametrize("failure", BREAKS, ids=lambda failure: failure.kind)
@pytest.mark.parametrize("before", [[], [MAIL], [MAIL, RCPT], [MAIL, RCPT, RCPT]])
@pytest.mark.parametrize("mode", [Mode.STEPWISE, Mode.PIPELINING])
def test_a_break_before_the_end_of_data_defers_everybody(mode: Mode, before: list[str], failure: Failure) -> None:
    dialogue = converse(plan(LUIS, OPS, mode=mode), *before, broken=failure)
    assert [dialogue.outcome(r) for r in (LUIS, OPS)] == [(DEFERRED, LATER)] * 2
    assert dialogue.report.close


@pytest.mark.parametrize("failure", BREAKS, ids=lambda failure: failure.kind)
@pytest.mark.parametrize("mode", Mode)
def test_a_break_after_the_end_of_data_is_in_doubt_and_not_tried_again(mode: Mode, failure: Failure) -> None:
    """RFC 1047."""
    dialogue = converse(plan(mode=mode), MAIL, RCPT, *[DATA] * (mode is not Mode.CHUNKING), broken=failure)
    assert dialogue.outcome() == (IN_DOUBT, NO)
    assert (dialogue.verdict().phase, dialogue.verdict().cause) == (Phase.END_OF_DATA, Cause.IN_DOUBT)
    assert dialogue.report.close


@pytest.mark.parametrize("before", [[], [MAIL], [MAIL, RCPT]])
def test_a_group_that_went_out_with_its_end_is_in_doubt_as_a_whole(before: list[str]) -> None:
    dialogue = converse(plan(mode=Mode.CHUNKING), *before, broken=LOST)
    assert dialogue.outcome() == (IN_DOUBT, NO)


def test_a_large_body_that_breaks_off_is_not_in_doubt() -> None:
    dialogue = converse(plan(mode=Mode.CHUNKING, size=LARGE_SIZE), MAIL, RCPT, broken=LOST)
    assert dialogue.outcome() == (DEFERRED, LATER)
    assert dialogue.verdict().phase is Phase.BODY


def test_a_refusal_at_rcpt_is_never_overwritten() -> None:
    for tail, broken in (([TAKEN], None), (["451 no"], None), (["554 no"], None), ([], LOST)):
        dialogue = converse(plan(LUIS, OPS), MAIL, RCPT, "550 5.1.1 unknown", DATA, *tail, broken=broken)
        assert str(dialogue.verdict(OPS).reply) == "550 5.1.1 unknown"
        assert dialogue.outcome(OPS) == (REJECTED, NO)


def test_who_was_refused_before_a_break_is_not_in_doubt() -> None:
    dialogue = converse(plan(LUIS, OPS, EVA, mode=Mode.CHUNKING), MAIL, RCPT, "550 no", "450 wait", broken=LOST)
    assert [dialogue.verdict(r).outcome for r in (LUIS, OPS, EVA)] == [IN_DOUBT, REJECTED, DEFERRED]


def test_a_refused_mail_stays_refused_when_the_connection_breaks_behind_it() -> None:
    for mode in (Mode.PIPELINING, Mode.CHUNKING):
        dialogue = converse(plan(mode=mode), "550 5.7.1 no", broken=LOST)
        assert dialogue.outcome() == (REJECTED, NO)


@pytest.mark.parametrize("code", [500, 502, 503])
@pytest.mark.parametrize("before", [[], [MAIL], [MAIL, RCPT]])
def test_out_of_step_before_the_end_of_data_is_tried_once_more_one_command_at_a_time(
    before: list[str], code: int
) -> None:
    replies = [*before, f"{code} 5.5.1 bad sequence"]
    dialogue = converse(plan(mode=Mode.PIPELINING), *replies, broken=LOST)
    assert dialogue.outcome() == (DEFERRED, LATER)
    assert dialogue.verdict().cause is Cause.PROTOCOL
    assert (dialogue.report.close, dialogue.report.choked) == (True, True)
    assert converse(plan(stepwise=True), *replies).outcome() == (DEFERRED, NEXT)


@pytest.mark.parametrize("mode", [Mode.PIPELINING, Mode.CHUNKING])
def test_a_server_that_answers_the_first_of_a_group_alone_is_spoken_to_one_command_at_a_time_next(mode: Mode) -> None:
    """It announces PIPELINING, and drops what was written behind its first command; what it saw is judged as ever."""
    for replies in ([MAIL], [MAIL, RCPT]):
        dialogue = converse(plan(LUIS, OPS, mode=mode), *replies, broken=SILENT)
        assert dialogue.report.choked
        assert dialogue.outcome() == ((DEFERRED, LATER) if mode is Mode.PIPELINING else (IN_DOUBT, NO))
        for other in (LOST, GARBAGE):
            assert not converse(plan(LUIS, OPS, mode=mode), *replies, broken=other).report.choked
    assert not converse(plan(LUIS, OPS, mode=mode), broken=SILENT).report.choked
    assert not converse(plan(LUIS, OPS, mode=mode), "421 4.7.0 enough", broken=SILENT).report.choked
    answered = [MAIL, RCPT, RCPT, DATA] if mode is Mode.PIPELINING else [MAIL, RCPT, RCPT]
    assert not converse(plan(LUIS, OPS, mode=mode), *answered, broken=SILENT).report.choked


@pytest.mark.parametrize("reply", ["500 what", "502 what", "503 what", "354 what", "399 what"])
def test_out_of_step_at_the_end_of_data_is_in_doubt(reply: str) -> None:
    dialogue = converse(plan(), MAIL, RCPT, DATA, reply)
    assert dialogue.outcome() == (IN_DOUBT, NO)
    assert dialogue.report.close


def test_an_acceptance_of_what_was_refused_before_is_in_doubt() -> None:
    """2yz to the end of data of a group whose MAIL was refused: the content went into some older transaction."""
    dialogue = converse(plan(mode=Mode.CHUNKING), "550 5.7.1 no", "503 no", TAKEN)
    assert dialogue.outcome() == (IN_DOUBT, NO)
    assert dialogue.report.close


@pytest.mark.parametrize(
    ("replies", "phase"),
    [(["354 what"], Phase.MAIL), ([MAIL, RCPT, "250 what"], Phase.DATA), ([MAIL, RCPT, "302 what"], Phase.DATA)],
)
def test_a_reply_that_does_not_fit_the_command_closes_as_a_break_there(replies: list[str], phase: Phase) -> None:
    dialogue = converse(plan(), *replies)
    assert dialogue.outcome() == (DEFERRED, LATER)
    assert (dialogue.verdict().phase, dialogue.verdict().cause) == (phase, Cause.PROTOCOL)
    assert dialogue.report.close


@pytest.mark.parametrize("code", ["421 4.3.2 bye", "451 no", "500 no", "550 no"])
def test_a_refused_rset_closes_the_connection_and_rejects_nobody(code: str) -> None:
    dialogue = converse(plan(rset=True), code)
    assert dialogue.verdict().outcome is DEFERRED
    assert dialogue.report.close


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("before", [[], [MAIL], [MAIL, RCPT]])
def test_421_defers_and_closes_the_connection(mode: Mode, before: list[str]) -> None:
    dialogue = converse(plan(mode=mode), *before, "421 4.3.2 shutting down", broken=LOST)
    assert dialogue.outcome() == (DEFERRED, LATER)
    assert str(dialogue.verdict().reply) == "421 4.3.2 shutting down"
    assert dialogue.report.close


@pytest.mark.parametrize("mode", Mode)
def test_421_to_rset_closes_the_session_and_leaves_no_doubt(mode: Mode) -> None:
    dialogue = converse(plan(mode=mode, rset=True), "421 4.4.2 idle for too long", broken=LOST)
    assert dialogue.outcome() == (DEFERRED, LATER)


def test_421_at_rcpt_defers_those_before_and_behind_it() -> None:
    dialogue = converse(plan(LUIS, OPS, EVA, mode=Mode.CHUNKING), MAIL, RCPT, "421 4.3.2 shutting down", broken=LOST)
    assert [dialogue.outcome(r) for r in (LUIS, OPS, EVA)] == [(DEFERRED, LATER)] * 3


def test_421_to_the_end_of_data_defers() -> None:
    dialogue = converse(plan(), MAIL, RCPT, DATA, "421 4.3.2 shutting down")
    assert dialogue.outcome() == (DEFERRED, LATER)
    assert dialogue.report.close


def test_after_421_nothing_more_is_asked() -> None:
    dialogue = converse(plan(LUIS, OPS), MAIL, "421 4.3.2 shutting down")
    assert len(dialogue.batches) == 2
    dialogue = converse(plan(mode=Mode.PIPELINING), MAIL, RCPT, "421 4.3.2 shutting down")
    assert len(dialogue.batches) == 1


@pytest.mark.parametrize("refusal", ["550 5.1.1 unknown", "451 4.3.0 wait"])
def test_one_reply_too_many_behind_a_group_leaves_everybody_in_doubt(refusal: str) -> None:
    """Which reply belongs to whom cannot be known, so a refusal is none to build a second try on."""
    dialogue = converse(plan(LUIS, OPS, mode=Mode.CHUNKING), MAIL, RCPT, refusal, TAKEN, unread=True)
    assert [dialogue.outcome(r) for r in (LUIS, OPS)] == [(IN_DOUBT, NO)] * 2
    assert (dialogue.report.close, dialogue.report.broken) == (True, True)


def test_one_reply_too_many_behind_a_single_command_is_not_its_answer() -> None:
    dialogue = converse(plan(), MAIL, RCPT, DATA, TAKEN, unread=True)
    assert dialogue.outcome()[0] is Outcome.ACCEPTED


def test_a_reply_about_an_address_is_none_to_the_end_of_a_group() -> None:
    """So looks a group whose replies are shifted by one (RFC 3463 section 3.2)."""
    dialogue = converse(plan(LUIS, OPS, mode=Mode.CHUNKING), "250 stray", MAIL, RCPT, RCPT)
    assert [dialogue.outcome(r) for r in (LUIS, OPS)] == [(IN_DOUBT, NO)] * 2
    assert dialogue.report.broken


def test_a_2yz_to_data_in_a_group_settles_nothing() -> None:
    dialogue = converse(plan(LUIS, OPS, mode=Mode.PIPELINING), "250 stray", MAIL, "550 5.1.1 unknown", RCPT)
    assert [dialogue.outcome(r) for r in (LUIS, OPS)] == [(DEFERRED, LATER)] * 2
    assert dialogue.verdict(OPS).cause is Cause.PROTOCOL


def test_an_answer_before_the_question_settles_nothing() -> None:
    dialogue = converse(plan(LUIS, OPS), MAIL, "550 5.1.1 unknown", broken=STRAY)
    assert [dialogue.outcome(r) for r in (LUIS, OPS)] == [(DEFERRED, LATER)] * 2
    assert dialogue.report.broken


def test_a_354_to_a_recipient_ends_the_transaction() -> None:
    dialogue = converse(plan(LUIS, OPS, EVA), MAIL, RCPT, "354 what")
    assert {dialogue.verdict(r).outcome for r in (LUIS, OPS, EVA)} == {DEFERRED}
    assert len(dialogue.batches) == 3
    assert dialogue.report.close


def test_who_says_good_bye_and_goes_on_may_have_taken_what_was_written_behind() -> None:
    dialogue = converse(plan(mode=Mode.CHUNKING, rset=True), "421 4.3.2 bye", MAIL, RCPT, broken=LOST)
    assert dialogue.outcome() == (IN_DOUBT, NO)


def test_mail_that_is_refused_for_now_is_told_apart() -> None:
    """A server may have had enough of this connection, and not of the message."""
    assert converse(plan(), "452 4.3.1 enough for one connection").report.turned_away
    assert not converse(plan(), "550 5.7.1 no").report.turned_away


def test_what_is_known_before_asking_is_rejected_without_a_reply() -> None:
    verdict = rejected_unasked(Phase.MAIL, "too large")
    assert (verdict.outcome, verdict.again, verdict.reply, verdict.reason) == (REJECTED, NO, None, "too large")


def test_an_accepted_recipient_has_the_reply_that_says_so_and_no_cause() -> None:
    reply = Reply.parse(TAKEN)
    verdict = accepted(reply)
    assert (verdict.outcome, verdict.reply, verdict.cause, verdict.again) == (Outcome.ACCEPTED, reply, None, NO)
