"""Claim: which letters a worker takes next. Each lane in turn, so that nobody starves behind a long one.

A lane may be paused, or have a rate; an account that cannot log in is probed by one letter at a time.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple, cast

from sendkit.outbox._fence import Announced, Ledger
from sendkit.outbox._rows import Claim
from sendkit.outbox._schema import PAUSED
from sendkit.outbox._statements import Rows, Statement, Work, ask, ask_all

SMALL = 262_144  # octets; a larger content is read when it leaves
HOUR, DAY = 3600.0, 86400.0

Lane = tuple[str, str]  # an account, and a lane of its


class Take(NamedTuple):
    """A worker's wish: how many letters, of which accounts (None: all), behind which lane; or one by its number.

    `probing` are held accounts that this worker may try although their time has not come: the process remembers which
    secret was refused, and does not send it again.
    """

    owner: str
    limit: int
    accounts: tuple[str, ...] | None = None
    after: Lane = ("", "")
    id: int | None = None
    probing: tuple[str, ...] = ()


class Waiting(NamedTuple):
    """A letter that may be claimed, and its priority."""

    id: int
    priority: int


class Taken(NamedTuple):
    """Letters that are this worker's now, the lane that came last, and the accounts that are held."""

    claims: tuple[Claim, ...] = ()
    last: Lane = ("", "")
    held: tuple[str, ...] = ()


class HeldAccount(NamedTuple):
    """An account that cannot log in: why, since when, and when one letter may try again."""

    name: str
    why: str
    since: float
    probe: float
    failures: int


def takes(ledger: Ledger, items: Sequence[Take]) -> Work[list[Taken]]:
    """Claim letters: each becomes this worker's, under a new token."""
    taken: list[Taken] = []
    for item in items:
        taken += [(yield from _take(ledger, item))]
    return taken


class Block(NamedTuple):
    """A wish for one piece of a large content."""

    letter_id: int
    seq: int


def blocks(ledger: Ledger, items: Sequence[Block]) -> Work[list[bytes | None]]:
    """Pieces of large contents, by their number; None where there is none."""
    found: list[bytes | None] = []
    for item in items:
        rows = yield from ask(ledger.texts.content_block, item.letter_id, item.seq)
        found.append(bytes(rows[0][0]) if rows else None)
    return found


def _take(ledger: Ledger, wish: Take) -> Work[Taken]:
    paused, rows = yield from ask_all(Statement(ledger.texts.meta, (PAUSED,)), Statement(ledger.texts.held_accounts))
    if paused:
        return Taken()
    held = [HeldAccount._make(row) for row in rows]
    if wish.id is not None:
        return (yield from _take_one(ledger, wish, held))
    accounts = yield from _usable(ledger, wish, held)
    lanes = yield from _lanes(ledger, wish, list(accounts))
    if not lanes:
        return Taken()
    allowed, chosen = yield from _choose(ledger, wish.limit, lanes, accounts)
    yield from allowed.spend(ledger, [lane for (_, lane), _ in chosen])
    claims = yield from _claim(ledger, wish.owner, [number for _, (number, _) in chosen])
    return Taken(claims, chosen[-1][0] if chosen else lanes[-1], _names(held))


def _take_one(ledger: Ledger, wish: Take, held: Sequence[HeldAccount]) -> Work[Taken]:
    """One letter by its number, under the same rules as any other."""
    nothing = Taken(last=wish.after)
    rows = yield from ask(ledger.texts.ready_one, wish.id, ledger.now())
    if not rows or (wish.accounts is not None and rows[0][0] not in wish.accounts):
        return nothing
    ((account, lane),) = rows
    allowed = yield from _Allowance.read(ledger, [(account, lane)])
    if allowed.of(lane) < 1:
        return nothing
    if account not in (yield from _usable(ledger, wish._replace(accounts=(account,)), held)):
        return nothing
    yield from allowed.spend(ledger, [lane])
    return Taken((yield from _claim(ledger, wish.owner, [cast("int", wish.id)])), wish.after, _names(held))


def readies(ledger: Ledger, items: Sequence[Take]) -> Work[list[tuple[Announced, ...]]]:
    """What `takes` would claim now, unclaimed: for an engine that has a list of its own."""
    found: list[tuple[Announced, ...]] = []
    for wish in items:
        if (yield from ask(ledger.texts.meta, PAUSED)):
            found.append(())
            continue
        held = [HeldAccount._make(row) for row in (yield from ask(ledger.texts.held_accounts))]
        accounts = yield from _usable(ledger, wish, held, looks_only=True)
        lanes = yield from _lanes(ledger, wish, list(accounts))
        _, chosen = yield from _choose(ledger, wish.limit, lanes, accounts)
        found.append(tuple(Announced(number, account, None, urgency) for (account, _), (number, urgency) in chosen))
    return found


def _names(held: Sequence[HeldAccount]) -> tuple[str, ...]:
    return tuple(account.name for account in held)


def _choose(
    ledger: Ledger, limit: int, lanes: Sequence[Lane], accounts: dict[str, int]
) -> Work[tuple[_Allowance, list[tuple[Lane, Waiting]]]]:
    """What the lanes may send now, and the letters that may be claimed; all asked for in one turn."""
    rules, *found = yield from ask_all(
        _Allowance.statement(ledger, lanes),
        *(Statement(ledger.texts.ready, (account, lane, min(limit, accounts[account]))) for account, lane in lanes),
    )
    allowed = _Allowance(rules, ledger.now())
    queues = [(lane, rows[: allowed.of(lane[1])]) for lane, rows in zip(lanes, found, strict=True)]
    return allowed, _in_turn(queues, limit, accounts)


def _in_turn(queues: Sequence[tuple[Lane, Rows]], limit: int, accounts: dict[str, int]) -> list[tuple[Lane, Waiting]]:
    """One letter of each lane, then a second one of each, and so on."""
    chosen: list[tuple[Lane, Waiting]] = []
    left = dict(accounts)
    for position in range(limit):
        for lane, rows in queues:
            if position < len(rows) and len(chosen) < limit and left[lane[0]] > 0:
                chosen.append((lane, Waiting._make(rows[position])))
                left[lane[0]] -= 1
    return chosen


def _usable(
    ledger: Ledger, wish: Take, held: Sequence[HeldAccount], *, looks_only: bool = False
) -> Work[dict[str, int]]:
    """The accounts, with how many letters each may send now: one where it has to be probed."""
    names = wish.accounts
    if names is None:
        rows = yield from ask(ledger.texts.accounts)
        names = tuple(row[0] for row in rows)
    usable = dict.fromkeys(names, wish.limit)
    now = ledger.now()
    for account in held:
        if account.name not in usable:
            continue
        usable[account.name] = 1
        if account.probe <= now and looks_only:
            continue
        if account.probe <= now:
            # Written down with the claim: whatever becomes of this worker, the next probe is not before its time.
            following = now + min(HOUR * 2**account.failures, DAY)
            ours = yield from ask(ledger.texts.take_probe, account.name, now, following)
        else:
            ours = [(account.name,)] if account.name in wish.probing else []
        if not ours:
            del usable[account.name]
    return usable


def _lanes(ledger: Ledger, wish: Take, accounts: Sequence[str]) -> Work[list[Lane]]:
    """The next lanes with letters that may be sent, from the one behind the last on, and round to it again."""
    names, now = json.dumps([[name] for name in sorted(accounts)]), ledger.now()
    rows = yield from ask(ledger.texts.lanes, names, *wish.after, now, wish.limit)
    lanes: list[Lane] = [(account, lane) for account, lane in rows]
    if len(lanes) < wish.limit and wish.after != ("", ""):
        rows = yield from ask(ledger.texts.lanes, names, "", "", now, wish.limit)
        lanes += [(account, lane) for account, lane in rows if (account, lane) not in lanes]
    return lanes


def _claim(ledger: Ledger, owner: str, numbers: Sequence[int]) -> Work[tuple[Claim, ...]]:
    if not numbers:
        return ()
    texts, ids = ledger.texts, json.dumps([[number] for number in numbers])
    # What is read with the claim is read of all that were chosen; those that it did not get are left out below.
    _, rows, waiting, octets_of = yield from ask_all(
        Statement(texts.begin_epoch),
        Statement(texts.claim, (ids, owner)),
        Statement(texts.waiting_recipients, (ids,)),
        Statement(texts.content, (ids, SMALL)),
    )
    claims = {row[0]: Claim(*row) for row in rows}
    recipients: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for number, n, address in waiting:
        recipients[number].append((n, address))
    content: dict[int, list[bytes]] = {}
    for number, octets in octets_of:
        content.setdefault(number, []).append(bytes(octets))
    return tuple(
        claims[number]._replace(
            recipients=tuple(recipients[number]),
            content=b"".join(content[number]) if number in content else None,
        )
        for number in numbers
        if number in claims
    )


class _Allowance:
    """What the lanes may send now: nothing where paused, as much as the rate gives where there is one."""

    def __init__(self, rules: Rows, now: float) -> None:
        self._now = now
        self._paused = {name for name, paused, *_ in rules if paused}
        self._tokens: dict[str, float] = {
            name: min(max(1.0, rate), tokens + max(0.0, now - refilled) * rate)
            for name, _, rate, tokens, refilled in rules
            if rate is not None
        }

    @staticmethod
    def statement(ledger: Ledger, lanes: Sequence[Lane]) -> Statement:
        names = json.dumps([[name] for name in sorted({lane for _, lane in lanes})])
        return Statement(ledger.texts.lane_rules, (names,))

    @classmethod
    def read(cls, ledger: Ledger, lanes: Sequence[Lane]) -> Work[_Allowance]:
        (rules,) = yield from ask_all(cls.statement(ledger, lanes))
        return cls(rules, ledger.now())

    def of(self, lane: str) -> int:
        if lane in self._paused:
            return 0
        return int(self._tokens[lane]) if lane in self._tokens else 1_000_000

    def spend(self, ledger: Ledger, lanes: Sequence[str]) -> Work[None]:
        rows = [
            (name, tokens - count, self._now) for name, tokens in self._tokens.items() if (count := lanes.count(name))
        ]
        if rows:
            yield from ask(ledger.texts.spend, json.dumps(rows))
