"""A place in PostgreSQL, and the transactions of a program in which letters may be put there (psycopg 3)."""

from __future__ import annotations

from collections.abc import Sequence
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
from sendkit.outbox._postgres import (
    DATABASE_ALONE,
    IDENTITY,
    Clock,
    PostgresDatabase,
    arguments_of,
    carried_out,
    connect,
    identity_of,
    translating,
)
from sendkit.outbox._postgres_texts import POSTGRES
from sendkit.outbox._schema import check_version, migration
from sendkit.outbox._statements import Aside, Batch, Final, Rows, Statement, Texts, Work, carry_out

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
            return [carried_out(psycopg.RawCursor(self.connection), statement) for statement in batch]

    async def carry_out(self, work: Work[Result]) -> Result:
        """Carry out work."""
        return carry_out(work, self.execute)

    async def check(self, identity: str) -> None:
        """Raise ConfigurationError for a connection of another database, and make the tables where there are none."""
        with translating(self.name):
            if identity_of(self.connection) != identity:
                raise _another_database(self.name)
        await _prepare(self)


@dataclass(slots=True, frozen=True)
class _Notes:
    """Collects the statements that an engine wants to be executed."""

    asked: list[Statement]

    def __call__(self, batch: Batch, /) -> list[Rows]:
        """Add a statement; there are no rows yet."""
        self.asked.extend(batch)
        return [[] for _ in batch]


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
                    asked: list[Statement] = []
                    batch.act(_Notes(asked))
                    await self._all(asked)
                    batch = work.send([])
                else:
                    batch = work.send(await self._all(batch.batch if isinstance(batch, Final) else batch))
        except StopIteration as stop:
            result: Result = stop.value
            return result

    async def _all(self, batch: Sequence[Statement]) -> list[Rows]:
        return [await self._one(statement) for statement in batch]

    async def _one(self, statement: Statement) -> Rows:
        with translating(self.name):
            cursor = psycopg.AsyncRawCursor(self.connection)
            if statement.many:
                await cursor.executemany(statement.sql, statement.arguments)  # type: ignore[arg-type]  # rows
                return []
            await cursor.execute(statement.sql.encode(), arguments_of(statement))
            return [] if cursor.description is None else await cursor.fetchall()

    async def check(self, identity: str) -> None:
        """As the synchronous one."""
        for sql in (IDENTITY, DATABASE_ALONE):
            with translating(self.name):
                async with self.connection.transaction():
                    try:
                        ((found,),) = await self._one(Statement(sql))
                    except OutboxError:  # this user may not ask for the system's identifier
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


def _lent(connection: object, url: str, name: str) -> Lender:
    if not isinstance(connection, psycopg.Connection | psycopg.AsyncConnection):
        raise ConfigurationError("transaction= is no connection of psycopg 3", hint="psycopg2 is not supported")
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
            await self.lender.check(_identity_at(self.url, self.lender.name))
            self.checked = True
        return await self.lender.carry_out(work)


_identities: dict[str, str] = {}


def _identity_at(url: str, name: str) -> str:
    """The identity of the outbox's own database, asked for once."""
    if url not in _identities:
        with translating(name), connect(url) as own:
            _identities[url] = identity_of(own)
    return _identities[url]


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}", query=""))
