"""The usual mark and the usual settlement in a few statements, which check for themselves what the rules would ask.

Usual is that a worker has its letter, and that all who wait for it are marked or were accepted. Such letters are done
in one turn with their commit. All others are left to the rules, and nothing is done for them here. Must not know: what
becomes of a letter otherwise.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from sendkit.outbox._rows import Settlement
from sendkit.outbox._statements import Batch, Final, Statement, Work
from sendkit.outbox._states import RecipientState

if TYPE_CHECKING:
    from sendkit.outbox._fence import Ledger, Mark

_MOST = 256  # recipients: each row is compared with each


def marked(ledger: Ledger, items: Sequence[Mark]) -> Work[Collection[int]]:
    """The letters of which all wanted recipients are marked now."""
    rows = [(item.id, n, item.token) for item in items for n in item.recipients]
    if len(rows) > _MOST or not all(item.recipients for item in items) or not _differ([item.id for item in items]):
        return ()
    lock = _lock(ledger, [item.id for item in items])
    *_, found = yield Final((*lock, Statement(ledger.texts.mark_swiftly, (json.dumps(rows), ledger.now()))))
    return {row[0] for row in found}


def accepted(ledger: Ledger, items: Sequence[Settlement]) -> Work[Collection[int]]:
    """The letters that are settled now, since everybody who waited was accepted."""
    usual = [item for item in items if all(one.state == RecipientState.ACCEPTED for one in item.verdicts)]
    verdicts = [(item.id, one.n, one.reply, one.reason) for item in usual for one in item.verdicts]
    if not usual or len(verdicts) > _MOST:
        return ()
    letters = json.dumps([(item.id, item.token, item.owner, item.summary) for item in usual])
    arguments = (letters, ledger.now(), json.dumps(verdicts))
    lock = _lock(ledger, [item.id for item in usual])
    *_, found = yield Final((*lock, *(Statement(sql, arguments) for sql in ledger.texts.accept)))
    return {row[0] for row in found}


def _lock(ledger: Ledger, ids: Sequence[int]) -> Batch:
    # A statement of its own: the one that follows begins when it has ended, and so sees what the lock waited for.
    lock = ledger.texts.lock_alone
    return () if lock is None else (Statement(lock, (json.dumps([[i] for i in ids]),)),)


def _differ(ids: Sequence[int]) -> bool:
    return not ids or Counter(ids).most_common(1)[0][1] == 1
