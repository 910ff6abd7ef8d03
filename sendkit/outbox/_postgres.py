"""PostgreSQL as the database of an outbox: many workers on many machines, on the server's clock (psycopg 3).

Each transaction is READ COMMITTED, whatever the server's default is, and its commit is on the disk when it returns,
or, where it need not be, with the next one that is.
A connection that broke is replaced at the next transaction. Behind a pooler (PgBouncer), which may give each
transaction another session of the server, nothing is left in a session: no setting, and no prepared statement.
Must not know letters.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import TypeAlias

import psycopg
from psycopg.rows import tuple_row

from sendkit.errors import ConfigurationError, OutboxError
from sendkit.outbox._postgres_texts import POSTGRES
from sendkit.outbox._statements import Batch, Rows, Statement, Texts

_Cursor: TypeAlias = "psycopg.RawCursor[tuple[object, ...]]"
_OLDEST = 120000
_NOW = "select extract(epoch from clock_timestamp())::double precision"
# What writes names its few rows by an index, whatever the arguments are and however small the tables still were when
# it was planned: plans are kept, and none reads a whole table or index. What reads is planned as usual.
_PLANS = {"plan_cache_mode": "force_generic_plan"} | dict.fromkeys(
    ("enable_seqscan", "enable_hashjoin", "enable_mergejoin"), "off"
)
_USUAL = {"plan_cache_mode": "auto"} | dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin"), "on")
_PATIENCE = 30  # seconds until who waits for a lock is told so
_SESSION = _PLANS | {
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "jit": "off",  # it would take longer than any statement
    "lock_timeout": f"{_PATIENCE}s",
}
_NOW_READING = ", ".join([_NOW, *(f"set_config('{name}', '{value}', true)" for name, value in _USUAL.items())])
IDENTITY = """select 'system ' || system_identifier || ', database ' ||
 (select oid from pg_database where datname = current_database()) from pg_control_system()"""
DATABASE_ALONE = "select 'database ' || oid from pg_database where datname = current_database()"
_FRESH = 1.0  # seconds


class Clock:
    """The server's clock, read with each transaction, and followed by this machine's in between."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self._read_at = float("-inf")  # by the clock that runs on while a machine sleeps

    def set(self, now: float) -> None:
        """Set the time of the server."""
        self._offset = now - time.monotonic()
        self._read_at = time.time()

    @property
    def fresh(self) -> bool:
        """Whether it was read a moment ago."""
        return abs(time.time() - self._read_at) < _FRESH

    def now(self) -> float:
        """The time of the server, in seconds."""
        return time.monotonic() + self._offset


class PostgresDatabase:
    """One connection, for one thread at a time."""

    texts: Texts = POSTGRES

    def __init__(self, url: str, name: str, clock: Clock) -> None:
        self._url = url
        self._name = name
        self._clock = clock
        self._asked: psycopg.Cursor[tuple[object, ...]] | None = None  # for the time
        self._durable: bool | None = None  # whether commits are waited for
        self._waits = "on"  # what they are then
        self._of_each = b""  # what sets up each transaction, where a session may be another one's at the next
        self._connection = self._connected()

    def now(self) -> float:
        """The server's clock."""
        return self._clock.now()

    def execute(self, batch: Batch) -> list[Rows]:
        """Carry out one batch in one go, in the transaction that is open."""
        cursors = [self._begun(statement) for statement in batch]
        found = [[] if cursor is None else cursor.fetchall() for cursor in cursors]
        self._read_clock()
        return found

    def commit(self, batch: Batch, *, durable: bool = True) -> list[Rows]:
        """Carry out a batch in a transaction of its own, in one round trip.

        Where the connection breaks, nobody knows whether it was committed: it is carried out again on a new one.
        """
        try:
            return self._commit(batch, durable=durable)
        except OutboxError:
            if not self._connection.closed:
                raise
        return self._commit(batch, durable=durable)

    def _commit(self, batch: Batch, *, durable: bool) -> list[Rows]:
        # A single statement is a transaction, and so are all up to the end of a pipeline.
        if self._of_each or not psycopg.Pipeline.is_supported():
            with self.transaction(durable=durable):
                return self.execute(batch)
        self._reconnect()
        with translating(self._name):
            try:
                if self._durable is durable and len(batch) == 1:
                    cursors = [self._begun(batch[0])]
                else:
                    with self._connection.pipeline():
                        self._make_durable(durable)
                        cursors = [self._begun(statement) for statement in batch]
                return [[] if cursor is None else cursor.fetchall() for cursor in cursors]
            except BaseException:
                self._asked = None
                self._undo()
                raise

    def _make_durable(self, durable: bool) -> None:
        """Have commits waited for from now on, or not; one that is undone takes this with it (see `_undo`)."""
        if self._of_each:
            value = self._waits if durable else "off"
            last = f", set_config('synchronous_commit', '{value}', true)"
            self._connection.execute(self._of_each + last.encode())
        elif self._durable is not durable:
            value = self._waits if durable else "off"
            self._connection.execute(f"select set_config('synchronous_commit', '{value}', false)".encode())
            self._durable = durable

    def _begun(self, statement: Statement) -> _Cursor | None:
        """A statement that is on its way; None where it gives no rows, so that nobody waits for it before the end."""
        cursor = psycopg.RawCursor(self._connection)
        if statement.many:
            cursor.executemany(statement.sql, statement.arguments)  # type: ignore[arg-type]  # rows, where `many` is set
            return None
        cursor.execute(statement.sql.encode(), arguments_of(statement))
        return cursor if gives_rows(statement.sql) else None

    def _read_clock(self) -> None:
        if self._asked is not None:
            asked, self._asked = self._asked, None
            row = asked.fetchone()
            self._clock.set(float(str(row[0] if row else None)))

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Generator[None]:
        """A writing transaction, which is on the disk at its end; one that need not be is there a moment later."""
        yield from self._within("begin isolation level read committed read write", _NOW, durable=durable)

    @contextmanager
    def snapshot(self) -> Generator[None]:
        """A reading transaction."""
        yield from self._within("begin isolation level repeatable read read only", _NOW_READING)

    def _within(self, begin: str, time_of: str, *, durable: bool | None = None) -> Generator[None]:
        self._reconnect()
        with translating(self._name):
            try:
                # Statements go out together; whoever waits for rows waits for all before them. The block ends when the
                # server has answered the commit, and not before: in a pipeline, `execute` says nothing.
                with self._pipeline():
                    self._connection.execute(begin.encode())
                    if durable is not None:
                        self._make_durable(durable)
                    self._asked = self._connection.execute(time_of.encode())
                    if not self._clock.fresh:
                        self._read_clock()
                    yield
                    self._connection.execute("commit")
                self._read_clock()
            except BaseException:
                self._asked = None
                self._undo()
                raise

    def _reconnect(self) -> None:
        if self._connection.closed:
            self._connection = self._connected()

    def _pipeline(self) -> AbstractContextManager[object]:
        """One where the client library can (libpq 14)."""
        return self._connection.pipeline() if psycopg.Pipeline.is_supported() else nullcontext()

    def _undo(self) -> None:
        self._durable = None  # nobody knows
        try:
            self._connection.execute("rollback")
        except psycopg.Error:  # it is broken, so that the server undoes it; the next transaction has another one
            self._connection.close()

    def identity(self) -> str | None:
        """The server's system identifier and the database's number: a copy, and a restored dump, has others."""
        with translating(self._name):
            return identity_of(self._connection)

    def beats(self) -> int:
        """Nobody but the server knows any."""
        return 0

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _connected(self) -> psycopg.Connection[tuple[object, ...]]:
        with translating(self._name):
            connection = connect(self._url)
            if connection.info.server_version < _OLDEST:
                connection.close()
                hint = "use a newer server; 12 came in 2019"
                raise ConfigurationError(f"the PostgreSQL of {self._name} is older than 12", hint=hint)
            # A receipt holds although the power goes, also where the server's usual is faster.
            usual = str(_value(connection, "show synchronous_commit"))
            self._waits, self._durable = "on" if usual == "off" else usual, True
            if is_pooled(connection):
                connection.prepare_threshold = None
                self._of_each = _setting(_SESSION, alone=True)
                return connection
            self._of_each = b""
            connection.execute(_setting(_SESSION | {"synchronous_commit": self._waits}))
            return connection


def _setting(settings: dict[str, str], *, alone: bool = False) -> bytes:
    """The statement that makes these settings, for the session or for one transaction `alone`."""
    local = str(alone).lower()
    calls = (f"set_config('{name}', '{value}', {local})" for name, value in settings.items())
    return f"select {', '.join(calls)}".encode()


def is_pooled(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether something stands between us and the server that has sessions of its own, such as PgBouncer.

    It names a process to its clients (for a cancel request) that is not the one which answers.
    """
    return connection.info.backend_pid != _value(connection, "select pg_backend_pid()")


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection that begins and ends its transactions by hand."""
    return psycopg.connect(url, autocommit=True, application_name="sendkit outbox", connect_timeout=10)


def identity_of(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """What identifies a database, and differs in every copy of it."""
    try:
        return str(_value(connection, IDENTITY))
    except psycopg.errors.InsufficientPrivilege:
        return str(_value(connection, DATABASE_ALONE))


def _value(connection: psycopg.Connection[tuple[object, ...]], sql: str) -> object:
    row = psycopg.Cursor(connection, row_factory=tuple_row).execute(sql.encode()).fetchone()
    return None if row is None else row[0]


@cache
def gives_rows(sql: str) -> bool:
    """Whether a statement has rows to give."""
    return sql.startswith(("select", "with")) or "returning " in sql


def carried_out(cursor: psycopg.RawCursor[tuple[object, ...]], statement: Statement) -> Rows:
    """The rows of one statement."""
    if statement.many:
        cursor.executemany(statement.sql, statement.arguments)  # type: ignore[arg-type]  # rows, where `many` is set
        return []
    cursor.execute(statement.sql.encode(), arguments_of(statement))
    return cursor.fetchall() if gives_rows(statement.sql) else []


def arguments_of(statement: Statement) -> list[object]:
    """Its arguments as PostgreSQL takes them."""
    # jsonb and text hold no NUL; nothing of a message is among these, but a server's reply may be.
    return [one.replace("\\u0000", "\\ufffd") if isinstance(one, str) else one for one in statement.arguments]


@contextmanager
def translating(name: str) -> Generator[None]:
    """Raise OutboxError for PostgreSQL's errors."""
    try:
        yield
    except psycopg.Error as error:
        raise translated(error, name) from error


def translated(error: psycopg.Error, name: str) -> OutboxError:
    """PostgreSQL's error in words that say what to do. Nothing that had a receipt is lost by any of them."""
    where, text = f"the outbox {name}", str(error).strip().split("\n")[0]
    for kinds, problem, hint in _FAULTS:
        if isinstance(error, kinds):
            lasting = isinstance(error, psycopg.errors.InsufficientPrivilege)
            return OutboxError(f"{where} {problem.format(text)}", hint=hint, transient=not lasting)
    return OutboxError(f"{where}: {text}", hint="`sendkit outbox doctor` looks at the database")


_FAULTS: tuple[tuple[tuple[type[psycopg.Error], ...], str, str], ...] = (
    (
        (psycopg.errors.LockNotAvailable,),
        f"is locked for more than {_PATIENCE} s",
        "another transaction holds letters: one that waits for a person, or a program that is stopped; end it",
    ),
    (
        (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure),
        "could not be changed, since another transaction changed the same: {}",
        "do it again; the other transaction was carried out",
    ),
    (
        (psycopg.errors.InsufficientPrivilege,),
        "does not let this role in: {}",
        "grant this role the tables; `sendkit outbox migrate --sql` prints what makes them",
    ),
    (
        (psycopg.errors.ReadOnlySqlTransaction,),
        "cannot be written: the server is read-only, or the transaction is",
        "name the primary server, and begin a transaction that may write",
    ),
    (
        (psycopg.errors.InFailedSqlTransaction,),
        "was given a transaction that has failed already",
        "roll it back, and begin another one",
    ),
    (
        (psycopg.errors.DiskFull,),
        "cannot grow: no space is left",
        "make room on the server's disk; what has a receipt is kept, and what failed now is not",
    ),
    (
        (psycopg.OperationalError, psycopg.InterfaceError),
        "cannot be reached: {}",
        "see that the server runs and lets this user in; letters that have a receipt are kept",
    ),
)
