"""What a transaction writes, and when: the order of commands, what goes together, and what it waits for."""

from __future__ import annotations

from itertools import chain

import pytest

from sendkit._smtp.command import UnsafeCommand
from sendkit._smtp.steps import SMALL, Mode
from sendkit._smtp.transaction import transaction
from sendkit._smtp.verdict import Outcome

from .dialogue import (
    CHUNK,
    CHUNK_LAST,
    DATA,
    DOT,
    EVA,
    LARGE_SIZE,
    LAST,
    LONE_DOT,
    LUIS,
    MAIL,
    OPS,
    RCPT,
    TAKEN,
    converse,
    plan,
)

FROM_ANA = "MAIL FROM:<ana@example.com>"
TO_LUIS, TO_OPS, TO_EVA = "RCPT TO:<luis@example.com>", "RCPT TO:<ops@example.net>", "RCPT TO:<eva@example.org>"
NO = "550 5.1.1 no such user"


def test_stepwise_one_step_is_written_at_a_time() -> None:
    dialogue = converse(plan(LUIS, OPS), MAIL, RCPT, RCPT, DATA, TAKEN)
    assert dialogue.batches == [[FROM_ANA], [TO_LUIS], [TO_OPS], ["DATA"], [DOT]]


def test_with_pipelining_the_envelope_goes_out_in_one_write_and_the_content_in_a_second() -> None:
    dialogue = converse(plan(LUIS, OPS, mode=Mode.PIPELINING), MAIL, RCPT, RCPT, DATA, TAKEN)
    assert dialogue.batches == [[FROM_ANA, TO_LUIS, TO_OPS, "DATA"], [DOT]]


def test_with_chunking_a_small_message_goes_out_in_one_write() -> None:
    dialogue = converse(plan(LUIS, OPS, mode=Mode.CHUNKING), MAIL, RCPT, RCPT, TAKEN)
    assert dialogue.batches == [[FROM_ANA, TO_LUIS, TO_OPS, CHUNK_LAST]]


def test_with_chunking_the_end_of_a_large_message_stands_alone() -> None:
    dialogue = converse(plan(mode=Mode.CHUNKING, size=LARGE_SIZE), MAIL, RCPT, TAKEN, TAKEN)
    assert dialogue.batches == [[FROM_ANA, TO_LUIS], [CHUNK], [LAST]]


@pytest.mark.parametrize(("size", "together"), [(SMALL, True), (SMALL + 1, False)])
def test_only_a_small_message_is_written_with_its_envelope(size: int, together: bool) -> None:
    dialogue = converse(plan(mode=Mode.CHUNKING, size=size), MAIL, RCPT, TAKEN, *[TAKEN] * (not together))
    assert (CHUNK_LAST in dialogue.batches[0]) is together


@pytest.mark.parametrize("mode", Mode)
def test_rset_stands_before_mail_when_it_is_due(mode: Mode) -> None:
    dialogue = converse(
        plan(mode=mode, rset=True), "250 reset", MAIL, RCPT, *([DATA] * (mode is not Mode.CHUNKING)), TAKEN
    )
    assert [*chain(*dialogue.batches)][:2] == ["RSET", FROM_ANA]
    assert dialogue.outcome()[0] is Outcome.ACCEPTED


def test_the_null_reverse_path_is_written_as_empty_brackets() -> None:
    dialogue = converse(plan(reverse_path=None), MAIL, RCPT, DATA, TAKEN)
    assert dialogue.batches[0] == ["MAIL FROM:<>"]


def test_parameters_stand_behind_the_reverse_path() -> None:
    dialogue = converse(plan(parameters=("SIZE=42", "BODY=8BITMIME")), MAIL, RCPT, DATA, TAKEN)
    assert dialogue.batches[0] == [f"{FROM_ANA} SIZE=42 BODY=8BITMIME"]


def test_a_parameter_cannot_bring_a_command_of_its_own() -> None:
    with pytest.raises(UnsafeCommand):
        next(transaction(plan(parameters=("SIZE=1\r\nRSET",))))


@pytest.mark.parametrize("mode", Mode)
def test_every_recipient_that_was_taken_is_accepted_by_the_last_reply(mode: Mode) -> None:
    dialogue = converse(plan(LUIS, OPS, mode=mode), MAIL, RCPT, RCPT, *([DATA] * (mode is not Mode.CHUNKING)), TAKEN)
    assert [str(dialogue.verdict(r).reply) for r in (LUIS, OPS)] == [TAKEN, TAKEN]
    assert [dialogue.verdict(r).outcome for r in (LUIS, OPS)] == [Outcome.ACCEPTED] * 2
    assert (dialogue.report.clean, dialogue.report.close, dialogue.report.choked) == (True, False, False)


def test_stepwise_nothing_is_asked_after_a_refused_mail() -> None:
    dialogue = converse(plan(LUIS, OPS), NO)
    assert dialogue.batches == [[FROM_ANA]]


def test_stepwise_data_is_not_asked_for_nobody() -> None:
    dialogue = converse(plan(LUIS, OPS), MAIL, NO, NO)
    assert dialogue.batches == [[FROM_ANA], [TO_LUIS], [TO_OPS]]


def test_a_354_for_nobody_gets_a_lone_dot() -> None:
    """RFC 2920 section 3.1."""
    dialogue = converse(plan(mode=Mode.PIPELINING), MAIL, NO, DATA, "554 no valid recipients")
    assert dialogue.batches[1] == [LONE_DOT]
    assert str(dialogue.verdict().reply) == NO


def test_a_lone_dot_that_is_taken_accepts_nobody() -> None:
    dialogue = converse(plan(mode=Mode.PIPELINING), MAIL, NO, DATA, TAKEN)
    assert dialogue.outcome()[0] is Outcome.REJECTED


@pytest.mark.parametrize("answer", ["554 5.5.1 no valid recipients", "503 5.5.1 need RCPT first"])
def test_data_refused_for_want_of_recipients_is_an_ordinary_end(answer: str) -> None:
    """RFC 5321 section 3.3 allows both codes."""
    dialogue = converse(plan(mode=Mode.PIPELINING), MAIL, NO, answer)
    assert str(dialogue.verdict().reply) == NO
    assert (dialogue.report.close, dialogue.report.choked) == (False, False)


def test_a_354_behind_a_refused_mail_gets_no_content() -> None:
    """The server would put it into an older transaction."""
    dialogue = converse(plan(mode=Mode.PIPELINING), NO, "503 no", DATA)
    assert len(dialogue.batches) == 1
    assert dialogue.report.close


def test_no_chunk_is_sent_behind_a_refused_mail() -> None:
    dialogue = converse(plan(mode=Mode.CHUNKING, size=LARGE_SIZE), NO, "503 no")
    assert dialogue.batches == [[FROM_ANA, TO_LUIS]]
    assert str(dialogue.verdict().reply) == NO


def test_no_chunk_is_sent_for_nobody() -> None:
    dialogue = converse(plan(mode=Mode.CHUNKING, size=LARGE_SIZE), MAIL, NO)
    assert dialogue.batches == [[FROM_ANA, TO_LUIS]]


@pytest.mark.parametrize("mode", Mode)
def test_a_refused_recipient_does_not_keep_the_others_from_their_mail(mode: Mode) -> None:
    tail = [TAKEN] if mode is Mode.CHUNKING else [DATA, TAKEN]
    dialogue = converse(plan(LUIS, OPS, EVA, mode=mode), MAIL, RCPT, "450 4.2.0 greylisted", NO, *tail)
    outcomes = [dialogue.verdict(r).outcome for r in (LUIS, OPS, EVA)]
    assert outcomes == [Outcome.ACCEPTED, Outcome.DEFERRED, Outcome.REJECTED]
    assert not dialogue.report.close


@pytest.mark.parametrize(
    "reply", ["452 4.5.3 too many", "451 4.5.3 too many", "550 5.5.3 too many", "452 too many", "552 too many"]
)
def test_recipients_that_are_too_many_go_into_the_next_transaction_at_once(reply: str) -> None:
    """RFC 5321 section 4.5.3.1.10; OpenSMTPD says 451 4.5.3."""
    dialogue = converse(plan(LUIS, OPS, EVA), MAIL, RCPT, reply, reply, DATA, TAKEN)
    assert dialogue.report.carried == (OPS, EVA)
    assert set(dialogue.report.verdicts) == {LUIS}


@pytest.mark.parametrize("reply", ["452 4.2.2 mailbox full", "552 5.2.2 mailbox full", "450 4.2.0 greylisted"])
def test_another_refusal_with_such_a_code_is_not_for_too_many(reply: str) -> None:
    dialogue = converse(plan(LUIS, OPS), MAIL, RCPT, reply, DATA, TAKEN)
    assert dialogue.report.carried == ()
    assert str(dialogue.verdict(OPS).reply) == reply


def test_the_first_recipient_cannot_be_one_too_many() -> None:
    """A transaction that makes no progress is not repeated."""
    dialogue = converse(plan(LUIS, OPS), MAIL, "452 4.5.3 too many", "452 4.5.3 too many")
    assert dialogue.report.carried == ()
    assert [dialogue.verdict(r).outcome for r in (LUIS, OPS)] == [Outcome.DEFERRED] * 2


@pytest.mark.parametrize(("last", "close"), [("451 4.3.0 not now", False), ("421 4.3.2 bye", True)])
def test_too_many_recipients_wait_when_their_transaction_came_to_nothing(last: str, close: bool) -> None:
    dialogue = converse(plan(LUIS, OPS), MAIL, RCPT, "452 4.5.3 too many", DATA, last)
    assert dialogue.report.carried == ()
    assert dialogue.verdict(OPS).outcome is Outcome.DEFERRED
    assert dialogue.report.close is close


def test_too_many_recipients_wait_when_the_connection_has_to_be_closed() -> None:
    to_do = plan(LUIS, OPS, mode=Mode.PIPELINING, rset=True)
    dialogue = converse(to_do, "451 no reset", MAIL, RCPT, "452 4.5.3 too many", DATA, TAKEN)
    assert dialogue.report.close
    assert dialogue.report.carried == ()
    assert [dialogue.verdict(r).outcome for r in (LUIS, OPS)] == [Outcome.ACCEPTED, Outcome.DEFERRED]


@pytest.mark.parametrize("mode", Mode)
def test_a_transaction_is_clean_only_when_it_ended_in_2yz(mode: Mode) -> None:
    """Else RSET is due before the next MAIL."""
    tail = ["451 no"] if mode is Mode.CHUNKING else [DATA, "451 no"]
    assert not converse(plan(mode=mode), MAIL, RCPT, *tail).report.clean
    assert not converse(
        plan(mode=mode), MAIL, NO, *(["503 no"] if mode is Mode.CHUNKING else ["554 no"] * (mode is Mode.PIPELINING))
    ).report.clean


@pytest.mark.parametrize("size", [100, LARGE_SIZE])
def test_a_chunk_refused_for_good_closes_the_connection(size: int) -> None:
    """Some servers read what follows a refused chunk as commands (FACTS: Exim)."""
    dialogue = converse(plan(mode=Mode.CHUNKING, size=size), MAIL, RCPT, "552 5.3.4 too large")
    assert dialogue.outcome()[0] is Outcome.REJECTED
    assert dialogue.report.close


def test_behind_a_refused_chunk_there_is_no_end() -> None:
    dialogue = converse(plan(mode=Mode.CHUNKING, size=LARGE_SIZE), MAIL, RCPT, "451 4.3.0 no room")
    assert dialogue.batches[-1] == [CHUNK]
    assert str(dialogue.verdict().reply) == "451 4.3.0 no room"
    assert dialogue.outcome()[0] is Outcome.DEFERRED
