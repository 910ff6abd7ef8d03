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


def test_a_copied_database_starts_paused_and_says_why(where: Path, tmp_path: Path) -> None:
    """What is in it may have been sent since, by the original."""
    with Outbox(where, account="test") as outbox:
        outbox.put(message())
    copy = tmp_path / "copy.db"
    shutil.copy(where, copy)
    transport = MemoryTransport()
    with Outbox(copy) as outbox, Mailer(transport=transport) as mailer:
        assert outbox.drain(mailer) == 0
        assert "copy" in str(outbox.counts().paused)
        outbox.resume()
        assert outbox.drain(mailer) == 1


def test_the_words_of_an_error_are_not_what_it_is_judged_by() -> None:
    """A name in it may say anything; SQLite has a result code for each kind."""
    connection = sqlite3.connect(":memory:")
    with pytest.raises(sqlite3.OperationalError, match="no such table") as raised:
        connection.execute("select 1 from busy_and_locked_and_full_and_readonly")
    connection.close()
    said = translated(raised.value, None).message
    assert not any(word in said for word in ("is locked", "cannot grow", "cannot be written"))
