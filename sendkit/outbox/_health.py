"""The state of an outbox: its place, tables, workers and clock, and what a person should look at."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from sendkit.outbox._claim import HeldAccount as HeldRow
from sendkit.outbox._fence import Ledger
from sendkit.outbox._place import Place
from sendkit.outbox._questions import counts
from sendkit.outbox._schema import VERSION
from sendkit.outbox._statements import Work, ask
from sendkit.outbox._states import LetterState
from sendkit.outbox._status import Counts

_APART = 5.0  # seconds between two clocks that nobody need look at


class _Frozen(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class WorkerHealth(_Frozen):
    """One worker: its `id` (host, process, and a word), when it was last `seen`, and whether it is `alive`."""

    id: str
    seen: datetime | None
    alive: bool


class HeldAccount(_Frozen):
    """An account that cannot log in: `why`, `since` when, and `next_try`, when one letter tries again."""

    name: str
    why: str
    since: datetime
    next_try: datetime


class Health(_Frozen):
    """The state of an outbox. `problems` are sentences for a person, the worst first; empty if there are none.

    `place` is its file or URL, `version` that of its tables, `newest_version` the one that this program knows, `clock`
    the time there; `counts`, `workers` and `held` (accounts) are what is in it.
    """

    place: str
    version: int
    newest_version: int
    clock: datetime
    counts: Counts
    workers: tuple[WorkerHealth, ...] = ()
    held: tuple[HeldAccount, ...] = ()
    problems: tuple[str, ...] = ()


def healths(ledger: Ledger, items: Sequence[Place]) -> Work[list[Health]]:
    """Look at everything once."""
    place, now = items[0], ledger.now()
    version = yield from ask(ledger.texts.meta, VERSION)
    owners = yield from ask(ledger.texts.owners)
    held = yield from ask(ledger.texts.held_accounts)
    (found,) = yield from counts(ledger, [None])
    health = Health(
        place=place.name,
        version=int(version[0][0]) if version else 0,
        newest_version=len(ledger.texts.schema),
        clock=datetime.fromtimestamp(now, UTC),
        counts=found,
        workers=tuple(_worker(place, owner, seen, now) for owner, seen in owners),
        held=tuple(_held(HeldRow._make(row)) for row in held),
    )
    return [health.model_copy(update={"problems": tuple(_problems(health, now))})]


def _worker(place: Place, owner: str, seen: float | None, now: float) -> WorkerHealth:
    # Whether a worker of another machine lives, only a clock that both share can tell.
    here = owner.startswith(f"{platform.node()}:") or place.liveness.beat is not None
    ended = here and place.liveness.has_ended(owner, None if seen is None else now - seen)
    return WorkerHealth(id=owner, seen=None if seen is None else datetime.fromtimestamp(seen, UTC), alive=not ended)


def _held(row: HeldRow) -> HeldAccount:
    return HeldAccount(
        name=row.name,
        why=row.why,
        since=datetime.fromtimestamp(row.since, UTC),
        next_try=datetime.fromtimestamp(row.probe, UTC),
    )


def _problems(health: Health, now: float) -> Iterator[str]:
    letters = health.counts.letters
    waiting = letters[LetterState.READY] + letters[LetterState.LATER] + letters[LetterState.WORKING]
    if health.counts.paused:
        yield f"everything is paused: {health.counts.paused}; `sendkit outbox resume` goes on"
    if waiting and not any(worker.alive for worker in health.workers):
        yield f"{waiting} letters wait, and no worker is there; start one: sendkit outbox run"
    for account in health.held:
        yield f"the account {account.name} cannot log in since {account.since:%Y-%m-%d %H:%M} UTC: {account.why}"
    if health.counts.in_doubt:
        yield f"{health.counts.in_doubt} recipients are in doubt; `sendkit outbox list --in-doubt` shows what to decide"
    if (apart := abs(now - time.time())) > _APART:
        yield f"the clock of the database and that of this machine are {apart:.0f} s apart"
