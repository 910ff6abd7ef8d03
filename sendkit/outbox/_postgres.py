"""PostgreSQL as the database of an outbox: many workers on many machines, on the server's clock (psycopg 3).

Each transaction is READ COMMITTED, whatever the server's default is, and its commit is on the disk when it returns.
A connection that broke is replaced at the next transaction. Must not know letters.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.pq import TransactionStatus

from sendkit.errors import ConfigurationError, OutboxError
from sendkit.outbox._borrowed import Lender, autocommitting
from sendkit.outbox._listener import listening
from sendkit.outbox._liveness import HeartbeatLiveness
from sendkit.outbox._place import Place
from sendkit.outbox._postgres_texts import POSTGRES
from sendkit.outbox._schema import check_version, migration
from sendkit.outbox._statements import Aside, Batch, Rows, Statement, Texts, Work, carry_out

Result = TypeVar("Result")
_OLDEST = 120000
_NOW = "select extract(epoch from clock_timestamp())::double precision"
_IDENTITY = """select 'system ' || system_identifier || ', database ' ||
 (select oid from pg_database where datname = current_database()) from pg_control_system()"""
_DATABASE_ALONE = "select 'database ' || oid from pg_database where datname = current_database()"
_PATIENCE = 30  # seconds until who waits for a lock is told so


class _Clock:
    """The server's clock, read with each transaction, and followed by this machine's in between."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def set(self, now: float) -> None:
        self._offset = now - time.monotonic()

    def now(self) -> float:
        return time.monotonic() + self._offset


class PostgresDatabase:
    """One connection, for one thread at a time."""

    texts: Texts = POSTGRES

    def __init__(self, url: str, name: str, clock: _Clock) -> None:
        self._url = url
        self._name = name
        self._clock = clock
        self._connection = self._connected()

    def now(self) -> float:
        """The server's clock."""
        return self._clock.now()

    def execute(self, batch: Batch) -> list[Rows]:
        """Carry out one batch, in the transaction that is open."""
        return [_one(psycopg.RawCursor(self._connection), statement) for statement in batch]

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[None]:
        """A writing transaction, which is on the disk at its end in any case.

        A server that crashed must not have forgotten a claim: a worker of another machine may still be working on it,
        and the next one would get the same token.
        """
        yield from self._within("begin isolation level read committed read write")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A reading transaction."""
        yield from self._within("begin isolation level repeatable read read only")

    def _within(self, begin: str) -> Iterator[None]:
        if self._connection.closed:
            self._connection = self._connected()
        with _translated(self._name):
            try:
                self._connection.execute(begin)
                self._clock.set(float(str(_value(self._connection, _NOW))))
                yield
                self._connection.execute("commit")
            except BaseException:
                self._undo()
                raise

    def _undo(self) -> None:
        try:
            self._connection.execute("rollback")
        except psycopg.Error:  # it is broken, so that the server undoes it; the next transaction has another one
            self._connection.close()

    def identity(self) -> str | None:
        """The server's system identifier and the database's number: a copy, and a restored dump, has others."""
        with _translated(self._name):
            return identity_of(self._connection)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _connected(self) -> psycopg.Connection[tuple[object, ...]]:
        with _translated(self._name):
            connection = connect(self._url)
            if connection.info.server_version < _OLDEST:
                connection.close()
                hint = "use a newer server; 12 came in 2019"
                raise ConfigurationError(f"the PostgreSQL of {self._name} is older than 12", hint=hint)
            connection.execute(f"set lock_timeout = '{_PATIENCE}s'")
            # A receipt holds although the power goes, also where the server's usual is faster.
            if _value(connection, "show synchronous_commit") == "off":
                connection.execute("set synchronous_commit = on")
            return connection


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection that begins and ends its transactions by hand."""
    return psycopg.connect(url, autocommit=True, application_name="sendkit outbox", connect_timeout=10)


def identity_of(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """What a database has in common with no copy of it."""
    try:
        return str(_value(connection, _IDENTITY))
    except psycopg.errors.InsufficientPrivilege:
        return str(_value(connection, _DATABASE_ALONE))


def _value(connection: psycopg.Connection[tuple[object, ...]], sql: str) -> object:
    row = connection.execute(sql).fetchone()
    return None if row is None else row[0]


def _one(cursor: psycopg.RawCursor[tuple[object, ...]], statement: Statement) -> Rows:
    if statement.many:
        cursor.executemany(statement.sql, statement.arguments)  # type: ignore[arg-type]  # rows, where `many` is set
        return []
    cursor.execute(statement.sql, _arguments(statement))
    return [] if cursor.description is None else cursor.fetchall()


def _arguments(statement: Statement) -> list[object]:
    # jsonb and text hold no NUL; nothing of a message is among these, but a server's reply may be.
    return [one.replace("\\u0000", "\\ufffd") if isinstance(one, str) else one for one in statement.arguments]


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise translated(error, name) from error


def translated(error: psycopg.Error, name: str) -> OutboxError:
    """PostgreSQL's error in words that say what to do. Nothing that had a receipt is lost by any of them."""
    where, text = f"the outbox {name}", str(error).strip().split("\n")[0]
    if isinstance(error, psycopg.errors.LockNotAvailable):
        hint = "another transaction holds letters: one that waits for a person, or a program that is stopped; end it"
        return OutboxError(f"{where} is locked for more than {_PATIENCE} s", hint=hint, transient=True)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        hint = "grant this role the tables; `sendkit outbox migrate --sql` prints what makes them"
        return OutboxError(f"{where} does not let this role in: {text}", hint=hint)
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return OutboxError(f"{where} is on a server that is read-only", hint="name the primary server", transient=True)
    if isinstance(error, psycopg.errors.DiskFull):
        hint = "make room on the server's disk; what has a receipt is kept, and this put is not"
        return OutboxError(f"{where} cannot grow: no space is left", hint=hint, transient=True)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        hint = "see that the server runs and lets this user in; letters that have a receipt are kept"
        return OutboxError(f"{where} cannot be reached: {text}", hint=hint, transient=True)
    hint = "`sendkit outbox doctor` looks at the database"
    return OutboxError(f"{where}: {text}", hint=hint, transient=isinstance(error, psycopg.errors.DeadlockDetected))


@dataclass(slots=True, frozen=True)
class _Lender:
    """A psycopg connection of the program's, whose transaction is open."""

    connection: psycopg.Connection[tuple[object, ...]]
    name: str
    texts: Texts = POSTGRES

    def execute(self, batch: Batch) -> list[Rows]:
        """Carry out one batch."""
        with _translated(self.name):
            return [_one(psycopg.RawCursor(self.connection), statement) for statement in batch]

    async def carry_out(self, work: Work[Result]) -> Result:
        """Carry out work."""
        return carry_out(work, self.execute)

    async def check(self, identity: str) -> None:
        """Raise ConfigurationError for a connection of another database, and make the tables where there are none."""
        with _translated(self.name):
            if identity_of(self.connection) != identity:
                raise _another_database(self.name)
        await _prepare(self)


@dataclass(slots=True, frozen=True)
class _AsyncLender:
    """An asynchronous psycopg connection of the program's, whose transaction is open."""

    connection: psycopg.AsyncConnection[tuple[object, ...]]
    name: str
    texts: Texts = POSTGRES

    async def carry_out(self, work: Work[Result]) -> Result:
        """Carry out work."""
        try:
            batch = next(work)
            while True:
                if isinstance(batch, Aside):
                    raise _no_aside()
                batch = work.send([await self._one(statement) for statement in batch])
        except StopIteration as stop:
            result: Result = stop.value
            return result

    async def _one(self, statement: Statement) -> Rows:
        with _translated(self.name):
            cursor = psycopg.AsyncRawCursor(self.connection)
            if statement.many:
                await cursor.executemany(statement.sql, statement.arguments)  # type: ignore[arg-type]  # rows
                return []
            await cursor.execute(statement.sql, _arguments(statement))
            return [] if cursor.description is None else await cursor.fetchall()

    async def check(self, identity: str) -> None:
        """As the synchronous one."""
        for sql in (_IDENTITY, _DATABASE_ALONE):
            with _translated(self.name):
                async with self.connection.transaction():
                    try:
                        ((found,),) = await self._one(Statement(sql))
                    except OutboxError:
                        continue
            if found != identity:
                raise _another_database(self.name)
            break
        await _prepare(self)


async def _prepare(lender: _Lender | _AsyncLender) -> None:
    def prepared() -> Work[None]:
        (rows,) = yield (Statement(POSTGRES.has_meta),)
        found = 0
        if rows:
            (rows,) = yield (Statement(POSTGRES.meta, ("version",)),)
            found = int(rows[0][0]) if rows else 0
        check_version(found, POSTGRES)
        if found < len(POSTGRES.schema):
            yield (Statement(POSTGRES.lock_schema),)
            yield migration(POSTGRES, found)

    await lender.carry_out(prepared())


def _another_database(name: str) -> ConfigurationError:
    hint = f"the outbox is at {name}; give it the program's own database: Outbox('postgresql://HOST/NAME')"
    return ConfigurationError("transaction= is of another database than the outbox", hint=hint)


def _no_aside() -> ConfigurationError:
    hint = "put it with a synchronous connection, or let the worker's own engine find it"
    return ConfigurationError("this engine cannot be told inside an asynchronous transaction", hint=hint)


def place(url: str) -> Place:
    """The place of a PostgreSQL URL; its name shows no password."""
    scheme, _, rest = url.partition("://")
    url, name = f"{scheme.partition('+')[0]}://{rest}", _without_password(url)
    clock = _Clock()

    def lend(connection: object) -> Lender:
        return _lent(connection, url, name)

    return Place(
        name,
        lambda: PostgresDatabase(url, name, clock),
        HeartbeatLiveness(),
        clock.now,
        POSTGRES,
        lend=lend,
        listen=lambda wake: listening(url, wake),
    )


def _lent(connection: object, url: str, name: str) -> Lender:
    if not isinstance(connection, psycopg.Connection | psycopg.AsyncConnection):
        raise ConfigurationError("transaction= is no connection of psycopg 3", hint="psycopg2 is not supported")
    status = connection.info.transaction_status
    if connection.autocommit and status == TransactionStatus.IDLE:
        raise autocommitting("put it inside `with connection.transaction():`")
    if status == TransactionStatus.INERROR:
        raise ConfigurationError("the transaction has failed already", hint="roll it back, and begin another one")
    if isinstance(connection, psycopg.Connection):
        return _Checked(_Lender(connection, name), url)
    return _Checked(_AsyncLender(connection, name), url)


@dataclass(slots=True)
class _Checked:
    """A lender that is looked at before its first use: reading its database's identity takes a statement of its own."""

    lender: _Lender | _AsyncLender
    url: str
    checked: bool = False
    texts: Texts = POSTGRES

    async def carry_out(self, work: Work[Result]) -> Result:
        """Carry out work."""
        if not self.checked:
            await self.lender.check(_identity_at(self.url, self.lender.name))
            self.checked = True
        return await self.lender.carry_out(work)


_identities: dict[str, str] = {}


def _identity_at(url: str, name: str) -> str:
    """The identity of the outbox's own database, asked for once."""
    if url not in _identities:
        with _translated(name), connect(url) as own:
            _identities[url] = identity_of(own)
    return _identities[url]


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}", query=""))
