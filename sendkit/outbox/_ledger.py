"""One thread that writes: each commit carries all that waited for it, and nobody is told before it is made.

Knows a database through `Database`, and threads; a fork gets a thread and a connection of its own.
Must not know: SQL, letters, mail.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from sendkit._lifetime import threads
from sendkit._lifetime.calls import interrupted
from sendkit._lifetime.forks import held_here, leave_behind, starts_over
from sendkit._lifetime.loops import running_loop
from sendkit.errors import ConfigurationError, OutboxError
from sendkit.outbox._fence import Announce, Ledger
from sendkit.outbox._statements import Batch, Final, Progress, Rows, Texts, Work

Item = TypeVar("Item")
Result = TypeVar("Result")
Task = Callable[[Ledger, Sequence[Item]], Work[Sequence[Result]]]

_MOST = 256  # wishes in one commit
_PATIENCE = 0.002  # seconds that what is patient waits for company


class How(Enum):
    """How something is done: in a commit that is on the disk; in one that is not waited for; without a change.

    What is LIGHT can be lost with the machine, or with a server that crashes, but not with this process. PATIENT is
    LIGHT too, and waits a moment for others to share its commit. READS waits for no lock.
    """

    AT_ONCE = "at once"
    LIGHT = "light"
    PATIENT = "patient"
    READS = "reads"


class Database(Protocol):
    """A connection to the tables, used by one thread at a time. Raises OutboxError, and nothing of the driver's."""

    @property
    def texts(self) -> Texts:
        """The statements in its words."""
        ...

    def now(self) -> float:
        """Its clock: seconds since the epoch."""
        ...

    def execute(self, batch: Batch) -> list[Rows]:
        """Carry out a batch in the transaction that is open."""
        ...

    def commit(self, batch: Batch, *, durable: bool = True) -> list[Rows]:
        """Carry out a batch in a transaction of its own, in as few turns as it takes; `durable` is as below."""
        ...

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[None]:
        """A transaction that writes: undone when the block raises, else on the disk when it has ended.

        One that need not be `durable` may be lost with the power, but not with the process, nor out of order.
        """
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """A transaction that only reads."""
        ...

    def identity(self) -> str | None:
        """What a copy of it does not have in common with it; None where it cannot be copied."""
        ...

    def beats(self) -> int:
        """How many signs of life of workers it has counted at least, as its surroundings know; 0 where they do not."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


@dataclass(slots=True)
class _Wish(Generic[Item, Result]):
    """Something that somebody waits for: a thread, or a coroutine of that loop."""

    task: Task[Item, Result]
    item: Item
    how: How
    done: Future[Result] | asyncio.Future[Result]
    loop: asyncio.AbstractEventLoop | None = None


_Wishes: TypeAlias = list[_Wish[Any, Any]]
_Work: TypeAlias = Progress[Sequence[Any]]


class Writer:
    """The thread, its queue and its connection, in this process. `open_database` is called on the thread itself."""

    def __init__(
        self,
        open_database: Callable[[], Database],
        prepare: Callable[[Database], None],
        announce: Announce | None = None,
    ) -> None:
        self._open_database = open_database
        self._prepare = prepare
        self._announce = announce
        self._closed = False
        self._database: Database | None = None
        self.start_over()
        starts_over(self)

    def start_over(self) -> None:
        """In the child of a fork neither the thread nor the connection is ours."""
        leave_behind(self._database)
        self._lock = threading.RLock()  # under gevent one of greenlets: they take turns while a thread starts
        self._queue: queue.SimpleQueue[_Wish[Any, Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._database = None

    def submit(self, task: Task[Item, Result], item: Item, how: How = How.AT_ONCE) -> Future[Result]:
        """Have something done; the future is told when it is committed."""
        done: Future[Result] = Future()
        self._put(_Wish(task, item, how, done))
        return done

    def _put(self, wish: _Wish[Any, Any]) -> None:
        if self._closed:
            hint = "use it inside its `with` block, or make a new one"
            raise ConfigurationError("this outbox is closed", hint=hint)
        if self._thread is None or not self._thread.is_alive():
            self._start()
        self._queue.put(wish)

    def _start(self) -> None:
        """Start the thread. Raises SendkitError in a signal handler or finalizer that has interrupted just that."""
        if held_here(self._lock):
            raise interrupted()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = started(self._run)

    def call(self, task: Task[Item, Result], item: Item, how: How = How.AT_ONCE) -> Result:
        """Have something done, and wait for it."""
        return self.submit(task, item, how).result()

    async def acall(self, task: Task[Item, Result], item: Item, how: How = How.AT_ONCE) -> Result:
        """The same for a coroutine. One that is cancelled does not take back what it asked for."""
        loop = running_loop("AsyncOutbox", "outbox.put, message")
        done: asyncio.Future[Result] = loop.create_future()
        self._put(_Wish(task, item, how, done, loop))
        return await done

    def close(self) -> None:
        """Do what is asked for already, and end."""
        self._closed = True
        if self._thread is not None and self._thread.is_alive():
            self._queue.put(None)
            if self._thread is not threading.current_thread():
                self._thread.join()

    def _run(self) -> None:
        wishes: list[_Wish[Any, Any]] = []
        try:
            while (wish := self._queue.get()) is not None:
                wishes, last = self._waiting(wish)
                self._grant(wishes)
                if last:
                    return
        finally:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _waiting(self, first: _Wish[Any, Any]) -> tuple[list[_Wish[Any, Any]], bool]:
        """The wish and all that have come since; True where nothing may follow them.

        Verdicts wait a moment for the mark of the next letter.
        """
        wishes, patient = [first], first.how is How.PATIENT
        with contextlib.suppress(queue.Empty):
            while len(wishes) < _MOST:
                wish = self._queue.get(timeout=_PATIENCE) if patient else self._queue.get_nowait()
                if wish is None:
                    return wishes, True
                wishes.append(wish)
                patient = patient and wish.how is How.PATIENT
        return wishes, False

    def _grant(self, wishes: list[_Wish[Any, Any]]) -> None:
        try:
            database = self._connected()
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told
            _tell([(wish, error) for wish in wishes])
            return
        for wish in wishes:
            if wish.how is How.READS:
                self._carry_out(database, [wish])
        writing = [wish for wish in wishes if wish.how is not How.READS]
        if writing and not self._carry_out(database, writing, alone=len(writing) == 1):
            for wish in writing:  # one of them may be at fault: each in a transaction of its own
                self._carry_out(database, [wish])

    def _connected(self) -> Database:
        if self._database is None:
            database = self._open_database()
            try:
                self._prepare(database)
            except BaseException:
                database.close()
                raise
            self._database = database
        return self._database

    def _carry_out(self, database: Database, wishes: list[_Wish[Any, Any]], *, alone: bool = True) -> bool:
        results: list[tuple[_Wish[Any, Any], object]] = []
        try:
            for work, alike in self._carried_out(database, wishes):
                results += zip(alike, work.result, strict=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told
            if not alone:
                return False
            results = [(wish, error) for wish in wishes]
        _tell(results)
        return True

    def _carried_out(self, database: Database, wishes: list[_Wish[Any, Any]]) -> list[tuple[_Work, _Wishes]]:
        ledger = Ledger(database.texts, database.now, self._announce)
        works = [
            (Progress(task(ledger, [wish.item for wish in alike])), alike) for task, alike in _grouped(wishes).items()
        ]
        durable = any(wish.how is How.AT_ONCE for wish in wishes)
        commit_at_once([work for work, _ in works], database, durable=durable)
        if any(work.asks is not None for work, _ in works):
            with database.snapshot() if wishes[0].how is How.READS else database.transaction(durable=durable):
                for work, _ in works:
                    work.to_the_end(database.execute)
        return works


def started(run: Callable[[], None], name: str = "sendkit-outbox") -> threading.Thread:
    """A daemon thread that runs it. Raises OutboxError."""
    try:
        return threads.start_thread(run, name=name)
    except threads.NoThread as error:
        raise OutboxError(f"an outbox needs a thread of its own, and {error.strerror}") from error


def _grouped(wishes: _Wishes) -> dict[Task[Any, Any], _Wishes]:
    groups: dict[Task[Any, Any], _Wishes] = {}
    for wish in wishes:
        groups.setdefault(wish.task, []).append(wish)
    return groups


def commit_at_once(works: Sequence[_Work], database: Database, *, durable: bool) -> None:
    """Where each piece of work has one batch that is all of it, they are committed together, and then read."""
    batches = [work.asks.batch for work in works if isinstance(work.asks, Final)]
    if len(batches) < len(works):
        return
    rows = iter(database.commit(tuple(chain.from_iterable(batches)), durable=durable))
    for work, batch in zip(works, batches, strict=True):
        work.hear([next(rows) for _ in batch])


def _tell(results: Sequence[tuple[_Wish[Any, Any], object]]) -> None:
    """Tell those who wait; each loop is woken once for all of its coroutines."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[_Wish[Any, Any], object]]] = {}
    for wish, result in results:
        if wish.loop is None:
            _resolve(wish, result)
        else:
            loops.setdefault(wish.loop, []).append((wish, result))
    for loop, some in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it who waited
            loop.call_soon_threadsafe(_resolve_all, some)


def _resolve_all(results: Sequence[tuple[_Wish[Any, Any], object]]) -> None:
    for wish, result in results:
        _resolve(wish, result)


def _resolve(wish: _Wish[Any, Any], result: object) -> None:
    if wish.done.cancelled():
        return
    if isinstance(result, Exception):
        wish.done.set_exception(result)
    else:
        wish.done.set_result(result)
