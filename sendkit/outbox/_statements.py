"""How the ledger speaks to a database: it yields batches of statements, and is sent their rows.

The ledger does no I/O: the same generators run on a connection of ours, on one that a program lends with a transaction
of its own, and on an asynchronous one. A database that can pipeline sends a batch in one go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

Rows: TypeAlias = "list[tuple[Any, ...]]"  # what a database gives, before a row's own type takes it over
Result = TypeVar("Result")


class Statement(NamedTuple):
    """SQL with its arguments; with `many`, the arguments are rows, and nothing is returned."""

    sql: str
    arguments: Sequence[object] = ()
    many: bool = False


Batch: TypeAlias = tuple[Statement, ...]


class Executor(Protocol):
    """Carries out one batch inside the transaction that is open."""

    def __call__(self, batch: Batch, /) -> list[Rows]:
        """Give the rows of each statement, in order."""
        ...


class Aside(NamedTuple):
    """Something that another library does with the transaction that is open."""

    act: Callable[[Executor], object]


class Final(NamedTuple):
    """A batch after which there is nothing left to do, as a rule: it may be committed before its rows are read.

    Each of its statements checks by itself what it rests on, so that other work may stand beside it in one commit, and
    that it may be carried out twice. If its rows say that something is left, the work goes on, in the same transaction
    or in a new one.
    """

    batch: Batch


Work: TypeAlias = Generator[Batch | Aside | Final, "list[Rows]", Result]


def ask(sql: str, *arguments: object) -> Work[Rows]:
    """One statement, and its rows."""
    (rows,) = yield (Statement(sql, arguments),)
    return rows


def ask_all(*statements: Statement) -> Work[list[Rows]]:
    """Several statements, of which none needs what another one gives."""
    return (yield statements) if statements else []


def carry_out(work: Work[Result], execute: Executor) -> Result:
    """Run a piece of work against a database, inside a transaction that somebody else began and ends."""
    return Progress(work).to_the_end(execute)


@dataclass(slots=True, frozen=True)
class _Notes:
    """Collects the statements that an engine wants to be executed."""

    asked: list[Statement]

    def __call__(self, batch: Batch, /) -> list[Rows]:
        """Add a statement; there are no rows yet."""
        self.asked.extend(batch)
        return [[] for _ in batch]


async def carry_out_async(work: Work[Result], execute: Callable[[Batch], Awaitable[list[Rows]]]) -> Result:
    """The same on an asynchronous connection."""
    progress = Progress(work)
    while (asks := progress.asks) is not None:
        if isinstance(asks, Aside):
            asked: list[Statement] = []
            asks.act(_Notes(asked))
            await execute(tuple(asked))
            progress.hear([])
        else:
            progress.hear(await execute(asks.batch if isinstance(asks, Final) else asks))
    return progress.result


class Progress(Generic[Result]):
    """A piece of work, as far as it has come: what it asks for next, or when that is None, its result."""

    def __init__(self, work: Work[Result]) -> None:
        self._work = work
        self.asks: Batch | Aside | Final | None = None
        self.result: Result
        self._go_on(lambda: next(work))

    def hear(self, rows: list[Rows]) -> None:
        """Go on with what was asked for."""
        self._go_on(lambda: self._work.send(rows))

    def to_the_end(self, execute: Executor) -> Result:
        """Go on inside a transaction until there is a result."""
        while (asks := self.asks) is not None:
            if isinstance(asks, Aside):
                asks.act(execute)
                self.hear([])
            else:
                self.hear(execute(asks.batch if isinstance(asks, Final) else asks))
        return self.result

    def _go_on(self, step: Callable[[], Batch | Aside | Final]) -> None:
        try:
            self.asks = step()
        except StopIteration as stop:
            self.asks, self.result = None, stop.value


@dataclass(slots=True, frozen=True)
class Texts:
    """Every statement of the ledger in one database's words. Lists of rows come as one JSON array of arrays (`?`).

    `lock` must hold the letters' rows until the transaction ends: on it rests that nothing is sent twice.
    """

    schema: tuple[tuple[str, ...], ...]  # for each version what makes it of the one before
    has_meta: str  # () -> a row where the tables are there
    lock_schema: str  # (): nobody else changes the tables until the transaction ends
    create_meta: str  # ()
    meta: str  # (k) -> v
    set_meta: str  # (k, v)
    # put
    known: str  # (JSON of keys, JSON of uids) -> id, uid, key, message_id
    insert_letters: str  # (JSON) -> id, uid
    insert_recipients: str  # (JSON)
    insert_content: str  # many: letter_id, seq, octets, shared_id
    insert_shared: str  # (digest, octets, now) -> id
    put_one: str | None  # (see `_put`) -> id, where the letter is new; None: a single statement cannot do it
    # claim
    accounts: str  # () -> account, of every letter that is ready
    held_accounts: str  # () -> name, why, since, probe, failures
    hold_account: str  # (name, why, since, probe, failures)
    take_probe: str  # (name, now, next probe) -> name, where its time had come
    free_account: str  # (name) -> name
    hurry: str  # (account): what was tried and waits is ready
    lanes: str  # (JSON of accounts, after account, after lane, now, limit) -> account, lane: of which one may be sent
    lane_rules: str  # (JSON of lanes) -> name, paused, rate, tokens, refilled
    paused_lanes: str  # () -> name, number of letters that wait in it
    spend: str  # (JSON: name, tokens, refilled)
    begin_epoch: str  # (): see `_rules`
    ready: str  # (account, lane, limit) -> id, priority
    ready_one: str  # (id, now) -> account, lane
    claim: str  # (JSON of ids, owner) -> Claim without recipients and content
    waiting_recipients: str  # (JSON of ids) -> letter_id, n, address
    content: str  # (JSON of ids, the largest size that is wanted) -> letter_id, octets
    content_block: str  # (letter_id, seq) -> octets
    # fence
    lock: str  # (JSON of ids) -> LetterRow
    recipients: str  # (JSON of ids) -> RecipientRow
    mark: str  # (JSON: letter_id, n, token; now)
    change_recipients: str  # (JSON of RecipientChange; now)
    change_letters: str  # (JSON of LetterChange)
    insert_attempts: str  # (JSON of AttemptRow; now)
    insert_events: str  # (JSON of EventRow; now)
    working_of: str  # (owner) -> id
    lock_alone: str | None  # (JSON of ids): the same lock, without rows; None: each transaction has it
    # Each checks what its rule would: what is done is in the rows, and nothing is done for other letters.
    mark_swiftly: str  # (JSON: letter_id, n, token; now) -> letter_id of each recipient
    # Each (JSON: id, token, owner, summary; now; JSON: letter_id, n, reply, reason), the last -> letter_id. Where all
    # that is open was accepted, the letter is settled.
    accept: tuple[str, ...]
    # questions
    find: str  # (id as a person writes it: the whole of it, or its beginning) -> id, uid
    status: str  # (JSON of ids) -> StatusRow
    recipient_status: str  # (JSON of ids) -> letter_id, address, state, attempts, reply, reason, at
    attempts: str  # (letter_id) -> at, owner, summary
    first_attempts: str  # (JSON of ids) -> letter_id, at
    events: str  # (letter_id) -> id, uid, key, message_id, kind, at, data
    # (state, recipient's state, JSON of one address's spellings, lane, key, account, after, limit, how the address
    # begins), each null for any -> id
    select: str
    count_letters: str  # () -> account, state, count, oldest
    count_recipients: str  # (state) -> count
    # events
    take_events: str  # (owner, limit) -> id
    events_of: str  # (owner) -> id, uid, key, message_id, kind, at, data, in order
    tell: str  # (event's id)
    free_events: str  # (owner)
    # orders
    set_holding: str  # (bool, id)
    flush: str  # (account or null) -> id
    probe_now: str  # (account or null)
    add_lane: str  # (name, now)
    pause_lane: str  # (bool, name)
    rate_lane: str  # (rate or null, now, name)
    purge_content: str  # (settled before, limit) -> letter_id
    purge_letters: str  # (settled before, limit) -> id
    purge_shared: str  # (kept before, limit)
    # upkeep
    promote: str  # (now, limit) -> id
    hasten: str  # (latest, limit) -> id: what was tried and waits beyond that is ready
    any_delayed: str  # (latest) -> a row where such a letter is
    any_ready: str  # () -> a row where a letter is ready
    next_due: str  # () -> due
    count_beat: str | None  # () -> how many signs of life of workers there were
    add_worker: str  # (owner, host, pid, now, JSON of accounts or null for all)
    remove_worker: str  # (owner)
    owners: str  # () -> owner, of letters in work and of workers; when it was seen, or null; and its accounts as above
