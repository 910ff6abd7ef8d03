"""What an outbox says of its letters: values, frozen and serialisable; no content, and no secret."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from sendkit.outbox._addresses import mailbox
from sendkit.outbox._states import EventKind, LetterState, RecipientState
from sendkit.results import Attempt


class _Frozen(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class RecipientStatus(_Frozen):
    """The `state` of one recipient, an `address`; `attempts` counts, `reply`, `reason` and `at` are the last ones."""

    address: str
    state: RecipientState
    attempts: int = 0
    reply: str | None = None
    reason: str | None = None
    at: datetime | None = None


class AttemptRecord(_Frozen):
    """One line of a letter's history: `at` (UTC), the `worker`, its `attempts` (one for each server), or a `note`."""

    at: datetime
    worker: str | None = None
    attempts: tuple[Attempt, ...] = ()
    note: str | None = None


class Event(_Frozen):
    """An event for the program: `recipients` with the replies, or the `account` and the `reason`.

    `id` is the event's own, `letter`, `key` and `message_id` name the letter, `kind` says what happened, and `at` when.
    """

    id: int
    letter: str
    key: str | None
    message_id: str | None
    kind: EventKind
    at: datetime
    recipients: tuple[RecipientStatus, ...] = ()
    account: str | None = None
    reason: str | None = None


class LetterStatus(_Frozen):
    """One letter of the outbox. `due` is when it is tried next, `expires` when it is returned; all times are UTC.

    `id`, `key` and `message_id` name it; `state` is where it is, `kind` a message or a report, `account` and `lane`
    (with `priority`) who sends it and when, `reverse_path` its envelope sender, `size` its octets, `created` and
    `settled` its times, `attempts` their number, `worker` who has it, `recipients` their states. `version` is that of
    this JSON. `history` and `events` are there where one letter was asked for. `reason` says why it is held.
    """

    version: Literal[1] = 1
    id: str
    state: LetterState
    key: str | None
    account: str
    lane: str
    priority: int
    kind: str
    reverse_path: str
    message_id: str | None
    size: int
    created: datetime
    due: datetime | None
    expires: datetime
    settled: datetime | None
    attempts: int
    worker: str | None
    reason: str | None
    recipients: tuple[RecipientStatus, ...] = ()
    history: tuple[AttemptRecord, ...] = ()
    events: tuple[Event, ...] = ()

    def recipient(self, address: str) -> RecipientStatus:
        """The status of one recipient; a domain ignores case. Raises KeyError for an address that is none of it."""
        for one in self.recipients:
            if mailbox(one.address) == mailbox(address):
                return one
        raise KeyError(address)

    @property
    def ok(self) -> bool:
        """Whether every recipient was accepted."""
        return bool(self.recipients) and all(one.state is RecipientState.ACCEPTED for one in self.recipients)


def not_settled(found: LetterStatus, timeout: float | None) -> TimeoutError:
    """The error of who waited so long for the end of a letter."""
    return TimeoutError(f"the letter {found.id} is not settled after {timeout or 0:g} s, but {found.state}")


class Counts(_Frozen):
    """How many letters are in each state, in all and by account, and how many recipients are in doubt.

    `letters` counts by state, `accounts` by account and state, `in_doubt` counts recipients. `version` is that of this
    JSON. `oldest` is when the oldest letter that is not settled was put. `paused` says why nothing is sent at all.
    """

    version: Literal[1] = 1
    letters: Mapping[str, int]
    accounts: Mapping[str, Mapping[str, int]]
    in_doubt: int
    oldest: datetime | None
    paused: str | None = None


def moment(seconds: float | None) -> datetime | None:
    """A moment of the ledger; None for none, and for "now"."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def letter_status(row: Sequence[Any], recipients: Sequence[RecipientStatus]) -> LetterStatus:
    """One row of the ledger's `status` as a value."""
    (
        _, uid, key, account, lane, priority, state, due, expires, created, settled, attempts, owner, reverse_path,
        message_id, size, kind, why,
    ) = row  # fmt: skip
    over = state == LetterState.SETTLED
    return LetterStatus(
        id=uid,
        state=LetterState(state),
        key=key,
        account=account,
        lane=lane,
        priority=priority,
        kind=kind,
        reverse_path=reverse_path,
        message_id=message_id,
        size=size,
        created=datetime.fromtimestamp(created, UTC),
        due=None if over else moment(due),
        expires=datetime.fromtimestamp(expires, UTC),
        settled=moment(settled),
        attempts=attempts,
        worker=owner,
        reason=why if state == LetterState.HELD else None,
        recipients=tuple(recipients),
    )


def recipient_status(row: Sequence[Any]) -> RecipientStatus:
    """One row of the ledger's `recipient_status` as a value."""
    _, address, state, attempts, reply, reason, at = row
    return RecipientStatus(
        address=address, state=RecipientState(state), attempts=attempts, reply=reply, reason=reason, at=moment(at)
    )


def attempt_record(row: Sequence[Any]) -> AttemptRecord:
    """One row of the ledger's `attempts` as a value."""
    at, owner, summary = row
    facts = json.loads(summary)
    return AttemptRecord(
        at=datetime.fromtimestamp(at, UTC),
        worker=owner,
        attempts=tuple(Attempt.model_validate(one) for one in facts.get("attempts", ())),
        note=facts.get("note"),
    )


def event(row: Sequence[Any]) -> Event:
    """One row of the ledger's events as a value."""
    number, uid, key, message_id, kind, at, data = row
    facts = json.loads(data)
    state = kind if kind in set(RecipientState) else RecipientState.WAITING
    recipients = tuple(
        RecipientStatus(address=one["address"], state=RecipientState(state), reply=one["reply"], reason=one["reason"])
        for one in facts.get("recipients", ())
    )
    return Event(
        id=number,
        letter=uid,
        key=key,
        message_id=message_id,
        kind=EventKind(kind),
        at=datetime.fromtimestamp(at, UTC),
        recipients=recipients,
        account=facts.get("account"),
        reason=facts.get("reason"),
    )
