"""procrastinate as the engine: jobs come with their letters, and the ledger's sweep finds what they have lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import procrastinate
import psycopg
import pytest

from sendkit import AsyncMailer, AsyncOutbox, Mailer, MemoryTransport, Message, Outbox
from sendkit.errors import ConfigurationError
from sendkit.outbox import LetterState, ProcrastinateEngine, RecipientState
from tests.outbox.kinds import Kind, prepared
from tests.waiting import wait_until

_LIMIT = 60


def message(to: str = "luis@example.com") -> Message:
    return Message(sender="ana@example.com", to=to, subject="Hola", text="x")


def app_at(url: str) -> procrastinate.App:
    return procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))


def jobs(url: str) -> list[tuple[str, str, int, object]]:
    """Queue, status, priority and arguments of each job."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("select queue_name, status::text, priority, args from procrastinate_jobs order by id")
        return [(str(queue), str(status), int(priority), args) for queue, status, priority, args in rows]


@pytest.fixture
def url(postgresql: str) -> str:
    return prepared(Kind.PROCRASTINATE, postgresql)


@pytest.fixture
def outbox(url: str) -> Iterator[Outbox]:
    with Outbox(url, account="test", engine=ProcrastinateEngine(app_at(url))) as outbox:
        outbox.counts()
        yield outbox


class TestJobs:
    def test_hold_a_number_and_nothing_else(self, outbox: Outbox, url: str) -> None:
        outbox.put(message(), priority=3)
        assert jobs(url) == [("sendkit test", "todo", -3, {"letter": 1})]

    def test_are_put_with_the_transaction_of_the_program(self, outbox: Outbox, url: str) -> None:
        with psycopg.connect(url) as connection:
            outbox.put(message(), transaction=connection)
            connection.rollback()
        assert jobs(url) == []
        with psycopg.connect(url) as connection:
            outbox.put(message(), transaction=connection)
        assert len(jobs(url)) == 1

    async def test_and_with_an_asynchronous_one(self, url: str) -> None:
        async with AsyncOutbox(url, account="test", engine=ProcrastinateEngine(app_at(url))) as outbox:
            async with await psycopg.AsyncConnection.connect(url) as connection:
                await outbox.put(message(), transaction=connection)
            assert len(jobs(url)) == 1

    def test_come_once_for_the_same_key(self, outbox: Outbox, url: str) -> None:
        outbox.put(message(), key="one")
        outbox.put(message(), key="one")
        assert len(jobs(url)) == 1

    def test_are_made_when_a_letter_is_due_and_not_before(self, outbox: Outbox, url: str) -> None:
        outbox.put(message(), send_at=datetime.now(UTC) + timedelta(days=1))
        assert jobs(url) == []

    def test_need_the_tables_of_procrastinate(self, postgresql: str) -> None:
        with Outbox(postgresql, account="test", engine=ProcrastinateEngine(app_at(postgresql))) as outbox:
            with pytest.raises(ConfigurationError, match="procrastinate's tables") as caught:
                outbox.put(message())
            assert "procrastinate schema --apply" in str(caught.value)
            assert not any(outbox.counts().letters.values())

    def test_need_a_database_that_is_theirs(self, tmp_path: Path, url: str) -> None:
        engine = ProcrastinateEngine(app_at(url))
        with (
            Outbox(tmp_path / "outbox.db", account="test", engine=engine) as outbox,
            pytest.raises(ConfigurationError, match="not in the outbox's database"),
        ):
            outbox.put(message())

    def test_an_app_has_one_engine(self, url: str) -> None:
        app = app_at(url)
        ProcrastinateEngine(app)
        with pytest.raises(ConfigurationError, match="has an engine already"):
            ProcrastinateEngine(app)


class TestWorker:
    def test_sends_and_its_jobs_are_gone(self, outbox: Outbox, url: str) -> None:
        transport = MemoryTransport()
        receipts = list(outbox.put_many(message(f"a{n}@example.com") for n in range(20)))
        with Mailer(transport=transport) as mailer, outbox.worker(mailer, account="test"):
            for receipt in receipts:
                assert outbox.wait(receipt, timeout=_LIMIT).recipients[0].state is RecipientState.ACCEPTED
        assert len(transport.sent) == 20
        assert [job for job in jobs(url) if job[1] != "succeeded"] == []

    def test_finds_a_letter_that_has_no_job(self, outbox: Outbox, url: str) -> None:
        receipt = outbox.put(message())
        with psycopg.connect(url) as connection:
            connection.execute("delete from procrastinate_jobs")
        with Mailer(transport=MemoryTransport()) as mailer, outbox.worker(mailer, account="test", finish=False):
            assert outbox.wait(receipt, timeout=_LIMIT).state is LetterState.SETTLED

    def test_sends_what_becomes_due_while_it_runs(self, outbox: Outbox) -> None:
        with Mailer(transport=MemoryTransport()) as mailer, outbox.worker(mailer, account="test", finish=False):
            receipt = outbox.put(message(), send_at=datetime.now(UTC) + timedelta(seconds=0.5))
            assert outbox.wait(receipt, timeout=_LIMIT).state is LetterState.SETTLED

    def test_leaves_a_paused_lane_alone_and_its_job_in_no_loop(self, outbox: Outbox, url: str) -> None:
        resting = outbox.put(message(), lane="news")
        outbox.pause("news")
        with Mailer(transport=MemoryTransport()) as mailer, outbox.worker(mailer, account="test", finish=False):
            outbox.wait(outbox.put(message()), timeout=_LIMIT)
            outbox.wait(outbox.put(message()), timeout=_LIMIT)
            assert outbox.status(resting).state is LetterState.READY
            outbox.resume("news")
            assert outbox.wait(resting, timeout=_LIMIT).state is LetterState.SETTLED

    def test_serves_only_its_accounts(self, outbox: Outbox, url: str) -> None:
        other = outbox.put(message(), account="another")
        with Mailer(transport=MemoryTransport()) as mailer, outbox.worker(mailer, account="test", finish=False):
            outbox.wait(outbox.put(message()), timeout=_LIMIT)
        assert outbox.status(other).attempts == 0
        assert ("sendkit another", "todo", 0, {"letter": 1}) in jobs(url)

    def test_without_an_account_is_refused(self, outbox: Outbox) -> None:
        with pytest.raises(ConfigurationError, match="named accounts"), Mailer(transport=MemoryTransport()) as mailer:
            outbox.run(mailer)

    def test_marks_the_jobs_of_a_worker_that_is_gone_as_failed(self, outbox: Outbox, url: str) -> None:
        receipt = outbox.put(message())
        with psycopg.connect(url) as connection:
            connection.execute("update procrastinate_jobs set status = 'doing'")
        with Mailer(transport=MemoryTransport()) as mailer, outbox.worker(mailer, account="test", finish=False):
            assert outbox.wait(receipt, timeout=_LIMIT).state is LetterState.SETTLED
            # The letter's new job may have been done before the sweep that made it comes to the old one.
            wait_until(lambda: [status for _, status, *_ in jobs(url)] == ["failed"])

    async def test_of_an_ordinary_kind_that_gets_a_letter_says_what_to_do(self, url: str) -> None:
        app = app_at(url)
        async with AsyncOutbox(url, account="test", engine=ProcrastinateEngine(app)) as outbox:
            receipt = await outbox.put(message())
            async with app.open_async():
                await app.run_worker_async(wait=False, install_signal_handlers=False)
            assert [status for _, status, *_ in jobs(url)] == ["failed"]
            async with (
                AsyncMailer(transport=MemoryTransport()) as mailer,
                outbox.worker(mailer, account="test", finish=False),
            ):
                assert (await outbox.wait(receipt, timeout=_LIMIT)).state is LetterState.SETTLED
