"""`transaction=`: the letter is put if and only if the program's own transaction commits."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sendkit import AsyncOutbox, Message, Outbox
from sendkit._cli import main
from sendkit.errors import ConfigurationError, OutboxError
from sendkit.outbox._ledger import Database
from sendkit.outbox._place import place_of

sqlalchemy = pytest.importorskip("sqlalchemy")
orm = pytest.importorskip("sqlalchemy.orm")
ROOT = Path(__file__).parents[2]


def message() -> Message:
    return Message(sender="ana@example.com", to="luis@example.com", subject="Hola", text="x")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The database of a program, with a table of its own."""
    path = tmp_path / "app.db"
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("create table users (name text)")
    connection.close()
    return path


@pytest.fixture
def outbox(database: Path) -> Iterator[Outbox]:
    with Outbox(database, account="test") as outbox:
        yield outbox


class TestSQLite3:
    def test_a_commit_puts_the_letter(self, outbox: Outbox, database: Path) -> None:
        connection = sqlite3.connect(database)
        with connection:
            connection.execute("insert into users values ('luis')")
            receipt = outbox.put(message(), transaction=connection)
        connection.close()
        assert outbox.status(receipt).id == receipt.id

    def test_others_can_read_before_the_first_transaction_of_all_ends(self, outbox: Outbox, database: Path) -> None:
        connection = sqlite3.connect(database)
        outbox.put(message(), transaction=connection)
        assert sum(outbox.counts().letters.values()) == 0
        connection.commit()
        connection.close()
        assert sum(outbox.counts().letters.values()) == 1

    def test_tables_that_were_made_before_keep_nobody_waiting_for_a_transaction_that_has_written(
        self, outbox: Outbox, database: Path
    ) -> None:
        assert main(["outbox", "migrate", "--database", str(database)]) == 0
        connection = sqlite3.connect(database)
        connection.execute("insert into users values ('luis')")
        receipt = outbox.put(message(), transaction=connection)
        assert sum(outbox.counts().letters.values()) == 0
        connection.commit()
        connection.close()
        assert outbox.status(receipt).id == receipt.id

    @pytest.mark.parametrize("reads_as", [dict, bytes])
    def test_what_a_program_makes_of_rows_and_texts_does_not_matter(
        self, outbox: Outbox, database: Path, reads_as: type
    ) -> None:
        connection = sqlite3.connect(database)
        if reads_as is dict:
            connection.row_factory = lambda cursor, row: dict(zip((one[0] for one in cursor.description), row))  # noqa: B905 - as programs have it
        else:
            connection.text_factory = bytes
        first = outbox.put(message(), key="order-7", transaction=connection)
        again = outbox.put(message(), key="order-7", transaction=connection)
        assert (again.id, again.duplicate) == (first.id, True)
        assert connection.text_factory is (bytes if reads_as is bytes else str)
        assert isinstance(connection.execute("select 'x' as a").fetchone(), dict if reads_as is dict else tuple)
        connection.rollback()
        connection.close()

    async def test_the_same_of_aiosqlite(self, database: Path) -> None:
        aiosqlite = pytest.importorskip("aiosqlite")
        async with AsyncOutbox(database, account="test") as outbox, aiosqlite.connect(database) as connection:
            connection.row_factory = lambda cursor, row: {one[0]: value for one, value in zip(cursor.description, row)}  # noqa: B905 - as above
            first = await outbox.put(message(), key="order-7", transaction=connection)
            assert sum((await outbox.counts()).letters.values()) == 0
            again = await outbox.put(message(), key="order-7", transaction=connection)
            assert (again.id, again.duplicate) == (first.id, True)
            await connection.commit()
            assert sum((await outbox.counts()).letters.values()) == 1

    def test_a_rollback_puts_nothing_although_nothing_else_was_written(self, outbox: Outbox, database: Path) -> None:
        connection = sqlite3.connect(database)
        outbox.put(message(), transaction=connection)
        connection.rollback()
        connection.close()
        assert sum(outbox.counts().letters.values()) == 0

    def test_a_connection_in_autocommit_is_refused(self, outbox: Outbox, database: Path) -> None:
        connection = sqlite3.connect(database, isolation_level=None)
        with pytest.raises(ConfigurationError, match="every statement by itself"):
            outbox.put(message(), transaction=connection)
        connection.execute("begin")
        outbox.put(message(), transaction=connection)
        connection.execute("rollback")
        connection.close()

    def test_a_connection_of_another_database_is_refused(self, outbox: Outbox, tmp_path: Path) -> None:
        connection = sqlite3.connect(tmp_path / "other.db")
        with pytest.raises(ConfigurationError, match="another database"):
            outbox.put(message(), transaction=connection)
        connection.close()

    def test_the_same_key_in_the_transaction_and_before_it_is_one_letter(self, outbox: Outbox, database: Path) -> None:
        first = outbox.put(message(), key="order-7")
        connection = sqlite3.connect(database)
        with connection:
            again = outbox.put(message(), key="order-7", transaction=connection)
        connection.close()
        assert (again.id, again.duplicate) == (first.id, True)


class TestSQLAlchemy:
    @pytest.mark.parametrize("commits", [True, False])
    @pytest.mark.parametrize("scoped", [False, True])
    def test_a_session_decides(self, outbox: Outbox, database: Path, scoped: bool, commits: bool) -> None:
        engine = sqlalchemy.create_engine(f"sqlite:///{database}")
        session = orm.scoped_session(orm.sessionmaker(engine)) if scoped else orm.Session(engine)
        outbox.put(message(), transaction=session)
        session.commit() if commits else session.rollback()
        session.close()
        engine.dispose()
        assert sum(outbox.counts().letters.values()) == commits

    def test_a_connection_decides(self, outbox: Outbox, database: Path) -> None:
        engine = sqlalchemy.create_engine(f"sqlite:///{database}")
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("insert into users values ('luis')"))
            outbox.put(message(), transaction=connection)
        with engine.connect() as connection:
            outbox.put(message(), transaction=connection)  # and is rolled back when the block ends
        engine.dispose()
        assert sum(outbox.counts().letters.values()) == 1

    def test_a_connection_in_autocommit_is_refused(self, outbox: Outbox, database: Path) -> None:
        engine = sqlalchemy.create_engine(f"sqlite:///{database}", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection, pytest.raises(ConfigurationError, match="every statement by itself"):
            outbox.put(message(), transaction=connection)
        engine.dispose()


DJANGO = """
import sys
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}})
import django; django.setup()
from django.db import connection, transaction
from sendkit import Message, Outbox
from sendkit.errors import ConfigurationError, OutboxError
message = Message(sender="ana@example.com", to="luis@example.com", subject="Hola", text="x")
outbox = Outbox(sys.argv[1], account="test")
with transaction.atomic():
    outbox.put(message, transaction=connection)
try:
    with transaction.atomic():
        outbox.put(message, transaction=connection)
        raise ZeroDivisionError
except ZeroDivisionError:
    pass
try:
    outbox.put(message, transaction=connection)
except ConfigurationError as error:
    assert "atomic" in error.hint, error.hint
else:
    raise AssertionError("taken outside of a transaction")
print(sum(outbox.counts().letters.values()))
"""


def test_django_decides(database: Path) -> None:
    pytest.importorskip("django")
    command = [sys.executable, "-c", DJANGO, str(database)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert (ran.stdout.strip(), ran.stderr) == ("1", "")


def test_the_tables_are_made_in_a_transaction_that_comes_first(database: Path) -> None:
    """A program whose first statement ever is such a put waits for no lock of its own."""
    connection = sqlite3.connect(database)
    with connection, Outbox(database, account="test") as outbox:
        connection.execute("insert into users values ('luis')")
        outbox.put(message(), transaction=connection)
    connection.close()
    with Outbox(database) as outbox:
        assert outbox.counts().letters["ready"] == 1


async def test_the_asynchronous_outbox_takes_synchronous_connections_too(database: Path) -> None:
    connection = sqlite3.connect(database)
    async with AsyncOutbox(database, account="test") as outbox:
        with connection:
            receipt = await outbox.put(message(), transaction=connection)
        assert (await outbox.status(receipt)).id == receipt.id
    connection.close()


def test_anything_else_is_refused_with_what_is_taken(outbox: Outbox) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a dict") as caught:
        outbox.put(message(), transaction={})
    assert "SQLAlchemy" in (caught.value.hint or "")


async def test_an_asynchronous_connection_of_sqlite_decides(database: Path) -> None:
    aiosqlite = pytest.importorskip("aiosqlite")
    async with AsyncOutbox(database, account="test") as outbox:
        for ending in ("commit", "rollback"):
            async with aiosqlite.connect(database) as connection:
                await outbox.put(message(), transaction=connection)
                await getattr(connection, ending)()
        async with aiosqlite.connect(database, isolation_level=None) as connection:
            with pytest.raises(ConfigurationError, match="commits every statement by itself"):
                await outbox.put(message(), transaction=connection)
        assert (await outbox.counts()).letters["ready"] == 1


async def test_the_tables_for_an_asynchronous_one_are_made_beside_the_loop(database: Path) -> None:
    """That waits for whoever holds the file's lock."""
    aiosqlite = pytest.importorskip("aiosqlite")
    opened: list[threading.Thread] = []
    place = place_of(database)

    def opens() -> Database:
        opened.append(threading.current_thread())
        return place.open()

    told: Any = replace(place, open=opens)
    async with AsyncOutbox(told, account="test") as outbox, aiosqlite.connect(database) as connection:
        await outbox.put(message(), transaction=connection)
        await connection.rollback()
    assert opened
    assert threading.current_thread() not in opened


@pytest.mark.parametrize("kind", ["AsyncSession", "async_scoped_session", "AsyncConnection"])
async def test_an_asynchronous_session_or_connection_of_sqlalchemy_on_sqlite_decides(database: Path, kind: str) -> None:
    pytest.importorskip("aiosqlite")
    asynchronous = pytest.importorskip("sqlalchemy.ext.asyncio")
    engine = asynchronous.create_async_engine(f"sqlite+aiosqlite:///{database}")
    async with AsyncOutbox(database, account="test") as outbox:
        for ending in ("commit", "rollback"):
            async with engine.connect() if kind == "AsyncConnection" else asynchronous.AsyncSession(engine) as lent:
                scoped = kind == "async_scoped_session"
                given = asynchronous.async_scoped_session(lambda: lent, scopefunc=lambda: 1) if scoped else lent
                await outbox.put(message(), transaction=given)
                await getattr(lent, ending)()
        assert (await outbox.counts()).letters["ready"] == 1
    await engine.dispose()


def test_what_makes_transactions_and_is_none_is_refused(outbox: Outbox, database: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{database}")
    transactions = pytest.importorskip("django.db.transaction")
    for thing in (engine, orm.sessionmaker(engine), transactions.atomic()):
        with pytest.raises(ConfigurationError, match=f"cannot be a {type(thing).__name__}"):
            outbox.put(message(), transaction=thing)
    engine.dispose()


async def test_a_connection_that_is_closed_is_an_error_in_words(outbox: Outbox, database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.close()
    with pytest.raises(OutboxError, match="closed database"):
        outbox.put(message(), transaction=connection)
    aiosqlite = pytest.importorskip("aiosqlite")
    async with AsyncOutbox(database, account="test") as asynchronous:
        with pytest.raises(OutboxError, match="no active connection"):
            await asynchronous.put(message(), transaction=aiosqlite.connect(database))
    engine = sqlalchemy.create_engine(f"sqlite:///{database}")
    closed = engine.connect()
    closed.close()
    for thing in (closed, orm.Session()):
        with pytest.raises(OutboxError, match=r"transaction= cannot be used: This .* is (closed|not bound)"):
            outbox.put(message(), transaction=thing)
    engine.dispose()


def test_an_asynchronous_transaction_needs_an_asynchronous_outbox(outbox: Outbox, database: Path) -> None:
    asynchronous = pytest.importorskip("sqlalchemy.ext.asyncio")
    engine = asynchronous.create_async_engine(f"sqlite+aiosqlite:///{database}")
    with pytest.raises(ConfigurationError, match="asynchronous") as caught:
        outbox.put(message(), transaction=asynchronous.AsyncSession(engine))
    assert "AsyncOutbox" in (caught.value.hint or "")
