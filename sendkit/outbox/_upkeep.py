"""What has to be done beside sending: letters whose time has come, workers that come and go, what is kept no longer."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from typing import NamedTuple

from sendkit.outbox._fence import Ledger, locked, settles
from sendkit.outbox._rows import Settlement
from sendkit.outbox._rules import is_missing
from sendkit.outbox._statements import Work, ask

_AT_ONCE = 500  # rows in one commit, so that nobody waits long for the lock


def promotions(ledger: Ledger, items: Sequence[float | None]) -> Work[list[tuple[int, ...]]]:
    """Make letters ready whose time has come; their numbers. An item is the longest wait between two tries, if known.

    Whoever waits longer than that does so because the clock was set back.
    """
    now = ledger.now()
    rows = yield from ask(ledger.texts.promote, now, _AT_ONCE)
    if (longest := items[0]) is not None:
        rows += yield from ask(ledger.texts.hasten, now + longest, _AT_ONCE)
    return [tuple(row[0] for row in rows)] * len(items)


def next_dues(ledger: Ledger, items: Sequence[float | None]) -> Work[list[float | None]]:
    """When there is something to do: 0 where a letter is ready, else when the next one's time comes, or None.

    Items are as in `promotions`.
    """
    if (yield from ask(ledger.texts.any_ready)):
        return [0.0] * len(items)
    now, longest = ledger.now(), items[0]
    if longest is not None and (yield from ask(ledger.texts.any_delayed, now + longest)):
        return [now] * len(items)
    rows = yield from ask(ledger.texts.next_due)
    return [rows[0][0]] * len(items)


class Alive(NamedTuple):
    """A worker, what it has settled since it last said that it is there, and whose letters it takes (None: all)."""

    owner: str
    said: tuple[Settlement, ...] = ()
    accounts: tuple[str, ...] | None = None


def heartbeats(ledger: Ledger, items: Sequence[Alive]) -> Work[list[int | None]]:
    """Note that workers are there, and settle again what a crash of the database has lost; how many signs there were.

    This commit writes something always, and so takes with it to the disk whatever was committed before.
    """
    for owner, said, accounts in items:
        served = None if accounts is None else json.dumps(accounts)
        yield from ask(ledger.texts.add_worker, owner, platform.node(), os.getpid(), ledger.now(), served)
        if not said:
            continue
        letters, recipients = yield from locked(ledger, [one.id for one in said])
        lost = [one for one in said if one.id in letters and is_missing(letters[one.id], recipients[one.id], one)]
        if lost:
            yield from settles(ledger, lost)
    rows = (yield from ask(ledger.texts.count_beat)) if ledger.texts.count_beat else []
    return [rows[0][0] if rows else None] * len(items)


def owners(ledger: Ledger, items: Sequence[None]) -> Work[list[tuple[tuple[str, float | None], ...]]]:
    """Whoever has letters in work, or said that it is there; with how many seconds ago it last said so."""
    rows = yield from ask(ledger.texts.owners)
    now = ledger.now()
    return [tuple((owner, None if seen is None else now - seen) for owner, seen, _ in rows)] * len(items)
