"""Orders: what a person wants done with a letter, a lane, or all. Each is applied under the same locks as the fence."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sendkit.outbox import _rules as rules
from sendkit.outbox._fence import Ledger, locked, written
from sendkit.outbox._questions import number_of
from sendkit.outbox._rows import AttemptRow, LetterRow, RecipientRow
from sendkit.outbox._rules import Decision
from sendkit.outbox._schema import PAUSED
from sendkit.outbox._statements import Work, ask

Rule = Callable[[LetterRow, Sequence[RecipientRow], float], Decision]

RULES: dict[str, Rule] = {
    "cancel": rules.cancel,
    "hold": rules.hold,
    "release": rules.unhold,
    "retry": rules.retry,
    "forget": rules.forget,
}


class Order(NamedTuple):
    """What is to be done with one letter: a name of RULES, and its id."""

    what: str
    letter: str


class Lane(NamedTuple):
    """What holds for a lane: paused or not, and how many letters a second (None: no limit)."""

    name: str
    paused: bool | None = None
    rate: float | None = None
    sets_rate: bool = False


def orders(ledger: Ledger, items: Sequence[Order]) -> Work[list[bool]]:
    """Carry out orders for letters; whether each changed anything. Raises LetterNotFound."""
    done: list[bool] = []
    for item in items:
        number = yield from number_of(ledger, item.letter)
        letters, recipients = yield from locked(ledger, [number])
        letter = letters[number]
        decision = RULES[item.what](letter, recipients[number], ledger.now())
        changed = decision != Decision()
        if changed:
            note = AttemptRow(number, letter.token, None, json.dumps({"note": f"a person said: {item.what}"}))
            yield from written(ledger, [decision], [note])
            if decision.holding is not None:
                yield from ask(ledger.texts.set_holding, decision.holding, number)
        done.append(changed)
    return done


def flushes(ledger: Ledger, items: Sequence[str | None]) -> Work[list[int]]:
    """Make letters ready that wait for their next try, of one account or of all; how many."""
    counts: list[int] = []
    for account in items:
        rows = yield from ask(ledger.texts.flush, account)
        yield from ask(ledger.texts.probe_now, account)
        counts.append(len(rows))
    return counts


def lanes(ledger: Ledger, items: Sequence[Lane]) -> Work[list[None]]:
    """Set what holds for lanes."""
    for item in items:
        yield from ask(ledger.texts.add_lane, item.name, ledger.now())
        if item.paused is not None:
            yield from ask(ledger.texts.pause_lane, item.paused, item.name)
        if item.sets_rate:
            yield from ask(ledger.texts.rate_lane, item.rate, ledger.now(), item.name)
    return [None] * len(items)


def pauses(ledger: Ledger, items: Sequence[str | None]) -> Work[list[None]]:
    """Pause all sending, with the reason why, or resume it (None)."""
    for why in items:
        yield from ask(ledger.texts.set_meta, PAUSED, why)
    return [None] * len(items)


class Age(NamedTuple):
    """What is kept how long, in seconds after a letter was settled: its content, and all that is known of it."""

    content: float
    rows: float


class Purged(NamedTuple):
    """How many letters have lost their content, and how many are gone."""

    contents: int
    letters: int


_AT_ONCE = 500
_UNUSED = 3600.0  # seconds that a shared piece is kept for the letter that it was kept for


def purges(ledger: Ledger, items: Sequence[Age]) -> Work[list[Purged]]:
    """Delete what is kept no longer, at most 500 letters of each; what is in doubt is kept whole."""
    done: list[Purged] = []
    for age in items:
        now = ledger.now()
        contents = yield from ask(ledger.texts.purge_content, now - age.content, _AT_ONCE)
        gone = yield from ask(ledger.texts.purge_letters, now - age.rows, _AT_ONCE)
        yield from ask(ledger.texts.purge_shared, now - _UNUSED, _AT_ONCE)
        done.append(Purged(len({row[0] for row in contents}), len(gone)))
    return done
