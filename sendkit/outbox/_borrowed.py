"""A put inside a transaction of the program's: the letter is there if and only if that commits.

Recognises the connections of sqlite3, aiosqlite, psycopg, asyncpg, SQLAlchemy and Django by the names of their classes,
so that none of them is imported here. The transaction is never ended here. Must not know letters.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from sendkit._lifetime import threads
from sendkit.errors import ConfigurationError, OutboxError
from sendkit.outbox._place import Place
from sendkit.outbox._schema import preparation, prepare
from sendkit.outbox._sqlite import bound, execute_on, translated
from sendkit.outbox._statements import Batch, Rows, Statement, Texts, Work, ask, carry_out, carry_out_async

Result = TypeVar("Result")
_TAKEN = (
    "give a connection of sqlite3, aiosqlite, psycopg or asyncpg, a session or connection of SQLAlchemy, or a Django "
    "connection, of the outbox's own database"
)


class Lender(Protocol):
    """A transaction of the program's, in which work of ours is carried out."""

    @property
    def texts(self) -> Texts:
        """The statements in its database's words."""
        ...

    async def carry_out(self, work: Work[Result]) -> Result:
        """Carry out work in it. Raises OutboxError."""
        ...


def lender_of(transaction: object, place: Place, *, waits: bool = True) -> Lender:
    """What lends its transaction; `waits`: it may be an asynchronous one.

    Raises ConfigurationError for one that could not hold what is put, and OutboxError.
    """
    if _is_of("django.", transaction):
        with _of_the_program():
            return _django(transaction, place)
    transaction = _session_of(transaction)
    asynchronous = _is_of("sqlalchemy.ext.asyncio.", transaction)
    if not waits and (asynchronous or _is_asynchronous(transaction)):
        raise ConfigurationError("transaction= is an asynchronous one", hint="put it with an AsyncOutbox")
    if _is_of("sqlalchemy.", transaction) and not hasattr(transaction, "in_transaction"):
        raise _not_taken(transaction)
    if asynchronous:
        return _AsyncSQLAlchemy(transaction, place)
    if _is_of("sqlalchemy.", transaction):
        with _of_the_program():
            return _sqlalchemy(transaction, place)
    return _driver(transaction, place)


def _session_of(lent: Any) -> object:
    """The session of this thread or task, of a scoped one (which Flask-SQLAlchemy has)."""
    scoped = _is_of("sqlalchemy.orm.scoping.", lent) or _is_of("sqlalchemy.ext.asyncio.scoping.", lent)
    return lent.registry() if scoped else lent


@contextmanager
def _of_the_program() -> Generator[None]:
    """Raise OutboxError for what SQLAlchemy or Django say of a transaction that is closed, or cannot begin."""
    try:
        yield
    except Exception as error:
        if not (_is_of("sqlalchemy.exc.", error) or _is_of("django.", error)):
            raise
        hint = "use it while it is open, and roll it back first if it has failed"
        said = str(error).partition("\n")[0]
        raise OutboxError(f"transaction= cannot be used: {said}", hint=hint) from error


_AIO = "aiosqlite."


def _is_asynchronous(connection: object) -> bool:
    """Whether a driver's connection is one: those of psycopg are of the same module either way."""
    if _is_of("psycopg.", connection):
        return any(kind.__name__ == "AsyncConnection" for kind in type(connection).__mro__)
    return _is_of(_AIO, connection) or _is_of("asyncpg.", connection)


def _not_taken(transaction: object) -> ConfigurationError:
    return ConfigurationError(f"transaction= cannot be a {type(transaction).__qualname__}", hint=_TAKEN)


def _is_of(package: str, thing: object) -> bool:
    """Whether one of its classes is from there."""
    return any(f"{kind.__module__}.".startswith(package) for kind in type(thing).__mro__)


def _driver(connection: object, place: Place) -> Lender:
    if isinstance(connection, sqlite3.Connection):
        return _SQLiteLender(connection, place)
    if _is_of(_AIO, connection) and hasattr(type(connection), "in_transaction"):
        return _AioSQLiteLender(connection, place)
    if place.lend is not None and (_is_of("psycopg.", connection) or _is_of("asyncpg.", connection)):
        return place.lend(connection)
    raise _not_taken(connection)


def _sqlalchemy(lent: Any, place: Place) -> Lender:
    connection = lent.connection() if callable(getattr(lent, "connection", None)) else lent
    connection.exec_driver_sql("select 1")  # so that SQLAlchemy has begun a transaction, and will end it
    if not connection.in_transaction():
        raise autocommitting()
    return _driver(_raw(connection.connection), place)


def _raw(pooled: Any) -> object:
    found: object = pooled.dbapi_connection
    return getattr(found, "driver_connection", found)


def _django(lent: Any, place: Place) -> Lender:
    if not hasattr(lent, "ensure_connection"):
        raise _not_taken(lent)
    lent.ensure_connection()
    if not lent.in_atomic_block and lent.get_autocommit():
        raise autocommitting("put it inside `with transaction.atomic():`")
    return _driver(lent.connection, place)


def autocommitting(hint: str = "begin a transaction first") -> ConfigurationError:
    """The error for a connection on which nothing could be undone."""
    return ConfigurationError("transaction= commits every statement by itself, and so is none", hint=hint)


@dataclass(slots=True, frozen=True)
class _AsyncSQLAlchemy:
    """An AsyncSession or AsyncConnection: the work is done in its greenlet."""

    lent: Any
    place: Place

    @property
    def texts(self) -> Texts:
        return self.place.texts

    async def carry_out(self, work: Work[Result]) -> Result:
        with _of_the_program():
            driver = await self._driver()
        return await _driver(driver, self.place).carry_out(work)

    async def _driver(self) -> object:
        session = not hasattr(type(cast("object", self.lent)), "get_raw_connection")
        connection = await self.lent.connection() if session else self.lent
        await connection.exec_driver_sql("select 1")  # so that SQLAlchemy has begun a transaction, and will end it
        return _raw(await connection.get_raw_connection())


class _SQLiteLender:
    """A connection of sqlite3 with a transaction that is open, or opens with the first statement that writes."""

    def __init__(self, connection: sqlite3.Connection, place: Place) -> None:
        self._connection = connection
        self._place = place
        self._check()

    @property
    def texts(self) -> Texts:
        return self._place.texts

    async def carry_out(self, work: Work[Result]) -> Result:
        return carry_out(work, self.execute)

    def execute(self, batch: Batch) -> list[Rows]:
        """Carry out one batch."""
        try:
            with _texts_of(self._connection):
                return [execute_on(self._connection, statement) for statement in batch]
        except sqlite3.Error as error:
            raise translated(error, self._place.path, waited=None) from error

    def _check(self) -> None:
        try:
            commits = _commits_each(self._connection)
            if carry_out(_checks(self._connection, self._place, commits=commits), self.execute):
                _make_tables(self._place)
            carry_out(_beginning(self._connection, self._place), self.execute)
        except sqlite3.Error as error:  # it is closed
            raise translated(error, self._place.path) from error


class _AioSQLiteLender:
    """The same of aiosqlite."""

    def __init__(self, connection: Any, place: Place) -> None:
        self._connection = connection
        self._place = place
        self._checked = False

    @property
    def texts(self) -> Texts:
        return self._place.texts

    async def carry_out(self, work: Work[Result]) -> Result:
        if not self._checked:
            await self._check()
            self._checked = True
        return await carry_out_async(work, self._execute)

    async def _check(self) -> None:
        try:
            commits = _commits_each(self._connection)
        except ValueError as error:
            hint = "use the connection while it is open"
            raise OutboxError(f"the outbox {self._place.name}: {error}", hint=hint) from error
        if await carry_out_async(_checks(self._connection, self._place, commits=commits), self._execute):
            await threads.run(partial(_make_tables, self._place))  # it may wait for a lock
        await carry_out_async(_beginning(self._connection, self._place), self._execute)

    async def _execute(self, batch: Batch) -> list[Rows]:
        try:
            with _texts_of(self._connection):
                return [await self._one(statement) for statement in batch]
        except sqlite3.Error as error:
            raise translated(error, self._place.path, waited=None) from error

    async def _one(self, statement: Statement) -> Rows:
        if statement.many:
            await self._connection.executemany(statement.sql, statement.arguments)
            return []
        async with self._connection.cursor() as cursor:
            cursor.row_factory = None  # a program's own may make anything of a row
            await cursor.execute(statement.sql, bound(statement))
            return list(await cursor.fetchall())


@contextmanager
def _texts_of(connection: Any) -> Generator[None]:
    """Texts are str meanwhile, whatever the program reads them as."""
    own, connection.text_factory = connection.text_factory, str
    try:
        yield
    finally:
        connection.text_factory = own


def _commits_each(connection: Any) -> bool:
    automatic = getattr(connection, "autocommit", -1)  # Python 3.12; -1: as `isolation_level` says
    return automatic is True or (automatic == -1 and connection.isolation_level is None)


def _checks(connection: Any, place: Place, *, commits: bool) -> Work[bool]:
    """See that it is of the outbox's database, and in a transaction; whether tables have to be made before that."""
    ((_, _, file), *_) = yield from ask("pragma database_list")
    path = place.path
    if path is None or not file or not path.exists() or not path.samefile(file):
        hint = f"the outbox is at {place.name}; give it the program's own database: Outbox({file or '…'!r})"
        raise ConfigurationError("transaction= is of another database than the outbox", hint=hint)
    if not connection.in_transaction and commits:
        raise autocommitting('execute "begin" first')
    return not connection.in_transaction and not (yield from ask(place.texts.has_meta))


def _beginning(connection: Any, place: Place) -> Work[None]:
    """Begin the transaction, and make the tables in it where there are none."""
    if not connection.in_transaction:
        yield from ask("begin immediate")  # sqlite3 begins one by itself for INSERT, and for no CREATE
    yield from preparation(place.texts)


def _make_tables(place: Place) -> None:
    """Make them before the program's transaction does: until that ends, nobody else could read or put anything."""
    database = place.open()
    try:
        prepare(database)
    finally:
        database.close()
