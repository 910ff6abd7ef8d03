"""Tables of every version that was ever released become those of today, with what is in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from sendkit import Mailer, MemoryTransport, Outbox
from sendkit.outbox._ledger import Database
from sendkit.outbox._place import Place, place_of
from sendkit.outbox._schema import migration_sql, prepare
from sendkit.outbox._statements import Statement


def of_version(place: Place, version: int) -> Database:
    """The database with tables as a program of that version made them."""
    database = place.open()
    database.texts = replace(place.texts, schema=place.texts.schema[:version])  # type: ignore[misc]  # as it was then
    prepare(database)
    return database


# As version 1 wrote it: the columns that it had.
LETTER = """insert into sendkit_letter (id, uid, account, lane, priority, state, due, expires, created, reverse_path,
 message_id, size, eight_bit, utf8, kind) values (1, 'f00dfacef00dface', 'test', '', 0, 'ready', 0, 99999999999, 1,
 'ana@example.com', '<1@example.com>', 44, {no}, {no}, 'letter')"""
RECIPIENT = "insert into sendkit_recipient (letter_id, n, address, state) values (1, 0, 'luis@example.com', 'waiting')"
CONTENT = "insert into sendkit_content (letter_id, seq, octets) values (1, 0, {octets})"
OCTETS = b"From: ana@example.com\r\nSubject: n\r\n\r\nHola!\r\n"


@pytest.mark.parametrize("version", [1, 2])
def test_a_letter_of_an_older_program_is_sent_by_this_one(where: Path | str, version: int) -> None:
    place = place_of(where)
    database = of_version(place, version)
    sqlite = isinstance(where, Path)
    octets = f"x'{OCTETS.hex()}'" if sqlite else f"'\\x{OCTETS.hex()}'::bytea"
    with database.transaction():
        for sql in (LETTER.format(no=0 if sqlite else "false"), RECIPIENT, CONTENT.format(octets=octets)):
            database.execute((Statement(sql),))
    database.close()
    with Outbox(where) as outbox, Mailer(transport=(transport := MemoryTransport())) as mailer:
        assert outbox.health().version == len(place.texts.schema)
        outbox.drain(mailer)
        assert outbox.status("f00dface").ok
    (sent,) = transport.sent
    assert sent.content == OCTETS


def test_the_statements_for_a_person_make_the_same_tables(postgresql: str) -> None:
    with psycopg.connect(postgresql) as connection:
        connection.execute(migration_sql(place_of(postgresql).texts).encode())
    with Outbox(postgresql, account="test") as outbox:
        assert outbox.health().version == outbox.health().newest_version
