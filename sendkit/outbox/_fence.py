"""Mark, settle, release and take over, many at a time: lock the letters, read, apply the rules, write (OUTBOX tables).

Each function takes what waited for the same commit, and costs the same few statements for one as for a hundred.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

from sendkit.outbox import _rules as rules
from sendkit.outbox import _swift
from sendkit.outbox._rows import AttemptRow, LetterRow, RecipientRow, Settlement
from sendkit.outbox._rules import Decision, Fenced
from sendkit.outbox._statements import Executor, Statement, Texts, Work, ask, ask_all


class Announced(NamedTuple):
    """A letter that wants to be looked at: its number and account, when (None: now), and how urgent it is.

    A smaller `priority` is sooner.
    """

    id: int
    account: str
    due: datetime | None
    priority: int


Announce: TypeAlias = Callable[[Executor, Sequence[Announced]], None]


@dataclass(slots=True, frozen=True)
class Ledger:
    """What every piece of work knows: the database's words, its clock, and the engine that is told of new letters."""

    texts: Texts
    now: Callable[[], float]
    announce: Announce | None = None


class Mark(NamedTuple):
    """A wish to let the end of data leave."""

    id: int
    token: int
    recipients: tuple[int, ...]


class Release(NamedTuple):
    """A letter given back unsent."""

    id: int
    token: int
    due: float


class Takeover(NamedTuple):
    """Letters of a worker that is gone; `ids` None: all that it has."""

    owner: str
    retry_doubt: bool = False


def marks(ledger: Ledger, items: Sequence[Mark]) -> Work[list[Fenced | None]]:
    """Mark recipients as being sent; a Fenced in an item's place: nothing may leave for it.

    The one step on which everything rests: it is committed before the end of data leaves.
    """
    done = yield from _swift.marked(ledger, items)
    fenced = yield from _fenced(ledger, [item for item in items if item.id not in done])
    return [Fenced() if item in fenced else None for item in items]


def _fenced(ledger: Ledger, items: Sequence[Mark]) -> Work[set[Mark]]:
    """Mark by the rules; for whom nothing may leave."""
    if not items:
        return set()
    letters, recipients = yield from locked(ledger, [item.id for item in items])
    allowed = [rules.may_send(letters.get(i), token, recipients[i], wanted) for i, token, wanted in items]
    rows = [(i, n, token) for (i, token, wanted), may in zip(items, allowed, strict=True) if may for n in wanted]
    if rows:
        yield from ask(ledger.texts.mark, json.dumps(rows), ledger.now())
    return {item for item, may in zip(items, allowed, strict=True) if not may}


def settles(ledger: Ledger, items: Sequence[Settlement]) -> Work[list[float | None]]:
    """Write down what attempts came to; for each letter when it is to be tried again, or None."""
    if len({item.id for item in items}) < len(items):  # of one letter twice: the second needs what the first wrote
        one_by_one: list[float | None] = []
        for item in items:
            one_by_one += yield from settles(ledger, [item])
        return one_by_one
    done = yield from _swift.accepted(ledger, items)
    due = yield from _settled(ledger, [item for item in items if item.id not in done])
    return [due.get(item.id) for item in items]


def _settled(ledger: Ledger, items: Sequence[Settlement]) -> Work[dict[int, float]]:
    """Settle by the rules; when letters are to be tried again."""
    if not items:
        return {}
    now = ledger.now()
    letters, recipients = yield from locked(ledger, [item.id for item in items])
    there = [item for item in items if item.id in letters]
    first = yield from _first_attempts(ledger, there)
    decisions = [
        rules.settle(letters[item.id], recipients[item.id], item, now, first.get(item.id, now)) for item in there
    ]
    history = [AttemptRow(item.id, item.token, item.owner, item.summary) for item in there]
    yield from written(ledger, decisions, history)
    return {one.letter.id: one.letter.due for one in decisions if one.letter and one.letter.settled is None}


def _first_attempts(ledger: Ledger, items: Sequence[Settlement]) -> Work[dict[int, float]]:
    """When letters of which a delay may be told were tried for the first time, if they were."""
    wanted = [[item.id] for item in items if item.warn_after is not None]
    if not wanted:
        return {}
    rows = yield from ask(ledger.texts.first_attempts, json.dumps(wanted))
    return dict(rows)


def releases(ledger: Ledger, items: Sequence[Release]) -> Work[list[None]]:
    """Give letters back of which nothing has left."""
    now = ledger.now()
    letters, recipients = yield from locked(ledger, [item.id for item in items])
    yield from written(
        ledger,
        [
            rules.release(letters[item.id], recipients[item.id], item.token, item.due, now)
            for item in items
            if item.id in letters
        ],
    )
    return [None] * len(items)


class Hands(NamedTuple):
    """What a worker has in its hands."""

    owner: str
    letters: frozenset[int] = frozenset()


def strays(ledger: Ledger, items: Sequence[Hands]) -> Work[list[int]]:
    """Free what workers have claimed and never heard of: the answer to the commit was lost. How many for each."""
    freed: list[int] = []
    for owner, letters in items:
        found = yield from ask(ledger.texts.working_of, owner)
        lost = [row[0] for row in found if row[0] not in letters]
        rows, recipients = yield from locked(ledger, lost)
        now, mine = ledger.now(), [row for row in rows.values() if row.owner == owner]
        yield from written(ledger, [rules.release(row, recipients[row.id], row.token, 0, now) for row in mine])
        freed.append(len(mine))
    return freed


def takeovers(ledger: Ledger, items: Sequence[Takeover]) -> Work[list[int]]:
    """Take all letters from workers that are gone; how many for each."""
    taken: list[int] = []
    for item in items:
        found = yield from ask(ledger.texts.working_of, item.owner)
        count = yield from _take_over(ledger, [row[0] for row in found], item)
        yield from ask(ledger.texts.free_events, item.owner)
        yield from ask(ledger.texts.remove_worker, item.owner)
        taken.append(count)
    return taken


def _take_over(ledger: Ledger, ids: Sequence[int], item: Takeover) -> Work[int]:
    if not ids:
        return 0
    now = ledger.now()
    letters, recipients = yield from locked(ledger, ids)
    mine = [letter for letter in letters.values() if letter.owner == item.owner]
    decisions = [rules.take_over(letter, recipients[letter.id], now, retry_doubt=item.retry_doubt) for letter in mine]
    summary = json.dumps({"note": f"the worker {item.owner} ended; its letters were taken over"})
    yield from written(ledger, decisions, [AttemptRow(one.id, one.token, item.owner, summary) for one in mine])
    return len(mine)


def locked(
    ledger: Ledger, ids: Iterable[int]
) -> Work[tuple[dict[int, LetterRow], defaultdict[int, list[RecipientRow]]]]:
    """The letters under their locks, and their recipients as they stand from then on."""
    wanted = json.dumps([[i] for i in sorted(set(ids))])
    # Two statements, the second of which begins when the first one has ended, and so sees what the lock waited for.
    found, rows = yield from ask_all(
        Statement(ledger.texts.lock, (wanted,)), Statement(ledger.texts.recipients, (wanted,))
    )
    recipients: defaultdict[int, list[RecipientRow]] = defaultdict(list)
    for row in map(RecipientRow._make, rows):
        recipients[row.letter_id].append(row)
    return {row[0]: LetterRow._make(row) for row in found}, recipients


def written(ledger: Ledger, decisions: Sequence[Decision], history: Sequence[AttemptRow] = ()) -> Work[None]:
    """Write what was decided, and its history."""
    texts, now = ledger.texts, ledger.now()
    recipients = [change for decision in decisions for change in decision.recipients]
    letters = [decision.letter for decision in decisions if decision.letter]
    events = [event for decision in decisions for event in decision.events]
    statements = [
        Statement(texts.change_recipients, (json.dumps(recipients), now)) if recipients else None,
        Statement(texts.change_letters, (json.dumps(letters),)) if letters else None,
        Statement(texts.insert_attempts, (json.dumps(history), now)) if history else None,
        Statement(texts.insert_events, (json.dumps(events), now)) if events else None,
    ]
    yield from ask_all(*filter(None, statements))
