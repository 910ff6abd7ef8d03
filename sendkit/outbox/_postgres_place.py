"""A place in PostgreSQL, and the transactions of a program in which letters may be put there (psycopg 3)."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from sendkit._lifetime import threads
from sendkit.errors import ConfigurationError, OutboxError
from sendkit.outbox._borrowed import Lender, autocommitting
from sendkit.outbox._listener import listening
from sendkit.outbox._liveness import HeartbeatLiveness
from sendkit.outbox._place import Place
from sendkit.outbox._postgres import (
    DATABASE_ALONE,
    IDENTITY,
    Clock,
    PostgresDatabase,
    arguments_of,
    carried_out,
    gives_rows,
    identity_of,
    translated,
    translating,
)
from sendkit.outbox._postgres_texts import POSTGRES
from sendkit.outbox._schema import preparation, prepare
from sendkit.outbox._statements import Batch, Rows, Statement, Texts, Work, carry_out, carry_out_async

Result = TypeVar("Result")


@dataclass(slots=True, frozen=True)
class _Lender:
    """A psycopg connection of the program's, whose transaction is open."""

    connection: psycopg.Connection[tuple[object, ...]]
    name: str
    texts: Texts = POSTGRES

    def execute(self, batch: Batch) -> list[Rows]:
        """Carry out one batch."""
        with translating(self.name):
            return [
                carried_out(psycopg.RawCursor(self.connection, row_factory=tuple_row), statement) for statement in batch
            ]

    async def carry_out(self, work: Work[Result]) -> Result:
        """Carry out work."""
        return carry_out(work, self.execute)

    async def check(self, identity: str) -> None:
        """Raise ConfigurationError for a connection of another database, and make the tables where there are none."""
        with translating(self.name):
            if identity_of(self.connection) != identity:
                raise _another_database(self.name)
        await self.carry_out(preparation(POSTGRES))


@dataclass(slots=True, frozen=True)
class _AsyncLender:
    """An asynchronous psycopg connection of the program's, whose transaction is open."""

    connection: psycopg.AsyncConnection[tuple[object, ...]]
    name: str
    texts: Texts = POSTGRES

    async def carry_out(self, work: Work[Result]) -> Result:
        """Carry out work."""
        return await carry_out_async(work, self._all)

    async def _all(self, batch: Batch) -> list[Rows]:
        return [await self._one(statement) for statement in batch]

    def translating(self) -> AbstractContextManager[None]:
        """Raise OutboxError for the driver's errors."""
        return translating(self.name)

    async def _one(self, statement: Statement) -> Rows:
        with self.translating():
            cursor = psycopg.AsyncRawCursor(self.connection, row_factory=tuple_row)
            if statement.many:
                await cursor.executemany(statement.sql, statement.arguments)  # type: ignore[arg-type]  # rows
                return []
            await cursor.execute(statement.sql.encode(), arguments_of(statement))
            return await cursor.fetchall() if gives_rows(statement.sql) else []

    async def check(self, identity: str) -> None:
        """As the synchronous one."""
        for sql in (IDENTITY, DATABASE_ALONE):
            try:
                with self.translating():
                    async with self.connection.transaction():  # a savepoint
                        ((found,),) = await self._one(Statement(sql))
            except OutboxError:  # this user may not ask for the system's identifier
                if sql == DATABASE_ALONE:
                    raise
                continue
            if found != identity:
                raise _another_database(self.name)
            break
        await self.carry_out(preparation(POSTGRES))


@dataclass(slots=True, frozen=True)
class _AsyncpgLender(_AsyncLender):
    """The same of asyncpg, whose statements and transactions are written alike."""

    connection: Any

    async def _one(self, statement: Statement) -> Rows:
        with self.translating():
            if statement.many:
                await self.connection.executemany(statement.sql, statement.arguments)
                return []
            return [tuple(row) for row in await self.connection.fetch(statement.sql, *arguments_of(statement))]

    @contextmanager
    def translating(self) -> Generator[None]:
        """Raise OutboxError for those of asyncpg."""
        try:
            yield
        except OutboxError:
            raise
        except Exception as error:
            if (state := getattr(error, "sqlstate", None)) is None:
                raise OutboxError(f"the outbox {self.name}: {error}", hint="see that the connection is open") from error
            raise translated(psycopg.errors.lookup(state)(str(error)), self.name) from error

    def check_begun(self) -> None:
        """Raise OutboxError for a connection that is closed, ConfigurationError for one without a transaction."""
        with self.translating():  # one that is its pool's again says nothing
            closed, begun = self.connection.is_closed(), self.connection.is_in_transaction()
        if closed:
            raise OutboxError(f"the outbox {self.name}: the connection is closed", hint="use it while it is open")
        if not begun:
            raise autocommitting("put it inside `async with connection.transaction():`")


def _another_database(name: str) -> ConfigurationError:
    hint = f"the outbox is at {name}; give it the program's own database: Outbox('postgresql://HOST/NAME')"
    return ConfigurationError("transaction= is of another database than the outbox", hint=hint)


def place(url: str) -> Place:
    """The place of a PostgreSQL URL; its name shows no password."""
    scheme, _, rest = url.partition("://")
    url, name = f"{scheme.partition('+')[0]}://{rest}", _without_password(url)
    clock = Clock()

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


def _lent(connection: Any, url: str, name: str) -> Lender:
    if type(connection).__module__.startswith("asyncpg.") and hasattr(connection, "is_in_transaction"):
        lender = _AsyncpgLender(connection, name)
        lender.check_begun()
        return _Checked(lender, url)
    if not isinstance(connection, psycopg.Connection | psycopg.AsyncConnection):
        hint = "give a connection of psycopg 3 or asyncpg itself, which lends its transaction"
        what = f"{type(connection).__qualname__} of {type(connection).__module__.partition('.')[0]}"  # pyright: ignore[reportUnknownArgumentType] - of any kind
        raise ConfigurationError(f"transaction= cannot be a {what}", hint=hint)
    status = connection.info.transaction_status
    if connection.autocommit and status == TransactionStatus.IDLE:
        raise autocommitting("put it inside `with connection.transaction():`")
    if status == TransactionStatus.INERROR:
        raise ConfigurationError("the transaction has failed already", hint="roll it back, and begin another one")
    if isinstance(connection, psycopg.Connection):
        return _Checked(_Lender(connection, name), url)  # pyright: ignore[reportUnknownArgumentType] - its rows are of any kind
    return _Checked(_AsyncLender(connection, name), url)  # pyright: ignore[reportUnknownArgumentType] - as above


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
            identity = partial(_identity_at, self.url, self.lender.name)
            waits = isinstance(self.lender, _AsyncLender)
            await self.lender.check(await threads.run(identity) if waits else identity())
            self.checked = True
        return await self.lender.carry_out(work)


_identities: dict[str, str] = {}


def _identity_at(url: str, name: str) -> str:
    """The identity of the outbox's own database, asked for once, and its tables made.

    If the program's transaction made them, nobody else could read or put anything until it ends.
    """
    if url not in _identities:
        database = PostgresDatabase(url, name, Clock())
        try:
            prepare(database)
            _identities[url] = str(database.identity())
        finally:
            database.close()
    return _identities[url]


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}", query=""))
