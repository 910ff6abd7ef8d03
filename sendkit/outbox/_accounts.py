"""Accounts that cannot log in: their letters are held, and one at a time finds out whether that is over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from sendkit.outbox._claim import HOUR
from sendkit.outbox._fence import Ledger
from sendkit.outbox._rows import EventRow
from sendkit.outbox._statements import Work, ask
from sendkit.outbox._states import EventKind


class Trouble(NamedTuple):
    """An account that could not log in, seen with this letter."""

    account: str
    letter_id: int
    why: str


def troubles(ledger: Ledger, items: Sequence[Trouble]) -> Work[list[bool]]:
    """Hold the letters of accounts; returns for each whether it was not held before, so that it is reported once."""
    known = {row[0] for row in (yield from ask(ledger.texts.held_accounts))}
    news: list[bool] = []
    now = ledger.now()
    for item in items:
        fresh = item.account not in known
        news.append(fresh)
        if fresh:
            known.add(item.account)
            yield from ask(ledger.texts.hold_account, item.account, item.why, now, now + HOUR, 1)
            event = EventRow(item.letter_id, EventKind.HELD, json.dumps({"account": item.account, "reason": item.why}))
            yield from ask(ledger.texts.insert_events, json.dumps([event]), now)
    return news


def recoveries(ledger: Ledger, items: Sequence[str]) -> Work[list[bool]]:
    """The accounts can log in again: their letters are free, and those that were tried are tried now."""
    freed: list[bool] = []
    for name in items:
        rows = yield from ask(ledger.texts.free_account, name)
        if rows:
            yield from ask(ledger.texts.hurry, name)
        freed.append(bool(rows))
    return freed
