"""A file that is no outbox, or not this program's, is refused and left as it is; a copy waits to be told to send."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from pathlib import Path
from random import Random

import pytest

from sendkit import Mailer, MemoryTransport, Message, Outbox
from sendkit.errors import ConfigurationError, OutboxError
from sendkit.outbox._sqlite import SQLiteDatabase, translated


def message(n: int = 0, size: int = 100) -> Message:
    return Message(sender="ana@example.com", to=f"u{n}@example.com", subject=f"n{n}", text="x" * size)


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.mark.parametrize("octets", [b"not a database at all" * 500, Random(1).randbytes(8192)])
def test_a_file_that_is_no_outbox_is_refused_and_left_as_it_is(where: Path, octets: bytes) -> None:
    where.write_bytes(octets)
    where.chmod(0o644)
    with Outbox(where, account="test") as outbox, pytest.raises(OutboxError, match="damaged, or no outbox"):
        outbox.put(message())
    assert (where.read_bytes(), stat.S_IMODE(where.stat().st_mode)) == (octets, 0o644)


def test_a_damaged_file_is_refused_with_the_way_out(where: Path) -> None:
    with Outbox(where, account="test") as outbox:
        list(outbox.put_many(message(n, 2000) for n in range(200)))
    octets, dice = bytearray(where.read_bytes()), Random(1)
    for at in range(8192, len(octets) - 4096, 12288):
        octets[at : at + 2048] = dice.randbytes(2048)
    where.write_bytes(octets)
    with Outbox(where) as outbox, pytest.raises(OutboxError, match="damaged") as caught:
        outbox.counts()
    assert ".recover" in (caught.value.hint or "")


def test_tables_of_a_newer_program_are_refused(where: Path) -> None:
    with Outbox(where, account="test") as outbox:
        outbox.put(message())
    connection = sqlite3.connect(where)
    with connection:
        connection.execute("update sendkit_meta set v = '99' where k = 'version'")
    connection.close()
    with Outbox(where) as outbox, pytest.raises(ConfigurationError, match="version 99"):
        outbox.counts()


def test_a_file_that_may_not_be_written_is_an_error(where: Path) -> None:
    with Outbox(where, account="test") as outbox:
        outbox.put(message())
    database = SQLiteDatabase(where)
    database._connection.execute("pragma query_only = on")  # root may write everywhere
    with pytest.raises(OutboxError, match="cannot be written"), database.transaction():
        database._connection.execute("delete from sendkit_letter")
    database.close()


@pytest.mark.parametrize(("to", "says"), [("copy.db", "a copy"), ("outbox.db", "put in its place")])
def test_a_copied_or_restored_database_starts_paused_and_says_why(
    where: Path, tmp_path: Path, to: str, says: str
) -> None:
    """What is in it may have been sent since."""
    backup, place = tmp_path / "backup.db", tmp_path / to
    with Mailer(transport=MemoryTransport()) as mailer:
        with Outbox(where, account="test") as outbox:
            outbox.put(message())
        shutil.copy(where, backup)
        with Outbox(where) as outbox:
            assert outbox.drain(mailer) == 1
            assert outbox.counts().paused is None
        shutil.copy(backup, place)
        for _ in range(2):  # it is not forgotten
            with Outbox(place) as outbox:
                assert outbox.drain(mailer) == 0
                assert says in str(outbox.counts().paused)
        with Outbox(place) as outbox:
            outbox.resume()
            assert outbox.drain(mailer) == 1
        with Outbox(place) as outbox:
            assert outbox.counts().paused is None


def test_a_new_database_in_the_place_of_one_that_was_deleted_sends(where: Path) -> None:
    for _ in range(2):
        with Outbox(where, account="test") as outbox, Mailer(transport=MemoryTransport()) as mailer:
            outbox.put(message())
            assert outbox.drain(mailer) == 1
        where.unlink()
    with Outbox(where, account="test") as outbox, Mailer(transport=MemoryTransport()) as mailer:
        outbox.put(message())
    with Outbox(where) as outbox, Mailer(transport=MemoryTransport()) as mailer:
        assert outbox.drain(mailer) == 1


def test_the_words_of_an_error_are_not_what_it_is_judged_by() -> None:
    """A name in it may say anything; SQLite has a result code for each kind."""
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError, match="no such table") as raised:
        connection.execute("select 1 from busy_and_locked_and_full_and_readonly")
    connection.close()
    said = translated(raised.value, None).message
    assert not any(word in said for word in ("is locked", "cannot grow", "cannot be written"))
