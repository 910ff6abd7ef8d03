"""Put: letters into the ledger, with the caller's transaction or one of ours; the same key twice is one letter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple

from sendkit.outbox._fence import Announce, Announced, Ledger
from sendkit.outbox._rows import Draft, Placed
from sendkit.outbox._statements import Aside, Executor, Final, Statement, Work, ask, ask_all
from sendkit.outbox._states import LetterState, RecipientState


class Piece(NamedTuple):
    """A large piece of content, kept once for all letters that share it."""

    octets: bytes


def pieces(ledger: Ledger, items: Sequence[Piece]) -> Work[list[int]]:
    """Keep pieces that letters share; the number of each. One that no letter comes to need is purged after a day."""
    numbers: list[int] = []
    for item in items:
        digest = blake2b(item.octets, digest_size=32).hexdigest()
        rows = yield from ask(ledger.texts.insert_shared, digest, item.octets, ledger.now())
        numbers.append(rows[0][0])
    return numbers


def puts(ledger: Ledger, items: Sequence[Sequence[Draft]]) -> Work[list[list[Placed]]]:
    """Put letters, and say where each is; a letter whose key is known stays what it was."""
    drafts = list(chain.from_iterable(items))
    found = yield from _put(ledger, drafts)
    if ledger.announce is not None:
        news = [
            Announced(one.id, draft.account, _moment(draft.due), draft.priority)
            for one, draft in zip(found, drafts, strict=True)
            if not one.duplicate
        ]
        yield Aside(partial(_announce, ledger.announce, news))
    placed = iter(found)
    return [[next(placed) for _ in item] for item in items]


def _moment(due: float | None) -> datetime | None:
    return None if due is None else datetime.fromtimestamp(due, UTC)


def _announce(announce: Announce, news: Sequence[Announced], execute: Executor) -> None:
    announce(execute, news)


def _put(ledger: Ledger, drafts: Sequence[Draft]) -> Work[list[Placed]]:
    usual = len(drafts) == 1 and len(drafts[0].pieces) == 1 and isinstance(drafts[0].pieces[0], bytes)
    if usual and ledger.texts.put_one is not None:
        return (yield from _put_one(ledger, ledger.texts.put_one, drafts[0]))
    return (yield from _put_all(ledger, drafts))


def _put_one(ledger: Ledger, sql: str, draft: Draft) -> Work[list[Placed]]:
    """The usual letter in one statement, and on the server's clock."""
    statement = Statement(sql, (*_arguments(draft), list(draft.recipients), draft.pieces[0]))
    batch = (statement,)
    # An engine is told within the same transaction.
    (rows,) = yield Final(batch) if ledger.announce is None else batch
    if not rows:
        known = yield from _known(ledger, [draft])
        return [known[draft.uid]]
    return [Placed(rows[0][0], draft.uid, draft.message_id, duplicate=False)]


def _put_all(ledger: Ledger, drafts: Sequence[Draft]) -> Work[list[Placed]]:
    now = ledger.now()
    rows = yield from ask(ledger.texts.insert_letters, json.dumps([_letter(draft, now) for draft in drafts]))
    fresh: dict[str, int] = {uid: number for number, uid in rows}
    new = [(fresh[draft.uid], draft) for draft in drafts if draft.uid in fresh]
    if new:
        recipients = [
            (number, n, address, RecipientState.WAITING)
            for number, draft in new
            for n, address in enumerate(draft.recipients)
        ]
        content = [
            (number, seq, *((piece, None) if isinstance(piece, bytes) else (None, piece)))
            for number, draft in new
            for seq, piece in enumerate(draft.pieces)
        ]
        yield from ask_all(
            Statement(ledger.texts.insert_recipients, (json.dumps(recipients),)),
            Statement(ledger.texts.insert_content, content, many=True),
        )
    old = yield from _known(ledger, [draft for draft in drafts if draft.uid not in fresh])
    return [
        Placed(fresh[draft.uid], draft.uid, draft.message_id, duplicate=False) if draft.uid in fresh else old[draft.uid]
        for draft in drafts
    ]


def _known(ledger: Ledger, drafts: Sequence[Draft]) -> Work[dict[str, Placed]]:
    """Where the letters are that were not inserted: their key is another one's, or this very put is done again."""
    if not drafts:
        return {}
    keys, uids = json.dumps([[draft.key] for draft in drafts]), json.dumps([[draft.uid] for draft in drafts])
    rows = yield from ask(ledger.texts.known, keys, uids)
    by_key = {key: Placed(number, uid, message_id, duplicate=True) for number, uid, key, message_id in rows}
    by_uid = {uid: Placed(number, uid, message_id, duplicate=False) for number, uid, _, message_id in rows}
    return {draft.uid: by_uid.get(draft.uid) or by_key[draft.key] for draft in drafts}


def _letter(draft: Draft, now: float) -> tuple[object, ...]:
    later = draft.due is not None and draft.due > now
    begin = max(now, draft.due or 0)
    return (
        draft.uid,
        draft.key,
        draft.account,
        draft.lane,
        draft.priority,
        LetterState.LATER if later else LetterState.READY,
        draft.due if later else 0,
        begin + draft.lifetime,
        now,
        *_facts(draft),
    )


def _facts(draft: Draft) -> tuple[object, ...]:
    """What a row of either kind ends with."""
    return (
        draft.reverse_path,
        draft.message_id,
        draft.size,
        draft.eight_bit,
        draft.utf8,
        draft.kind,
        draft.options,
    )


def _arguments(draft: Draft) -> tuple[object, ...]:
    return (
        draft.uid,
        draft.key,
        draft.account,
        draft.lane,
        draft.priority,
        draft.due,
        draft.lifetime,
        *_facts(draft),
    )
