"""The fence as pure functions: who may send, and what a verdict, a release or a takeover makes of a letter."""

from __future__ import annotations

import pytest

from sendkit.outbox._rows import LetterRow, RecipientRow, RecipientVerdict, Settlement
from sendkit.outbox._rules import Decision, may_send, release, settle, take_over
from sendkit.outbox._states import LetterState, RecipientState

NOW, DUE = 1000.0, 1060.0


def letter(state: str = "working", token: int = 3, **more: object) -> LetterRow:
    row = LetterRow(7, state, token, "me", 1, 0.0, 9999.0, "letter", warned=False, holding=False)
    return row._replace(**more)  # type: ignore[arg-type]  # fields of the row, by name


def recipient(n: int = 0, state: str = "sending", token: int | None = 3) -> RecipientRow:
    return RecipientRow(7, n, f"u{n}@example.com", state, token, 0)


def said(*verdicts: RecipientVerdict, token: int = 3, **more: object) -> Settlement:
    return Settlement(7, token, "me", verdicts, "{}", DUE)._replace(**more)  # type: ignore[arg-type]  # as above


def states(decision: Decision) -> dict[int, str]:
    return {change.n: change.state for change in decision.recipients}


@pytest.mark.parametrize(
    ("row", "token", "recipients", "may"),
    [
        (letter(), 3, [recipient(state="waiting")], True),
        (letter(), 3, [recipient(state="sending")], True),  # again, where a connection proved dead
        (letter(), 2, [recipient(state="waiting")], False),
        (letter("ready"), 3, [recipient(state="waiting")], False),
        (letter(), 3, [recipient(state="cancelled")], False),
        (None, 3, [recipient()], False),
    ],
)
def test_only_who_has_the_newest_token_may_send_and_only_to_whom_it_is_open(
    row: LetterRow | None, token: int, recipients: list[RecipientRow], may: bool
) -> None:
    assert may_send(row, token, recipients, [0]) is may


def test_a_letter_all_of_whose_recipients_have_a_verdict_is_settled() -> None:
    decision = settle(letter(), [recipient()], said(RecipientVerdict(0, "accepted", "250 ok")), NOW)
    assert decision.letter is not None
    assert (decision.letter.state, decision.letter.settled) == (LetterState.SETTLED, NOW)
    assert states(decision) == {0: "accepted"}
    assert decision.events == ()


def test_a_deferred_recipient_waits_for_the_next_try() -> None:
    decision = settle(letter(), [recipient()], said(RecipientVerdict(0, "waiting", "450 later")), NOW)
    assert decision.letter is not None
    assert (decision.letter.state, decision.letter.due) == (LetterState.LATER, DUE)


def test_what_is_still_deferred_at_its_end_expires_and_is_told_of() -> None:
    decision = settle(letter(expires=NOW), [recipient()], said(RecipientVerdict(0, "waiting", "450 later")), NOW)
    assert states(decision) == {0: "expired"}
    assert [event.kind for event in decision.events] == ["expired"]


def test_whoever_was_marked_and_has_no_verdict_is_in_doubt() -> None:
    decision = settle(letter(), [recipient(0), recipient(1)], said(RecipientVerdict(0, "accepted")), NOW)
    assert states(decision) == {0: "accepted", 1: "in_doubt"}


def test_a_takeover_puts_in_doubt_what_was_being_sent_and_frees_the_rest() -> None:
    decision = take_over(letter(), [recipient(0), recipient(1, "waiting", None)], NOW, retry_doubt=False)
    assert decision.letter is not None
    assert (decision.letter.state, decision.letter.token, decision.letter.owner) == (LetterState.READY, 4, None)
    assert states(decision) == {0: "in_doubt"}


def test_a_takeover_after_a_crash_puts_in_doubt_whatever_may_have_left() -> None:
    row = letter(certain=False)
    decision = take_over(
        row, [recipient(0), recipient(1, "waiting", 2), recipient(2, "accepted")], NOW, retry_doubt=False
    )
    assert states(decision) == {0: "in_doubt", 1: "in_doubt"}
    assert {change.token for change in decision.recipients} == {3}, "so that a late verdict finds them"


def test_a_verdict_that_comes_after_a_takeover_resolves_the_doubt() -> None:
    taken = letter("settled", token=4)
    decision = settle(taken, [recipient(state="in_doubt")], said(RecipientVerdict(0, "accepted", "250 ok")), NOW)
    assert states(decision) == {0: "accepted"}


def test_a_deferral_that_comes_after_a_takeover_opens_the_letter_again() -> None:
    """Else the mail would be lost: nobody would try it, and nobody was told."""
    taken = letter("settled", token=4)
    decision = settle(taken, [recipient(state="in_doubt")], said(RecipientVerdict(0, "waiting", "450 later")), NOW)
    assert decision.letter is not None
    assert decision.letter.state == LetterState.LATER


def test_a_late_acceptance_counts_although_a_person_said_retry_meanwhile() -> None:
    """Else the recipient would get a second copy that is known to be one."""
    again = letter("ready", token=4)
    decision = settle(again, [recipient(state="waiting")], said(RecipientVerdict(0, "accepted", "250 ok")), NOW)
    assert states(decision) == {0: "accepted"}
    assert decision.letter is not None
    assert decision.letter.state == LetterState.SETTLED


def test_a_late_verdict_does_not_touch_what_another_worker_is_sending() -> None:
    decision = settle(letter(token=4), [recipient(token=4)], said(RecipientVerdict(0, "waiting")), NOW)
    assert decision == Decision()


def test_doubt_is_tried_again_only_where_the_policy_says_so() -> None:
    doubtful = RecipientVerdict(0, "in_doubt", None, "lost")
    assert states(settle(letter(), [recipient()], said(doubtful), NOW)) == {0: "in_doubt"}
    assert states(settle(letter(), [recipient()], said(doubtful, retry_doubt=True), NOW)) == {0: "waiting"}


def test_a_release_costs_no_attempt_and_leaves_no_doubt() -> None:
    decision = release(letter(), [recipient()], 3, 0, NOW)
    assert decision.letter is not None
    assert (decision.letter.state, decision.letter.attempts) == (LetterState.READY, 0)
    assert states(decision) == {0: "waiting"}


def test_a_letter_that_a_person_held_while_it_was_worked_on_rests() -> None:
    decision = settle(letter(holding=True), [recipient()], said(RecipientVerdict(0, "waiting")), NOW)
    assert decision.letter is not None
    assert decision.letter.state == LetterState.HELD


def test_a_delay_is_told_of_once() -> None:
    late = said(RecipientVerdict(0, "waiting"), warn_after=100.0)
    first = settle(letter(), [recipient()], late, NOW)
    assert [event.kind for event in first.events] == ["delayed"]
    assert first.letter is not None
    assert first.letter.warned
    assert settle(letter(warned=True), [recipient()], late, NOW).events == ()


@pytest.mark.parametrize("state", RecipientState)
def test_nothing_changes_a_recipient_that_has_its_end(state: RecipientState) -> None:
    """Whatever a second verdict under the same token says."""
    if state in ("waiting", "sending", "in_doubt", "forgotten"):
        return
    decision = settle(letter(), [recipient(state=state)], said(RecipientVerdict(0, "waiting")), NOW)
    assert states(decision) == {}
