"""LMTP (RFC 2033): the same transaction, and each recipient that was accepted has a reply of its own to the content."""

from __future__ import annotations

import pytest

from sendkit._smtp.address import Address
from sendkit._smtp.transaction import Mode, Plan
from sendkit._smtp.verdict import Again, Outcome

from .dialogue import (
    BREAKS,
    CHUNK,
    DATA,
    DOT,
    EVA,
    LARGE_SIZE,
    LAST,
    LUIS,
    MAIL,
    OPS,
    RCPT,
    SILENT,
    SMALL_SIZE,
    TAKEN,
    Failure,
    converse,
    plan,
)

ANOTHER = "another"
FULL, LATER, NO = "552 5.2.2 full", "451 4.3.0 later", "550 5.1.1 no such user"
DOUBT = (Outcome.IN_DOUBT, Again.NO)
YES = (Outcome.ACCEPTED, Again.NO)


def lmtp(*recipients: Address, mode: Mode = Mode.PIPELINING, size: int = SMALL_SIZE) -> Plan:
    return plan(*(recipients or (LUIS, OPS, EVA)), mode=mode, size=size)._replace(lmtp=True)


def before(*rcpt: str) -> list[str]:
    """The replies up to the content."""
    return [MAIL, *rcpt, DATA]


@pytest.mark.parametrize("mode", Mode)
def test_each_recipient_has_its_own_reply_in_the_order_of_the_rcpts(mode: Mode) -> None:
    told = converse(lmtp(mode=mode), *before(RCPT, RCPT, RCPT), TAKEN, FULL, LATER)
    assert told.outcome(LUIS) == YES
    assert told.outcome(OPS) == (Outcome.REJECTED, Again.NO)
    assert told.outcome(EVA) == (Outcome.DEFERRED, Again.LATER)
    assert (told.report.close, told.report.clean, told.left) == (False, False, [])


@pytest.mark.parametrize("mode", Mode)
def test_who_was_refused_at_rcpt_has_none(mode: Mode) -> None:
    told = converse(lmtp(mode=mode), *before(RCPT, NO, RCPT), TAKEN, FULL)
    assert [told.outcome(one)[0] for one in (LUIS, OPS, EVA)] == ["accepted", "rejected", "rejected"]
    assert told.verdict(OPS).reply != told.verdict(EVA).reply


@pytest.mark.parametrize("broken", BREAKS)
@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("mode", Mode)
def test_what_came_before_the_end_of_the_connection_counts_and_the_others_are_in_doubt(
    mode: Mode, count: int, broken: Failure
) -> None:
    replies = [TAKEN, FULL][:count]
    told = converse(lmtp(mode=mode), *before(RCPT, RCPT, RCPT), *replies, broken=broken)
    known = [YES, (Outcome.REJECTED, Again.NO)][:count]
    assert [told.outcome(one) for one in (LUIS, OPS, EVA)] == [*known, *[DOUBT] * (3 - count)]
    assert told.report.close


def test_a_421_is_for_its_recipient_and_leaves_the_others_in_doubt() -> None:
    told = converse(lmtp(), *before(RCPT, RCPT, RCPT), TAKEN, "421 4.3.2 closing", broken=SILENT)
    assert [told.outcome(one)[0] for one in (LUIS, OPS, EVA)] == ["accepted", "deferred", "in_doubt"]


def test_a_reply_that_fits_nothing_settles_nobody_from_there_on() -> None:
    told = converse(lmtp(), *before(RCPT, RCPT, RCPT), TAKEN, "354 go on", TAKEN)
    assert [told.outcome(one)[0] for one in (LUIS, OPS, EVA)] == ["accepted", "in_doubt", "in_doubt"]
    assert told.report.broken


@pytest.mark.parametrize("count", [1, 3])
def test_one_reply_too_many_leaves_all_in_doubt_since_any_of_them_may_be_it(count: int) -> None:
    to_do = lmtp(*[LUIS, OPS, EVA][:count])
    told = converse(to_do, *before(*[RCPT] * count), *[TAKEN] * count, unread=True)
    assert {verdict.outcome for verdict in told.report.verdicts.values()} == {Outcome.IN_DOUBT}


def test_a_reply_about_an_address_is_one_to_the_content_here() -> None:
    told = converse(lmtp(LUIS), MAIL, RCPT, DATA, "250 2.1.5 <luis@example.com> saved")
    assert told.outcome() == YES
    assert told.report.clean


@pytest.mark.parametrize("size", [SMALL_SIZE, LARGE_SIZE])
def test_no_last_chunk_is_written_for_nobody_since_it_has_no_reply(size: int) -> None:
    none = [] if size == LARGE_SIZE else ["503 5.5.1 no valid recipients"]
    told = converse(lmtp(mode=Mode.CHUNKING, size=size), MAIL, NO, NO, NO, *none)
    assert len(told.batches) == 1
    assert {verdict.outcome for verdict in told.report.verdicts.values()} == {Outcome.REJECTED}


def test_a_354_for_nobody_is_not_answered_with_a_dot() -> None:
    told = converse(lmtp(LUIS), MAIL, NO, DATA)
    assert len(told.batches) == 1
    assert (told.outcome()[0], told.report.close) == (Outcome.REJECTED, True)


@pytest.mark.parametrize(
    ("mode", "size", "last"),
    [
        (Mode.PIPELINING, SMALL_SIZE, [[DOT, ANOTHER]]),
        (Mode.CHUNKING, SMALL_SIZE, [[DOT, ANOTHER]]),
        (Mode.CHUNKING, LARGE_SIZE, [[CHUNK], [LAST, ANOTHER]]),
    ],
)
def test_the_end_of_the_content_is_written_once(mode: Mode, size: int, last: list[list[str]]) -> None:
    go_on = "250 2.0.0 octets received" if [CHUNK] in last else DATA
    told = converse(lmtp(LUIS, OPS, mode=mode, size=size), MAIL, RCPT, RCPT, go_on, TAKEN, TAKEN)
    assert told.batches[1:] == last
    assert told.report.clean


def test_who_was_too_many_goes_into_the_next_transaction_when_the_others_have_their_replies() -> None:
    told = converse(lmtp(LUIS, OPS), *before(RCPT, "452 4.5.3 too many"), LATER)
    assert told.report.carried == (OPS,)
    lost = converse(lmtp(LUIS, OPS), *before(RCPT, "452 4.5.3 too many"), broken=SILENT)
    assert lost.report.carried == ()
