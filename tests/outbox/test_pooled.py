"""Behind PgBouncer in transaction pooling, each transaction may get another session of the server."""

from __future__ import annotations

import psycopg

from sendkit import Mailer, MemoryTransport, Message, Outbox
from sendkit.outbox import Letter
from tests.servers.pgbouncer import PgBouncer


def test_letters_are_put_and_sent_and_nothing_is_left_in_the_sessions_of_others(
    postgresql: str, pgbouncer: PgBouncer, mailer: Mailer, transport: MemoryTransport
) -> None:
    url = pgbouncer.url(postgresql)
    message = Message(sender="ana@example.com", to="luis@example.com", subject="Hola", text="x")
    with Outbox(url, account="test") as outbox, Outbox(url, account="test") as other:
        for number in range(12):  # psycopg would prepare the statements of the sixth
            (outbox if number % 2 else other).put(message, key=f"order-{number}")
        assert [one.duplicate for one in outbox.put_many(Letter(message, key=f"order-{n}") for n in range(11, 13))] == [
            True,
            False,
        ]
        with outbox.worker(mailer, account="test"), psycopg.connect(url, prepare_threshold=None) as connection:
            last = other.put(message, transaction=connection)
            connection.commit()
            outbox.wait(last, timeout=300)
        assert (len(transport.sent), outbox.counts().letters["settled"]) == (14, 14)
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "select current_setting('enable_seqscan'), current_setting('jit'), current_setting('synchronous_commit'),"
            " (select count(*) from pg_prepared_statements), (select count(*) from pg_listening_channels())"
        ).fetchone()
    assert row == ("on", "on", "on", 0, 0)
