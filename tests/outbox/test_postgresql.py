"""PostgreSQL as the outbox's database: many workers, a program's own transactions, and a server that goes away."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from psycopg.rows import dict_row, namedtuple_row, scalar_row
from sqlalchemy import orm
from sqlalchemy.ext.asyncio import create_async_engine

from sendkit import AsyncOutbox, Mailer, MemoryTransport, Message, Outbox
from sendkit.errors import ConfigurationError, OutboxError
from sendkit.outbox import Letter, RecipientState
from sendkit.outbox._place import place_of
from tests.servers.postgresql import PostgreSQL

ROOT = Path(__file__).parents[2]


def message(to: str = "luis@example.com") -> Message:
    return Message(sender="ana@example.com", to=to, subject="Hola", text="x")


@pytest.fixture
def outbox(postgresql: str) -> Iterator[Outbox]:
    with Outbox(postgresql, account="test") as outbox:
        outbox.counts()  # its tables are there
        yield outbox


def count(outbox: Outbox) -> int:
    return sum(outbox.counts().letters.values())


class TestTransactions:
    @pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
    def test_others_can_read_before_the_first_transaction_of_all_ends(self, postgresql: str, isolation: str) -> None:
        with Outbox(postgresql, account="test") as outbox:
            with psycopg.connect(postgresql) as connection:
                connection.execute(f"set transaction isolation level {isolation}".encode())
                connection.execute("select 1 from pg_class")  # its snapshot is taken
                outbox.put(message(), transaction=connection)
                assert count(outbox) == 0
            assert count(outbox) == 1

    @pytest.mark.parametrize("rows", [dict_row, namedtuple_row, scalar_row])
    def test_what_a_program_makes_of_rows_does_not_matter(self, outbox: Outbox, postgresql: str, rows: Any) -> None:
        with psycopg.connect(postgresql, row_factory=rows) as connection:
            first = outbox.put(message(), key="order-7", transaction=connection)
            again = outbox.put(message(), key="order-7", transaction=connection)
        assert (again.id, again.duplicate) == (first.id, True)

    async def test_the_same_of_an_asynchronous_connection(self, postgresql: str) -> None:
        async with AsyncOutbox(postgresql, account="test") as outbox:
            async with await psycopg.AsyncConnection.connect(postgresql, row_factory=dict_row) as connection:
                receipt = await outbox.put(message(), transaction=connection)
            assert (await outbox.status(receipt)).id == receipt.id

    def test_a_commit_puts_the_letter_and_a_rollback_does_not(self, outbox: Outbox, postgresql: str) -> None:
        with psycopg.connect(postgresql) as connection:
            connection.execute("create table users (name text)")
            kept = outbox.put(message(), transaction=connection)
        with psycopg.connect(postgresql) as connection:
            lost = outbox.put(message(), transaction=connection)
            connection.rollback()
        assert outbox.status(kept).id == kept.id
        assert count(outbox) == 1
        assert lost.id != kept.id

    def test_a_savepoint_that_is_rolled_back_takes_the_letter_with_it(self, outbox: Outbox, postgresql: str) -> None:
        with psycopg.connect(postgresql) as connection:
            outbox.put(message(), transaction=connection)
            with connection.transaction() as savepoint:
                outbox.put(message(), transaction=connection)
                raise psycopg.Rollback(savepoint)
        assert count(outbox) == 1

    async def test_an_asynchronous_connection(self, postgresql: str) -> None:
        async with AsyncOutbox(postgresql, account="test") as outbox:
            async with await psycopg.AsyncConnection.connect(postgresql) as connection:
                receipt = await outbox.put(message(), transaction=connection)
            async with await psycopg.AsyncConnection.connect(postgresql) as connection:
                await outbox.put(message(), transaction=connection)
                await connection.rollback()
                with pytest.raises(ConfigurationError, match="asynchronous"), Outbox(postgresql, account="a") as one:
                    one.put(message(), transaction=connection)
            assert (await outbox.status(receipt)).id == receipt.id
            assert sum((await outbox.counts()).letters.values()) == 1

    def test_a_connection_that_is_in_a_pipeline(self, outbox: Outbox, postgresql: str) -> None:
        with psycopg.connect(postgresql) as connection, connection.pipeline():
            first = outbox.put(message(), transaction=connection, key="a")
            again = outbox.put(message(), transaction=connection, key="a")
        assert (first.id, first.duplicate) == (again.id, not again.duplicate)
        assert count(outbox) == 1

    def test_a_transaction_that_only_reads_is_refused(self, outbox: Outbox, postgresql: str) -> None:
        with psycopg.connect(postgresql) as connection:
            connection.read_only = True
            with pytest.raises(OutboxError, match="read-only"):
                outbox.put(message(), transaction=connection)
            connection.rollback()

    async def test_a_connection_of_asyncpg(self, postgresql: str) -> None:
        asyncpg = pytest.importorskip("asyncpg")
        connection = await asyncpg.connect(postgresql)
        async with AsyncOutbox(postgresql, account="test") as outbox:
            with pytest.raises(ConfigurationError, match="commits every statement by itself"):
                await outbox.put(message(), transaction=connection)
            async with connection.transaction():
                receipt = await outbox.put(message(), transaction=connection, key="a")
                assert (await outbox.put(message(), transaction=connection, key="a")).duplicate
            transaction = connection.transaction()
            await transaction.start()
            await outbox.put(message(), transaction=connection)
            with pytest.raises(asyncpg.DivisionByZeroError):
                await connection.execute("select 1/0")
            with pytest.raises(OutboxError, match="has failed already"):
                await outbox.put(message(), transaction=connection)
            await transaction.rollback()
            assert (await outbox.status(receipt)).id == receipt.id
            assert sum((await outbox.counts()).letters.values()) == 1
            await connection.close()
            with pytest.raises(OutboxError, match="the connection is closed"):
                await outbox.put(message(), transaction=connection)

    def test_a_session_of_sqlalchemy(self, outbox: Outbox, postgresql: str) -> None:
        engine = sqlalchemy.create_engine(postgresql.replace("postgresql://", "postgresql+psycopg://"))
        with orm.Session(engine) as session:
            outbox.put(message(), transaction=session)
            session.rollback()
        with orm.Session(engine) as session:
            receipt = outbox.put(message(), transaction=session)
            session.commit()
        engine.dispose()
        assert outbox.status(receipt).id == receipt.id
        assert count(outbox) == 1

    @pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
    async def test_an_asynchronous_connection_of_sqlalchemy(self, postgresql: str, driver: str) -> None:
        pytest.importorskip(driver)
        engine = create_async_engine(postgresql.replace("postgresql://", f"postgresql+{driver}://"))
        async with AsyncOutbox(postgresql, account="test") as outbox:
            async with engine.begin() as connection:
                receipt = await outbox.put(message(), transaction=connection)
            async with engine.connect() as connection:
                await outbox.put(message(), transaction=connection)
                await connection.rollback()
            assert (await outbox.status(receipt)).id == receipt.id
            assert sum((await outbox.counts()).letters.values()) == 1
        await engine.dispose()

    def test_a_connection_of_django(self, outbox: Outbox, postgresql: str) -> None:
        assert count(outbox) == 0
        script = f"""
import django
from django.conf import settings
url = {postgresql!r}
user, _, rest = url.removeprefix("postgresql://").partition("@")
host, _, name = rest.partition("/")
settings.configure(DATABASES={{"default": dict(ENGINE="django.db.backends.postgresql", NAME=name, USER=user,
    HOST=host.split(":")[0], PORT=host.split(":")[1])}})
django.setup()
from django.db import connection, transaction
from sendkit import Message, Outbox
message = Message(sender="ana@example.com", to="luis@example.com", text="x")
with Outbox(url, account="test") as outbox:
    with transaction.atomic():
        outbox.put(message, transaction=connection)
    try:
        with transaction.atomic():
            outbox.put(message, transaction=connection)
            raise ValueError
    except ValueError:
        pass
    try:
        outbox.put(message, transaction=connection)
    except Exception as error:
        print(type(error).__name__)
"""
        ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (ran.stdout, ran.returncode) == ("ConfigurationError\n", 0), ran.stderr
        assert count(outbox) == 1

    def test_a_connection_in_autocommit_is_refused(self, outbox: Outbox, postgresql: str) -> None:
        with psycopg.connect(postgresql, autocommit=True) as connection:
            with pytest.raises(ConfigurationError, match="every statement by itself"):
                outbox.put(message(), transaction=connection)
            with connection.transaction():
                outbox.put(message(), transaction=connection)
        assert count(outbox) == 1

    def test_a_connection_of_another_database_is_refused(self, outbox: Outbox, postgresql_server: PostgreSQL) -> None:
        with (
            psycopg.connect(postgresql_server.new_database()) as connection,
            pytest.raises(ConfigurationError, match="another database"),
        ):
            outbox.put(message(), transaction=connection)

    def test_a_transaction_that_has_failed_is_refused_with_the_reason(self, outbox: Outbox, postgresql: str) -> None:
        with psycopg.connect(postgresql) as connection:
            with pytest.raises(psycopg.Error):
                connection.execute("select no_such_column")
            with pytest.raises(ConfigurationError, match="has failed already"):
                outbox.put(message(), transaction=connection)
            connection.rollback()

    def test_the_same_key_in_two_open_transactions_is_one_letter(self, outbox: Outbox, postgresql: str) -> None:
        receipts: list[object] = []
        with psycopg.connect(postgresql) as first, psycopg.connect(postgresql) as second:
            one = outbox.put(message(), key="order-7", transaction=first)
            waiting = threading.Thread(
                target=lambda: receipts.append(outbox.put(message(), key="order-7", transaction=second))
            )
            waiting.start()
            first.commit()
            waiting.join()
            second.execute("select 1")  # the program's own transaction goes on
        (two,) = receipts
        assert (two.id, two.duplicate) == (one.id, True)  # type: ignore[attr-defined]
        assert count(outbox) == 1


def test_three_workers_send_every_letter_once(postgresql: str) -> None:
    transport = MemoryTransport()
    rows = [Letter(message(f"u{n}@example.com"), key=f"row-{n}") for n in range(300)]
    with (
        Outbox(postgresql, account="test") as one,
        Outbox(postgresql) as two,
        Outbox(postgresql) as three,
        Mailer(transport=transport) as mailer,
    ):
        receipts = list(one.put_many(rows))
        with one.worker(mailer), two.worker(mailer), three.worker(mailer):
            assert all(one.wait(receipt, timeout=200).ok for receipt in receipts)
    copies = Counter(sent.envelope.recipients[0] for sent in transport.sent)
    assert len(copies) == 300
    assert set(copies.values()) == {1}


def test_a_worker_that_waits_is_woken_by_a_put_elsewhere(postgresql: str) -> None:
    woken = threading.Event()
    place = place_of(postgresql)
    with Outbox(postgresql, account="test") as outbox:
        outbox.counts()
        assert place.listen is not None
        end = place.listen(woken.set)
        assert woken.wait(200), "what was put before it listened"
        woken.clear()
        outbox.put(message())
        assert woken.wait(200)
        end()


def test_a_worker_that_says_nothing_any_more_is_taken_over(postgresql: str) -> None:
    liveness = place_of(postgresql).liveness
    assert liveness.beat is not None
    assert not liveness.has_ended("worker", 2 * liveness.beat)
    assert liveness.has_ended("worker", 29.0), "within 30 seconds after its death"
    assert liveness.has_ended("worker", None)


def break_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )


def test_a_broken_connection_is_replaced_and_nothing_is_lost(outbox: Outbox, postgresql: str) -> None:
    kept = outbox.put(message())
    break_connections(postgresql)
    with pytest.raises(OutboxError) as lost:
        list(outbox.put_many([message(), message()]))
    assert lost.value.transient
    assert lost.value.hint
    again, other = outbox.put_many([message(), message()])
    assert {outbox.status(one).id for one in (kept, again, other)} == {kept.id, again.id, other.id}
    assert count(outbox) == 3


def test_a_put_does_not_notice_that_its_connection_broke_before_it(outbox: Outbox, postgresql: str) -> None:
    outbox.put(message())
    break_connections(postgresql)
    assert not outbox.put(message()).duplicate
    assert count(outbox) == 2


def test_a_put_whose_commit_is_not_answered_is_one_letter(outbox: Outbox) -> None:
    outbox.put(message())
    database: Any = outbox._core.writer._database
    commit, answers = database._commit, [False, True]

    def unheard(batch: object, *, durable: bool) -> object:
        found: object = commit(batch, durable=durable)
        if not answers.pop(0):
            database.close()
            raise OutboxError("the connection broke", transient=True)
        return found

    database._commit = unheard  # the seam of a test
    receipt = outbox.put(message())
    del database._commit
    assert not receipt.duplicate
    assert not answers
    assert count(outbox) == 2
    assert outbox.status(receipt).id == receipt.id


def test_a_server_that_is_not_there_is_an_error_that_says_so_and_shows_no_password(closed_port: int) -> None:
    with Outbox(f"postgresql://ana:hunter2@127.0.0.1:{closed_port}/none", account="test") as outbox:
        with pytest.raises(OutboxError, match="cannot be reached") as error:
            outbox.put(message())
        assert "hunter2" not in str(error.value)
        assert error.value.transient


def test_a_copy_of_the_database_starts_paused(postgresql_server: PostgreSQL, postgresql: str) -> None:
    with Outbox(postgresql, account="test") as outbox:
        outbox.put(message())
    name = postgresql.rpartition("/")[2]
    with psycopg.connect(postgresql_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name}_copy template {name}".encode())
    with Outbox(f"{postgresql}_copy") as copy:
        assert "is a copy" in str(copy.counts().paused)
    with Outbox(postgresql) as outbox:
        assert outbox.counts().paused is None


async def test_a_reply_with_nul_is_kept_without_it(postgresql: str) -> None:
    transport = MemoryTransport()
    transport.on_rcpt().reply("550 5.1.1 no \0 such user")
    with Outbox(postgresql, account="test") as outbox, Mailer(transport=transport) as mailer:
        receipt = outbox.put(message())
        await asyncio.to_thread(outbox.drain, mailer)
        (recipient,) = outbox.status(receipt).recipients
    assert recipient.state is RecipientState.REJECTED
