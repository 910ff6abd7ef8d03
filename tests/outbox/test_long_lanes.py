"""What a claim reads does not grow with a lane: neither with the one it takes from, nor with the one it passes."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import psycopg

from sendkit import Message, Outbox
from sendkit.outbox import Letter
from sendkit.outbox._postgres_texts import POSTGRES
from sendkit.outbox._sqlite_texts import SQLITE

_LONG = 3000
_WHERE = [json.dumps([["test"]]), "test", "a", 1e9, 16]  # behind the long lane, in 2001


def fill(where: str | Path, long: int) -> None:
    """A long lane, and a short one behind it."""
    message = Message(sender="ana@example.com", to="luis@example.com", text="x")
    with Outbox(where, account="test") as outbox:
        for _ in outbox.put_many(Letter(message, lane="b" if n == long else "a") for n in range(long + 1)):
            pass


def steps(path: Path) -> int:
    """How many hundreds of instructions SQLite needs to find the lanes behind the long one."""
    count = 0

    def counting() -> int:
        nonlocal count
        count += 1
        return 0

    connection = sqlite3.connect(path)
    connection.set_progress_handler(counting, 100)
    assert connection.execute(SQLITE.lanes, _WHERE).fetchall() == [("test", "b")]
    connection.close()
    return count


def test_on_sqlite(tmp_path: Path) -> None:
    fill(tmp_path / "short.db", 3)
    fill(tmp_path / "long.db", _LONG)
    assert steps(tmp_path / "long.db") <= 2 * steps(tmp_path / "short.db") + 5


def test_on_postgresql_also_before_it_knows_how_large_its_tables_are(postgresql: str) -> None:
    fill(postgresql, _LONG)
    with psycopg.connect(postgresql) as connection:
        cursor = psycopg.RawCursor(connection)
        cursor.execute(f"explain (analyze, timing off, format text) {POSTGRES.lanes}".encode(), _WHERE)
        plan = "\n".join(str(row[0]) for row in cursor.fetchall())
    read = re.findall(r"actual rows=(\d+)", plan) + re.findall(r"Rows Removed by [A-Za-z ]+: (\d+)", plan)
    assert max(map(int, read)) < 100, plan
