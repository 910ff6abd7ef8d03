"""What passes between the ledger and a database: rows as tuples with names. No database type, and no mail type.

Moments are seconds since the epoch, as the database's own clock has them.
"""

from __future__ import annotations

from typing import NamedTuple


class Draft(NamedTuple):
    """A letter that is to be put: all that the database keeps, rendered and checked.

    `due` is None for now, `lifetime` the seconds after which it expires. `pieces` are the content in order: octets of
    its own, or the number of a piece that letters share.
    """

    uid: str
    key: str | None
    account: str
    lane: str
    priority: int
    due: float | None
    lifetime: float
    reverse_path: str
    recipients: tuple[str, ...]
    message_id: str | None
    size: int
    eight_bit: bool
    utf8: bool
    kind: str
    options: str | None
    pieces: tuple[bytes | int, ...]


class Placed(NamedTuple):
    """What a put came to: the letter's place, and whether another put with the same key had been there before."""

    id: int
    uid: str
    message_id: str | None
    duplicate: bool


class LetterRow(NamedTuple):
    """What decides over a letter, as it stands under the lock. `certain`: no mark since its claim can be missing."""

    id: int
    state: str
    token: int
    owner: str | None
    attempts: int
    created: float
    expires: float
    kind: str
    warned: bool
    holding: bool
    certain: bool = True


class RecipientRow(NamedTuple):
    """One recipient, as it stands under the lock."""

    letter_id: int
    n: int
    address: str
    state: str
    token: int | None
    attempts: int


class Claim(NamedTuple):
    """A letter that this worker has, until its token is no longer the letter's; a large content is read later."""

    id: int
    uid: str
    token: int
    account: str
    lane: str
    reverse_path: str
    message_id: str | None
    size: int
    eight_bit: bool
    utf8: bool
    attempts: int
    created: float
    expires: float
    kind: str
    options: str | None
    recipients: tuple[tuple[int, str], ...] = ()
    content: bytes | None = None


class RecipientVerdict(NamedTuple):
    """What an attempt says of one recipient; `state`: accepted, diverted, rejected, in_doubt or waiting (deferred)."""

    n: int
    state: str
    reply: str | None = None
    reason: str | None = None


class Settlement(NamedTuple):
    """What an attempt came to: for the recipients, for the history, and when to try again.

    `retry_doubt`: what is in doubt is tried again, by policy. After `warn_after` seconds a delay is told of, once.
    """

    id: int
    token: int
    owner: str
    verdicts: tuple[RecipientVerdict, ...]
    summary: str
    due: float
    retry_doubt: bool = False
    warn_after: float | None = None


class RecipientChange(NamedTuple):
    """A recipient's new state."""

    letter_id: int
    n: int
    state: str
    token: int | None
    attempts: int
    reply: str | None
    reason: str | None


class LetterChange(NamedTuple):
    """A letter's new state; `settled` is when it was settled."""

    id: int
    state: str
    due: float
    token: int
    owner: str | None
    attempts: int
    warned: bool
    settled: float | None


class AttemptRow(NamedTuple):
    """One line of a letter's history."""

    letter_id: int
    token: int
    owner: str | None
    summary: str


class EventRow(NamedTuple):
    """Something to be told; `data` is JSON."""

    letter_id: int
    kind: str
    data: str
