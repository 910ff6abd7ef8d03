"""Faults of disks, files, clocks, forks and other programs: a clear error, and nothing with a receipt is lost."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sendkit import AsyncMailer, AsyncOutbox, Mailer, MemoryTransport, Message, Outbox
from sendkit.errors import ConfigurationError, MessageError, OutboxError
from sendkit.outbox import LetterState, Receipt, RecipientState
from sendkit.outbox._fence import Takeover, takeovers
from sendkit.outbox._place import place_of
from sendkit.outbox._sqlite import SQLiteDatabase

ROOT = Path(__file__).parents[2]


def message(n: int = 0, size: int = 100) -> Message:
    return Message(sender="ana@example.com", to=f"u{n}@example.com", subject=f"n{n}", text="x" * size)


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def outbox(where: Path) -> Iterator[Outbox]:
    with Outbox(where, account="test") as outbox:
        yield outbox


def limited(outbox: Outbox, pages: int | None) -> None:
    """Let the file grow to so many pages (None: as it likes): SQLite then says that the disk is full."""
    writer = outbox._core.writer
    outbox.counts()
    assert isinstance(writer._database, SQLiteDatabase)
    writer._database._connection.execute(f"pragma max_page_count = {pages or 1_000_000}")


def row_counts(where: Path) -> tuple[int, int]:
    connection = sqlite3.connect(where)
    letters, contents = (
        connection.execute(f"select count(*) from sendkit_{name}").fetchone()[0] for name in ("letter", "content")
    )
    connection.close()
    return letters, contents


def test_a_full_disk_is_an_error_and_what_has_a_receipt_is_kept(outbox: Outbox, where: Path) -> None:
    limited(outbox, 80)
    receipts: list[Receipt] = []
    with pytest.raises(OutboxError, match="no space is left") as caught:
        receipts.extend(outbox.put(message(n, 3000)) for n in range(1000))
    assert caught.value.transient
    assert row_counts(where) == (len(receipts), len(receipts))
    assert receipts
    limited(outbox, None)
    with Mailer(transport=MemoryTransport()) as mailer:
        outbox.drain(mailer)
    assert all(outbox.status(receipt).ok for receipt in receipts)


async def test_while_nothing_can_be_marked_nothing_leaves_and_verdicts_are_kept(where: Path) -> None:
    """The disk fills up in the middle: before the mark of one letter, and before another one is settled."""
    transport = MemoryTransport()
    async with AsyncOutbox(where, account="test") as outbox, AsyncMailer(transport=transport) as mailer:
        receipts = [await outbox.put(message(n)) for n in range(6)]
        full = _Full(outbox, on=("mark", "settle"))
        async with outbox.worker(mailer, concurrency=2):
            await full.met(3)
            at_the_time = len(transport.sent)
            full.active = False
            letters = [await outbox.wait(receipt, timeout=200) for receipt in receipts]
        assert at_the_time <= 2
        assert all(letter.ok for letter in letters)
        assert len(transport.sent) == 6


class _Full:
    """Makes the database say that the disk is full at marks and at settlements, until it is not `active`."""

    def __init__(self, outbox: AsyncOutbox, on: tuple[str, ...]) -> None:
        self.active = True
        self._times = 0
        writer = outbox._core.writer
        opened = writer._open_database
        texts = place_of(":memory:").texts
        wanted = {"mark": {texts.mark, texts.mark_swiftly}, "settle": {texts.change_letters, *texts.accept}}
        sqls = set[str]().union(*(wanted[name] for name in on))

        database = writer._database or opened()
        execute = database.execute

        def failing(batch: object) -> object:
            if self.active and any(statement.sql in sqls for statement in batch):  # type: ignore[attr-defined]  # a batch
                self._times += 1
                raise OutboxError("no space is left", transient=True)
            return execute(batch)  # type: ignore[arg-type]  # as above

        database.execute = failing  # type: ignore[method-assign,assignment]  # the seam of a test
        writer._database = database

    async def met(self, times: int) -> None:
        """Wait until so many commits have failed."""
        async with asyncio.timeout(200):
            while self._times < times:  # noqa: ASYNC110 - what is waited for happens on another thread
                await asyncio.sleep(0.01)


def test_a_worker_that_slept_through_its_takeover_sends_nothing(outbox: Outbox) -> None:
    """As one that is stopped, and woken up after another worker took its letters."""
    transport = MemoryTransport()
    carry = transport.deliver
    receipt = outbox.put(message())

    async def deliver(letter: object, log: object) -> None:
        (owner,) = {letter.worker for letter in outbox.letters(state="working")}
        outbox._core.writer.call(takeovers, Takeover(str(owner)))
        await carry(letter, log)  # type: ignore[arg-type]  # what it was given

    transport.deliver = deliver  # type: ignore[method-assign,assignment]  # the seam of a test's own double
    with Mailer(transport=transport) as mailer:
        _once(outbox, mailer)
    assert transport.sent == []
    assert outbox.status(receipt).state is LetterState.READY


def _once(outbox: Outbox, mailer: Mailer) -> None:
    """One letter, taken and worked on once."""

    async def work() -> None:
        worker = outbox._core.work(mailer._core, None, {})
        await worker.begin()
        for letter in await worker.desk.take(1):
            await worker.desk.work(letter)
        await worker.end()

    mailer._portal.call(work())


def test_a_program_that_holds_the_write_lock_is_told_of(
    outbox: Outbox, where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.counts()
    other = sqlite3.connect(where, isolation_level=None)
    other.execute("begin immediate")
    monkeypatch.setattr("sendkit.outbox._sqlite._PATIENCE", 0.1)
    with pytest.raises(OutboxError, match="is locked for more than") as caught:
        outbox.put(message())
    assert caught.value.transient
    assert outbox.counts().letters["ready"] == 0  # who reads waits for nobody
    other.execute("rollback")
    other.close()
    assert outbox.put(message()).id


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_an_outbox_is_used_on_both_sides_of_a_fork(where: Path) -> None:
    program = f"""
import os
from sendkit import Message, Outbox
outbox = Outbox({str(where)!r}, account="test")
def put(n):
    outbox.put(Message(sender="a@example.com", to="b@example.com", subject=str(n), text="x"))
put(0)
child = os.fork()
for n in range(20):
    put(n)
if not child:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(outbox.counts().letters["ready"])
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )
    assert ran.stdout.strip() == "41", ran.stderr


@pytest.mark.parametrize("url", ["mysql://localhost/mail", "redis://localhost", "https://example.com", "smtp://x"])
def test_a_url_of_an_unknown_kind_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be at a URL"):
        Outbox(url)


@pytest.mark.parametrize("key", ["k" * 10_000, "é" * 300, "a\nb", "", 7])
def test_a_key_that_is_none_is_refused(outbox: Outbox, key: str) -> None:
    with pytest.raises(ConfigurationError, match="key="):
        outbox.put(message(), key=key)


def test_a_message_over_the_limit_is_refused_before_anything_is_kept(where: Path) -> None:
    with Outbox(where, account="test", max_size=10_000) as outbox:
        with pytest.raises(MessageError, match="the outbox takes 10000"):
            outbox.put(message(size=20_000))
        assert sum(outbox.counts().letters.values()) == 0


def test_a_put_without_any_account_says_so(where: Path) -> None:
    with Outbox(where) as outbox, pytest.raises(ConfigurationError, match="needs an account") as caught:
        outbox.put(message())
    assert "account=" in (caught.value.hint or "")


def test_the_account_of_the_environment_is_carried(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_HOST", "smtp.example.com")
    monkeypatch.setenv("SENDKIT_USERNAME", "ana@example.com")
    with Outbox(where) as outbox:
        receipt = outbox.put(message())
        assert outbox.status(receipt).account == "ana@example.com@smtp.example.com:587"


def test_sendkit_outbox_names_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_OUTBOX", str(tmp_path / "named.db"))
    with Outbox(account="test") as outbox:
        outbox.put(message())
    assert (tmp_path / "named.db").exists()


def test_an_outbox_that_is_closed_says_so(where: Path) -> None:
    outbox = Outbox(where, account="test")
    outbox.put(message())
    outbox.close()
    with pytest.raises(ConfigurationError, match="closed"):
        outbox.put(message())


def test_a_letter_whose_content_is_gone_is_not_sent_as_an_empty_one(outbox: Outbox, where: Path) -> None:
    receipt = outbox.put(message())
    connection = sqlite3.connect(where)
    with connection:
        connection.execute("delete from sendkit_content")
    connection.close()
    transport = MemoryTransport()
    with Mailer(transport=transport) as mailer:
        outbox.drain(mailer)
    assert transport.sent == []
    assert outbox.status(receipt).recipients[0].state is RecipientState.WAITING


def test_a_mailer_that_is_closed_costs_no_letter_an_attempt(outbox: Outbox) -> None:
    mailer = Mailer(transport=MemoryTransport())
    with outbox.worker(mailer, finish=False):
        mailer._core._closed = True  # as a program does that closes it too early
        receipt = outbox.put(message())
        deadline = time.monotonic() + 200
        while outbox.status(receipt).state is not LetterState.LATER and time.monotonic() < deadline:
            time.sleep(0.01)
    found = outbox.status(receipt)
    assert (found.state, found.attempts, found.recipients[0].state) == (LetterState.LATER, 0, RecipientState.WAITING)
    mailer._core._closed = False
    mailer.close()


COUNT = """
import sys
from sendkit import Outbox
with Outbox(sys.argv[1]) as outbox:
    print(sum(outbox.counts().letters.values()))
"""


def counted_elsewhere(path: Path) -> int:
    """How many letters another process sees, which opens the file and closes it."""
    seen = subprocess.run([sys.executable, "-c", COUNT, path], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(seen.stdout)


def test_two_outboxes_of_a_process_lose_nothing_to_another_process(tmp_path: Path) -> None:
    """Opening the second one must not give up the locks of the first: another process would delete their WAL."""
    path = tmp_path / "outbox.db"
    with Outbox(path, account="test") as first, Outbox(path, account="test") as second:
        first.put(message(1))
        second.put(message(2))
        assert counted_elsewhere(path) == 2
        first.put(message(3))
        second.put(message(4))
        assert counted_elsewhere(path) == 4
        assert sum(first.counts().letters.values()) == 4


def test_a_connection_of_the_program_loses_nothing_when_an_outbox_opens_its_file(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    own = sqlite3.connect(path)
    own.execute("pragma journal_mode = wal")
    own.execute("create table orders (id)")
    with Outbox(path, account="test") as outbox:
        outbox.counts()
    counted_elsewhere(path)
    with own:
        own.execute("insert into orders values (7)")
    found = sqlite3.connect(path)
    assert found.execute("select id from orders").fetchall() == [(7,)]
    found.close()
    counted_elsewhere(path)
    script = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('select id from orders').fetchall())"
    seen = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert seen.stdout == "[(7,)]\n"
    own.close()
