"""Tables of every version that was ever released become those of today, with what is in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from sendkit import Mailer, MemoryTransport, Message, Outbox
from sendkit.outbox._fence import Ledger
from sendkit.outbox._ledger import Database
from sendkit.outbox._letter import Letter, cut, written
from sendkit.outbox._place import Place, place_of
from sendkit.outbox._put import puts
from sendkit.outbox._schema import migration_sql, prepare
from sendkit.outbox._statements import carry_out


def of_version(place: Place, version: int) -> Database:
    """The database with tables as a program of that version made them."""
    database = place.open()
    database.texts = replace(place.texts, schema=place.texts.schema[:version])  # type: ignore[misc]  # as it was then
    prepare(database)
    return database


@pytest.mark.parametrize("version", [1])
def test_a_letter_of_an_older_program_is_sent_by_this_one(where: Path | str, version: int) -> None:
    place = place_of(where)
    database = of_version(place, version)
    message = Message(sender="ana@example.com", to="luis@example.com", subject="n", text="x")
    ready = written(Letter(message), "test")
    pieces = tuple(part for piece in ready.pieces if isinstance(piece, bytes) for part in cut(piece))
    ledger = Ledger(database.texts, database.now)
    with database.transaction():
        ((placed,),) = carry_out(puts(ledger, [(ready.draft._replace(pieces=pieces),)]), database.execute)
    database.close()
    with Outbox(where) as outbox, Mailer(transport=(transport := MemoryTransport())) as mailer:
        assert outbox.health().version == len(place.texts.schema)
        outbox.drain(mailer)
        assert outbox.status(placed.uid).ok
    assert len(transport.sent) == 1


def test_the_statements_for_a_person_make_the_same_tables(postgresql: str) -> None:
    with psycopg.connect(postgresql) as connection:
        connection.execute(migration_sql(place_of(postgresql).texts).encode())
    with Outbox(postgresql, account="test") as outbox:
        assert outbox.health().version == outbox.health().newest_version
