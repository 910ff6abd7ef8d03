"""The fence: who may send, and what a verdict, a release or a takeover makes of a letter. Pure functions over rows.

Each token gives one worker leave to send. A takeover raises it, either before the mark, which then fails, or after it:
then what was being sent is in doubt, and is not sent again by itself. So that this holds, the letter's row is locked
while a rule is applied, and the changes are committed with it.

A claim is on the disk before anything is sent, and says in which epoch it was made: the time in which a database
forgets nothing (for SQLite until the machine is started again, for PostgreSQL until the server crashes). A mark or a
verdict need not reach the disk by itself: it can only be lost with its epoch, and when that is over, whatever was
claimed in it and has no verdict may have been sent. Must not know: any database, any transport.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sendkit.outbox._rows import (
    EventRow,
    LetterChange,
    LetterRow,
    RecipientChange,
    RecipientRow,
    RecipientVerdict,
    Settlement,
)
from sendkit.outbox._states import OPEN, RETURNED, EventKind, LetterState, RecipientState

_LATE = frozenset({RecipientState.IN_DOUBT, RecipientState.FORGOTTEN, RecipientState.WAITING})


class Fenced(Exception):
    """The letter, or one of its recipients, is no longer this worker's to send: nothing may leave."""

    def __str__(self) -> str:
        return "it was cancelled, or another worker took it over"


class Decision(NamedTuple):
    """What is to be written; no letter change: the letter stays as it is. `holding`: it rests after this attempt."""

    letter: LetterChange | None = None
    recipients: tuple[RecipientChange, ...] = ()
    events: tuple[EventRow, ...] = ()
    holding: bool | None = None


def may_send(letter: LetterRow | None, token: int, recipients: Iterable[RecipientRow], wanted: Iterable[int]) -> bool:
    """Whether the worker with this token may let the end of data leave for the wanted recipients."""
    if letter is None or letter.token != token or letter.state != LetterState.WORKING:
        return False
    return {recipient.n for recipient in recipients if recipient.state in OPEN} >= set(wanted)


def settle(
    letter: LetterRow, recipients: Sequence[RecipientRow], said: Settlement, now: float, first: float | None = None
) -> Decision:
    """Apply what an attempt says; one that comes after a takeover only resolves what that put in doubt.

    `first` is when the letter was first tried; without it, the time since it was put counts as the delay.
    """
    ours = letter.token == said.token and letter.state == LetterState.WORKING
    rows = {recipient.n: recipient for recipient in recipients}
    expired = now >= letter.expires
    changes = [
        change
        for verdict in said.verdicts
        if verdict.n in rows and (change := _changed(rows[verdict.n], verdict, said, ours=ours, expired=expired))
    ]
    # What was marked and has no verdict may have left.
    told = {verdict.n for verdict in said.verdicts}
    if ours:
        changes += [_in_doubt(row, said.retry_doubt) for row in recipients if row.n not in told and _is_sending(row)]
    states = {row.n: row.state for row in recipients} | {change.n: change.state for change in changes}
    events = list(_events(letter.id, said.token, changes, rows))
    waiting = [change for change in changes if change.state == RecipientState.WAITING]
    due = said.due
    if ours and waiting and not letter.warned and said.warn_after is not None:
        late_at = (letter.created if first is None else first) + said.warn_after
        if now < late_at:  # it is tried once more before it is told of, as before it is returned
            due = min(due, late_at)
        else:
            letter = letter._replace(warned=True)
            events.append(_event(letter.id, said.token, EventKind.DELAYED, waiting, rows))
    return Decision(_after_verdicts(letter, states, due, now, ours=ours), tuple(changes), tuple(events))


def is_missing(letter: LetterRow, recipients: Sequence[RecipientRow], said: Settlement) -> bool:
    """Whether what was settled is not there any more: the database has crashed since, and nobody knew of it."""
    if letter.token == said.token:
        return letter.state == LetterState.WORKING
    return any(row.token == said.token and row.state == RecipientState.IN_DOUBT for row in recipients)


def release(letter: LetterRow, recipients: Sequence[RecipientRow], token: int, due: float, now: float) -> Decision:
    """Give a letter back of which nothing has left: it costs no attempt."""
    if letter.token != token or letter.state != LetterState.WORKING:
        return Decision()
    changes = tuple(_change(row, RecipientState.WAITING, attempted=False) for row in recipients if _is_sending(row))
    states = {row.n: row.state for row in recipients} | {change.n: change.state for change in changes}
    letter = letter._replace(attempts=max(0, letter.attempts - 1))
    return Decision(_rested(letter, states, due, now), changes)


def take_over(letter: LetterRow, recipients: Sequence[RecipientRow], now: float, *, retry_doubt: bool) -> Decision:
    """Take a letter from a worker that is gone: what it was sending is in doubt, the rest is free again."""
    if letter.state != LetterState.WORKING:
        return Decision()
    rows = {row.n: row for row in recipients}
    maybe = OPEN if not letter.certain else {RecipientState.SENDING}
    left = [row._replace(token=letter.token) for row in recipients if row.state in maybe]
    changes = [_in_doubt(row, retry_doubt) for row in left]
    states = {row.n: row.state for row in recipients} | {change.n: change.state for change in changes}
    rested = _rested(letter._replace(token=letter.token + 1), states, 0, now)
    return Decision(rested, tuple(changes), tuple(_events(letter.id, letter.token, changes, rows)))


def cancel(letter: LetterRow, recipients: Sequence[RecipientRow], now: float) -> Decision:
    """Send it to no recipient that still waits; what is being sent, or is settled, stays."""
    changes = tuple(
        _change(row, RecipientState.CANCELLED, attempted=False)
        for row in recipients
        if row.state == RecipientState.WAITING
    )
    if not changes:
        return Decision()
    if letter.state == LetterState.WORKING:  # its worker finds out when it marks
        return Decision(None, changes)
    states = {row.n: row.state for row in recipients} | {change.n: change.state for change in changes}
    return Decision(_rested(letter, states, 0, now), changes)


def hold(letter: LetterRow, recipients: Sequence[RecipientRow], now: float) -> Decision:
    """Suspend it until it is released; an attempt in progress is not stopped, but no other follows it."""
    if letter.state in (LetterState.LATER, LetterState.READY):
        return Decision(_as(letter, LetterState.HELD))
    if letter.state == LetterState.WORKING and not letter.holding:
        return Decision(holding=True)
    return Decision()


def unhold(letter: LetterRow, recipients: Sequence[RecipientRow], now: float) -> Decision:
    """Let a held letter be tried now."""
    if letter.state == LetterState.HELD:
        return Decision(_as(letter, LetterState.READY))
    return Decision(holding=False) if letter.holding else Decision()


def retry(letter: LetterRow, recipients: Sequence[RecipientRow], now: float) -> Decision:
    """Send again what is in doubt, and try now what waits."""
    changes = tuple(
        _change(row, RecipientState.WAITING, attempted=False)
        for row in recipients
        if row.state == RecipientState.IN_DOUBT
    )
    if letter.state == LetterState.LATER or (changes and letter.state == LetterState.SETTLED):
        return Decision(_as(letter, LetterState.READY), changes)
    return Decision(None, changes)


def forget(letter: LetterRow, recipients: Sequence[RecipientRow], now: float) -> Decision:
    """Stop listing what is in doubt."""
    return Decision(
        None,
        tuple(
            _change(row, RecipientState.FORGOTTEN, attempted=False)
            for row in recipients
            if row.state == RecipientState.IN_DOUBT
        ),
    )


def _as(letter: LetterRow, state: LetterState) -> LetterChange:
    return LetterChange(letter.id, state, 0, letter.token, letter.owner, letter.attempts, letter.warned, None)


def _changed(
    row: RecipientRow, verdict: RecipientVerdict, said: Settlement, *, ours: bool, expired: bool
) -> RecipientChange | None:
    state = RecipientState(verdict.state)
    if not ours:
        # The token under which it was put in doubt stays with the recipient, also when a person decided meanwhile.
        if row.token != said.token or row.state not in _LATE or state is RecipientState.IN_DOUBT:
            return None
        if state is RecipientState.WAITING and row.state != RecipientState.IN_DOUBT:
            return None
    elif row.state not in OPEN:
        return None
    if state is RecipientState.IN_DOUBT and said.retry_doubt:
        state = RecipientState.WAITING
    if state is RecipientState.WAITING and expired:
        state = RecipientState.EXPIRED
    return _change(row, state, verdict.reply, verdict.reason)


def _is_sending(row: RecipientRow) -> bool:
    return row.state == RecipientState.SENDING


def _in_doubt(row: RecipientRow, retry: bool) -> RecipientChange:
    reason = "the worker ended after the end of data may have been sent, so the server's reply is unknown"
    return _change(row, RecipientState.WAITING if retry else RecipientState.IN_DOUBT, reason=reason)


def _change(
    row: RecipientRow,
    state: RecipientState,
    reply: str | None = None,
    reason: str | None = None,
    *,
    attempted: bool = True,
) -> RecipientChange:
    return RecipientChange(row.letter_id, row.n, state, row.token, row.attempts + attempted, reply, reason)


def _after_verdicts(
    letter: LetterRow, states: Mapping[int, str], due: float, now: float, *, ours: bool
) -> LetterChange | None:
    if ours:
        return _rested(letter, states, due, now)
    if letter.state == LetterState.WORKING:  # another worker has it, and will settle it
        return None
    waiting = RecipientState.WAITING in states.values()
    if letter.state == LetterState.SETTLED and waiting:  # a deferral that came late: nobody else would try again
        return _rested(letter, states, due, now)
    return None if waiting else _rested(letter, states, due, now)


def _rested(letter: LetterRow, states: Mapping[int, str], due: float, now: float) -> LetterChange:
    """The letter without a worker: held, waiting for its time, or settled."""
    if RecipientState.WAITING not in states.values():
        state, settled = LetterState.SETTLED, now
    elif letter.holding or letter.state == LetterState.HELD:
        state, settled = LetterState.HELD, None
    else:
        state, settled = LetterState.LATER if due > now else LetterState.READY, None
    return LetterChange(letter.id, state, due, letter.token, None, letter.attempts, letter.warned, settled)


def _events(
    letter_id: int, token: int, changes: Sequence[RecipientChange], rows: Mapping[int, RecipientRow]
) -> Iterable[EventRow]:
    for state in (*sorted(RETURNED), RecipientState.IN_DOUBT):
        if found := [change for change in changes if change.state == state]:
            yield _event(letter_id, token, EventKind(state.value), found, rows)


def _event(
    letter_id: int,
    token: int,
    kind: EventKind,
    changes: Sequence[RecipientChange],
    rows: Mapping[int, RecipientRow],
) -> EventRow:
    recipients = [
        {"address": rows[change.n].address, "reply": change.reply, "reason": change.reason} for change in changes
    ]
    return EventRow(letter_id, kind, json.dumps({"token": token, "recipients": recipients}))
