"""The state of an outbox: its place, tables, workers and clock, and what a person should look at."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from shlex import quote
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from sendkit.outbox._claim import HeldAccount as HeldRow
from sendkit.outbox._fence import Ledger
from sendkit.outbox._place import Place
from sendkit.outbox._questions import counts
from sendkit.outbox._schema import VERSION
from sendkit.outbox._statements import Work, ask
from sendkit.outbox._states import LetterState
from sendkit.outbox._status import Counts

_WAITING = (LetterState.READY, LetterState.LATER, LetterState.WORKING)
_APART = 5.0  # seconds between two clocks that nobody need look at


class _Frozen(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class WorkerHealth(_Frozen):
    """One worker: its `id` (host, process, and a word), when it was last `seen`, and whether it is `alive`.

    `accounts` are those whose letters it takes; None for every account.
    """

    id: str
    seen: datetime | None
    alive: bool
    accounts: tuple[str, ...] | None = None


class HeldAccount(_Frozen):
    """An account that cannot log in: `why`, `since` when, and `next_try`, when one letter tries again."""

    name: str
    why: str
    since: datetime
    next_try: datetime


class Health(_Frozen):
    """The state of an outbox. `problems` are sentences for a person, the worst first; empty if there are none.

    `place` is its file or URL, `version` that of its tables, `newest_version` the one that this program knows, `clock`
    the time there; `counts`, `workers` and `held` (accounts) are what is in it; `paused_lanes` and `unserved` (accounts
    that no worker takes letters of) are by name, with how many letters wait.
    """

    place: str
    version: int
    newest_version: int
    clock: datetime
    counts: Counts
    workers: tuple[WorkerHealth, ...] = ()
    held: tuple[HeldAccount, ...] = ()
    paused_lanes: Mapping[str, int] = {}
    unserved: Mapping[str, int] = {}
    problems: tuple[str, ...] = ()


def healths(ledger: Ledger, items: Sequence[Place]) -> Work[list[Health]]:
    """Look at everything once."""
    place, now = items[0], ledger.now()
    version = yield from ask(ledger.texts.meta, VERSION)
    owners = yield from ask(ledger.texts.owners)
    held = yield from ask(ledger.texts.held_accounts)
    lanes = yield from ask(ledger.texts.paused_lanes)
    (found,) = yield from counts(ledger, [None])
    workers = tuple(_worker(place, owner, now) for owner in owners)
    health = Health(
        place=place.name,
        version=int(version[0][0]) if version else 0,
        newest_version=len(ledger.texts.schema),
        clock=datetime.fromtimestamp(now, UTC),
        counts=found,
        workers=workers,
        held=tuple(_held(HeldRow._make(row)) for row in held),
        paused_lanes=dict(lanes),
        unserved=_unserved(found, workers),
    )
    return [health.model_copy(update={"problems": tuple(_problems(health, now))})]


def _worker(place: Place, row: Sequence[Any], now: float) -> WorkerHealth:
    owner, seen, accounts = row
    # Whether a worker of another machine lives, only a clock that both share can tell.
    here = owner.startswith(f"{platform.node()}:") or place.liveness.beat is not None
    ended = here and place.liveness.has_ended(owner, None if seen is None else now - seen)
    served = None if accounts is None else tuple(json.loads(accounts))
    when = None if seen is None else datetime.fromtimestamp(seen, UTC)
    return WorkerHealth(id=owner, seen=when, alive=not ended, accounts=served)


def _unserved(found: Counts, workers: Sequence[WorkerHealth]) -> dict[str, int]:
    """How many letters wait for accounts that no living worker serves."""
    served = [worker.accounts for worker in workers if worker.alive]
    waiting = {name: sum(states[state] for state in _WAITING) for name, states in found.accounts.items()}
    return {
        name: count
        for name, count in waiting.items()
        if count and not any(accounts is None or name in accounts for accounts in served)
    }


def _held(row: HeldRow) -> HeldAccount:
    return HeldAccount(
        name=row.name,
        why=row.why,
        since=datetime.fromtimestamp(row.since, UTC),
        next_try=datetime.fromtimestamp(row.probe, UTC),
    )


def _problems(health: Health, now: float) -> Iterator[str]:
    waiting = sum(health.counts.letters[state] for state in _WAITING)
    if health.counts.paused:
        yield f"everything is paused: {health.counts.paused}; `sendkit outbox resume` goes on"
    for lane, count in health.paused_lanes.items():
        named = f"the lane {lane}" if lane else "the lane without a name"
        yield f"{named} is paused, and {count} letters wait in it; `sendkit outbox resume {quote(lane)}` goes on"
    living = [worker for worker in health.workers if worker.alive]
    if waiting and not living:
        yield f"{waiting} letters wait, and no worker is there; start one: sendkit outbox run"
    for name, count in health.unserved.items() if living else ():
        served = ", ".join(sorted({one for worker in living for one in worker.accounts or ()}))
        yield f"{count} letters wait for the account {name}, which no worker serves; those that run serve {served}"
    for account in health.held:
        yield f"the account {account.name} cannot log in since {account.since:%Y-%m-%d %H:%M} UTC: {account.why}"
    if health.counts.in_doubt:
        yield f"{health.counts.in_doubt} recipients are in doubt; `sendkit outbox list --in-doubt` shows what to decide"
    if (apart := abs(now - time.time())) > _APART:
        yield f"the clock of the database and that of this machine are {apart:.0f} s apart"
