"""Marks and verdicts that a machine or a server forgot when it crashed: in doubt, and never a copy."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sendkit import Mailer, MemoryTransport, Message, Outbox
from sendkit.errors import OutboxError
from sendkit.outbox import LetterState, Receipt, RecipientState
from sendkit.outbox._claim import Take, takes
from sendkit.outbox._fence import Mark, Takeover, marks, settles, takeovers
from sendkit.outbox._ledger import How
from sendkit.outbox._rows import Claim, RecipientVerdict, Settlement
from sendkit.outbox._sqlite import SQLiteDatabase
from sendkit.outbox._statements import Statement, Work
from sendkit.outbox._upkeep import Alive, heartbeats
from tests.servers.postgresql import PostgreSQL
from tests.waiting import wait_until

OWNER = "elsewhere:1:dead"
ANOTHER = "update sendkit_letter set epoch = 'another'"


def message() -> Message:
    return Message(sender="ana@example.com", to=["a@example.com", "b@example.com"], subject="n", text="x")


@pytest.fixture
def outbox(where: Path | str) -> Iterator[Outbox]:
    with Outbox(where, account="test") as outbox:
        yield outbox


def say(outbox: Outbox, sql: str) -> None:
    """Have one statement carried out."""

    def task(_: object, items: object) -> Work[list[None]]:
        yield (Statement(sql),)
        return [None]

    outbox._core.writer.call(task, None)


def claimed(outbox: Outbox) -> Claim:
    (claim,) = outbox._core.writer.call(takes, Take(OWNER, 1)).claims
    return claim


def states(outbox: Outbox, receipt: Receipt) -> set[RecipientState]:
    return {one.state for one in outbox.status(receipt).recipients}


def verdicts(claim: Claim) -> Settlement:
    said = tuple(RecipientVerdict(n, "accepted", "250 ok") for n, _ in claim.recipients)
    return Settlement(claim.id, claim.token, OWNER, said, "{}", 0.0)


def test_a_letter_that_was_only_claimed_is_free_again_while_nothing_can_be_forgotten(outbox: Outbox) -> None:
    receipt = outbox.put(message())
    claimed(outbox)
    outbox._core.writer.call(takeovers, Takeover(OWNER))
    assert outbox.status(receipt).state is LetterState.READY
    assert states(outbox, receipt) == {RecipientState.WAITING}


def test_one_that_was_claimed_before_a_crash_is_in_doubt_also_without_a_mark(outbox: Outbox) -> None:
    receipt = outbox.put(message())
    claim = claimed(outbox)
    say(outbox, ANOTHER)
    outbox._core.writer.call(takeovers, Takeover(OWNER))
    assert states(outbox, receipt) == {RecipientState.IN_DOUBT}
    outbox._core.writer.call(settles, verdicts(claim))
    assert states(outbox, receipt) == {RecipientState.ACCEPTED}, "the worker was alive, and tells late"


def test_a_worker_that_outlives_a_crash_marks_and_settles_as_before(outbox: Outbox) -> None:
    receipt = outbox.put(message())
    claim = claimed(outbox)
    say(outbox, ANOTHER)
    wish = Mark(claim.id, claim.token, (0, 1))
    outbox._core.writer.call(marks, wish, How.LIGHT)
    outbox._core.writer.call(settles, verdicts(claim), How.LIGHT)
    assert states(outbox, receipt) == {RecipientState.ACCEPTED}


def test_a_verdict_that_a_crash_has_lost_is_settled_again(outbox: Outbox) -> None:
    receipt = outbox.put(message())
    claim = claimed(outbox)  # and what was settled then is gone
    outbox._core.writer.call(heartbeats, Alive(OWNER, (verdicts(claim),)))
    assert states(outbox, receipt) == {RecipientState.ACCEPTED}
    outbox._core.writer.call(heartbeats, Alive(OWNER, (verdicts(claim),)))
    assert len(outbox.status(receipt).history) == 1, "what is there is not written twice"


def test_one_that_was_taken_over_meanwhile_is_resolved(outbox: Outbox) -> None:
    receipt = outbox.put(message())
    claim = claimed(outbox)
    say(outbox, ANOTHER)
    outbox._core.writer.call(takeovers, Takeover(OWNER))
    outbox._core.writer.call(heartbeats, Alive(OWNER, (verdicts(claim),)))
    assert states(outbox, receipt) == {RecipientState.ACCEPTED}


def test_where_nobody_can_tell_one_start_of_the_machine_from_another_each_commit_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendkit.outbox._sqlite._boot", lambda: None)
    with Outbox(tmp_path / "outbox.db", account="test") as outbox:
        outbox.put(message())
        claim = claimed(outbox)
        outbox._core.writer.call(marks, Mark(claim.id, claim.token, (0, 1)), How.LIGHT)
        database = outbox._core.writer._database
        assert isinstance(database, SQLiteDatabase)
        (level,) = database._connection.execute("pragma synchronous").fetchone()
        assert level == 2, "FULL"


def test_a_worker_has_its_verdicts_on_the_disk_when_it_has_ended(tmp_path: Path) -> None:
    where = tmp_path / "outbox.db"
    with Outbox(where, account="test") as outbox, Mailer(transport=MemoryTransport()) as mailer:
        outbox.put(message())
        with outbox.worker(mailer):
            pass
        database = outbox._core.writer._database
        assert isinstance(database, SQLiteDatabase)
        assert database._durable, "its last commit was waited for"
    connection = sqlite3.connect(where)
    assert connection.execute("select distinct state from sendkit_letter").fetchall() == [("settled",)]
    connection.close()


@pytest.fixture(scope="module")
def own_server(postgresql_server: PostgreSQL) -> Iterator[PostgreSQL]:
    """A server that may crash; it is left out where the common one is."""
    server = PostgreSQL()
    yield server
    server.close()


def test_a_server_that_crashes_and_its_worker_too_leave_doubt_and_no_copy(own_server: PostgreSQL) -> None:
    """A backend that is killed takes the whole server with it, and what was not on the disk yet."""
    url = own_server.new_database()
    with Outbox(url, account="test") as outbox:
        receipts = [outbox.put(message()), outbox.put(message())]
        claim = claimed(outbox)
        claimed(outbox)  # and its mark, if there was one, is gone
        outbox._core.writer.call(marks, Mark(claim.id, claim.token, (0, 1)), How.LIGHT)
    crash(url)
    with Outbox(url, account="test") as outbox, Mailer(transport=(transport := MemoryTransport())) as mailer:
        outbox._core.writer.call(takeovers, Takeover(OWNER))
        outbox.drain(mailer)
        assert {state for receipt in receipts for state in states(outbox, receipt)} == {RecipientState.IN_DOUBT}
        assert transport.sent == []


def crash(url: str) -> None:
    """Kill a backend; the server then ends all others, and is there again when it has recovered."""
    with psycopg.connect(url) as victim, psycopg.connect(url) as witness:
        os.kill(victim.info.backend_pid, signal.SIGKILL)
        wait_until(lambda: not answers(witness))
    wait_until(lambda: can_be_reached(url))


def answers(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    try:
        connection.execute("select 1")
    except psycopg.OperationalError:
        return False
    return True


def can_be_reached(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_server_that_crashes_while_letters_are_put_and_sent_loses_nothing(own_server: PostgreSQL) -> None:
    """Between the end of data and what is to be written of it, while others are on their way."""
    url, transport = own_server.new_database(), MemoryTransport()
    carry = transport.deliver

    async def deliver(letter: Any, log: Any) -> None:
        await carry(letter, log)
        if len(transport.sent) == 5:
            await asyncio.to_thread(crash, url)

    transport.deliver = deliver  # type: ignore[method-assign]  # the seam of a test's own double
    with Outbox(url, account="test") as outbox, Mailer(transport=transport) as mailer, outbox.worker(mailer):
        receipts = [put(outbox, f"letter {number}") for number in range(12)]
        wait_until(lambda: all(settled(outbox, receipt) for receipt in receipts))
        assert {state for receipt in receipts for state in states(outbox, receipt)} == {RecipientState.ACCEPTED}
    assert len(transport.sent) == 12


def put(outbox: Outbox, key: str) -> Receipt:
    """As a program does that tries again: with the key it is one letter."""
    while True:
        try:
            return outbox.put(message(), key=key)
        except OutboxError:
            time.sleep(0.05)


def settled(outbox: Outbox, receipt: Receipt) -> bool:
    """Whether it is, also where nobody can tell just now."""
    try:
        return outbox.status(receipt).state is LetterState.SETTLED
    except OutboxError:
        return False
