"""Questions: one letter's whole history, letters by what is asked for, and counts. They change nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sendkit.errors import LetterNotFound
from sendkit.outbox._addresses import spellings
from sendkit.outbox._fence import Ledger
from sendkit.outbox._schema import PAUSED
from sendkit.outbox._statements import Work, ask
from sendkit.outbox._states import LetterState, RecipientState
from sendkit.outbox._status import (
    Counts,
    LetterStatus,
    RecipientStatus,
    attempt_record,
    event,
    letter_status,
    recipient_status,
)


class Search(NamedTuple):
    """Which letters are wanted; None for any. `after` is the number of the last one that is known."""

    state: str | None = None
    recipient_state: str | None = None
    address: str | None = None
    lane: str | None = None
    key: str | None = None
    account: str | None = None
    after: int = 0
    limit: int = 100


class Page(NamedTuple):
    """Some letters, and the number of the last."""

    letters: tuple[LetterStatus, ...]
    last: int


def number_of(ledger: Ledger, text: str) -> Work[int]:
    """The number of the letter with this id, or whose id begins so. Raises LetterNotFound."""
    rows = (yield from ask(ledger.texts.find, text)) if isinstance(text, str) else []  # pyright: ignore[reportUnnecessaryIsInstance] - what a program gives
    if len(rows) == 1 or (rows and rows[0][1] == text):
        number: int = rows[0][0]
        return number
    what = f"several letters have an id that begins with {text!r}" if rows else f"the outbox has no letter {text!r}"
    raise LetterNotFound(what, hint="`sendkit outbox list` shows the ids; the beginning will do, from 6 characters on")


def statuses(ledger: Ledger, items: Sequence[str]) -> Work[list[LetterStatus]]:
    """Letters with all that is known of them."""
    found: list[LetterStatus] = []
    for uid in items:
        number = yield from number_of(ledger, uid)
        (letter,) = yield from _letters(ledger, [number])
        history = yield from ask(ledger.texts.attempts, number)
        events = yield from ask(ledger.texts.events, number)
        update = {"history": tuple(map(attempt_record, history)), "events": tuple(map(event, events))}
        found.append(letter.model_copy(update=update))
    return found


def searches(ledger: Ledger, items: Sequence[Search]) -> Work[list[Page]]:
    """Letters by what is asked for, in the order in which they were put."""
    pages: list[Page] = []
    for item in items:
        address = None if item.address is None else spellings(item.address)
        wanted = item._replace(address=None if address is None else json.dumps(address.whole))
        rows = yield from ask(ledger.texts.select, *wanted, None if address is None else address.beginning)
        numbers = [row[0] for row in rows]
        letters = yield from _letters(ledger, numbers)
        pages.append(Page(tuple(letters), numbers[-1] if numbers else item.after))
    return pages


def counts(ledger: Ledger, items: Sequence[None]) -> Work[list[Counts]]:
    """The number of letters in each state."""
    rows = yield from ask(ledger.texts.count_letters)
    doubt = yield from ask(ledger.texts.count_recipients, RecipientState.IN_DOUBT)
    held = {row[0] for row in (yield from ask(ledger.texts.held_accounts))}
    paused = yield from ask(ledger.texts.meta, PAUSED)
    letters: dict[str, int] = dict.fromkeys(LetterState, 0)
    accounts: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(LetterState, 0))
    oldest: list[float] = []
    for account, state, count, first in rows:
        shown = LetterState.HELD if account in held and state in (LetterState.LATER, LetterState.READY) else state
        letters[shown] += count
        accounts[account][shown] += count
        if state != LetterState.SETTLED:
            oldest.append(first)
    found = Counts(
        letters={str(state): count for state, count in letters.items()},
        accounts={name: {str(state): count for state, count in one.items()} for name, one in accounts.items()},
        in_doubt=doubt[0][0],
        oldest=datetime.fromtimestamp(min(oldest), UTC) if oldest else None,
        paused=paused[0][0] if paused else None,
    )
    return [found] * len(items)


def _letters(ledger: Ledger, numbers: Sequence[int]) -> Work[list[LetterStatus]]:
    wanted = json.dumps([[number] for number in numbers])
    rows = yield from ask(ledger.texts.status, wanted)
    recipients: defaultdict[int, list[RecipientStatus]] = defaultdict(list)
    for row in (yield from ask(ledger.texts.recipient_status, wanted)):
        recipients[row[0]].append(recipient_status(row))
    return [letter_status(row, recipients[row[0]]) for row in rows]
