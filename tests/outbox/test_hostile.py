"""Orders, purges, takeovers and the end of a letter's time while a worker has it: nothing is lost, nobody gets two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sendkit import AsyncMailer, AsyncOutbox, Mailer, MemoryTransport, Message, Outbox
from sendkit.errors import OutboxError
from sendkit.outbox import LetterState, Receipt, RecipientState
from sendkit.outbox._fence import Takeover, takeovers
from sendkit.outbox._statements import Batch, Rows


@pytest.fixture
def outbox(where: Path | str) -> Iterator[Outbox]:
    with Outbox(where, account="test") as outbox:
        yield outbox


def message() -> Message:
    return Message(sender="ana@example.com", to="luis@example.com", subject="n", text="x")


def meanwhile(transport: MemoryTransport, act: Callable[[], object], *, before: bool) -> None:
    """Have something happen once while a letter is carried: before its mark, or behind the end of its data."""
    carry, acts = transport.deliver, [act]

    async def deliver(letter: Any, log: Any) -> None:
        if before and acts:
            acts.pop()()
        await carry(letter, log)
        if acts:
            acts.pop()()

    transport.deliver = deliver  # type: ignore[method-assign]  # the seam of a test's own double


def taken_over(outbox: Outbox) -> None:
    (owner,) = {letter.worker for letter in outbox.letters(state="working")}
    outbox._core.writer.call(takeovers, Takeover(str(owner)))


def state(outbox: Outbox, receipt: Receipt) -> RecipientState:
    (recipient,) = outbox.status(receipt).recipients
    return recipient.state


def test_who_is_taken_over_behind_the_end_of_data_tells_late_and_nobody_sends_again(
    outbox: Outbox, mailer: Mailer, transport: MemoryTransport
) -> None:
    receipt = outbox.put(message())
    seen: list[RecipientState] = []

    def act() -> None:
        taken_over(outbox)
        seen.append(state(outbox, receipt))

    meanwhile(transport, act, before=False)
    outbox.drain(mailer)
    outbox.drain(mailer)
    assert seen == [RecipientState.IN_DOUBT]
    assert state(outbox, receipt) is RecipientState.ACCEPTED
    assert len(transport.sent) == 1


def test_who_is_taken_over_before_the_mark_sends_nothing_and_the_next_one_does(
    outbox: Outbox, mailer: Mailer, transport: MemoryTransport
) -> None:
    receipt = outbox.put(message())
    meanwhile(transport, lambda: taken_over(outbox), before=True)
    outbox.drain(mailer)
    assert state(outbox, receipt) is RecipientState.ACCEPTED
    assert len(transport.sent) == 1
    assert outbox.status(receipt).attempts == 2


def test_what_is_cancelled_before_the_mark_does_not_leave(
    outbox: Outbox, mailer: Mailer, transport: MemoryTransport
) -> None:
    receipt = outbox.put(message())
    meanwhile(transport, lambda: outbox.cancel(receipt), before=True)
    outbox.drain(mailer)
    assert transport.sent == []
    assert state(outbox, receipt) is RecipientState.CANCELLED
    assert outbox.status(receipt).state is LetterState.SETTLED


def test_what_is_cancelled_too_late_was_sent_and_says_so(
    outbox: Outbox, mailer: Mailer, transport: MemoryTransport
) -> None:
    receipt = outbox.put(message())
    changed: list[bool] = []
    meanwhile(transport, lambda: changed.append(outbox.cancel(receipt)), before=False)
    outbox.drain(mailer)
    assert changed == [False]
    assert state(outbox, receipt) is RecipientState.ACCEPTED


@pytest.mark.parametrize("before", [True, False])
def test_a_purge_leaves_what_is_worked_on(
    outbox: Outbox, mailer: Mailer, transport: MemoryTransport, before: bool
) -> None:
    receipt = outbox.put(message())
    nothing = timedelta(0)
    meanwhile(transport, lambda: outbox.purge(content_after=nothing, rows_after=nothing), before=before)
    outbox.drain(mailer)
    assert state(outbox, receipt) is RecipientState.ACCEPTED
    assert outbox.purge(content_after=nothing, rows_after=nothing).letters == 1


@pytest.mark.parametrize(
    ("reply", "becomes"), [("250 ok", "accepted"), ("450 later", "expired"), ("550 no", "rejected")]
)
def test_one_whose_time_runs_out_while_it_is_sent_becomes_what_the_server_said(
    outbox: Outbox, mailer: Mailer, transport: MemoryTransport, reply: str, becomes: str
) -> None:
    receipt = outbox.put(message(), expires_in=timedelta(microseconds=1))
    transport.after_data().reply(reply)
    outbox.drain(mailer)
    assert state(outbox, receipt) == becomes


def test_what_is_in_doubt_is_sent_again_once_however_often_a_person_says_so(
    outbox: Outbox, mailer: Mailer, transport: MemoryTransport
) -> None:
    receipt = outbox.put(message())
    transport.after_data().drop(times=1)
    outbox.drain(mailer)
    assert state(outbox, receipt) is RecipientState.IN_DOUBT
    assert [outbox.retry(receipt), outbox.retry(receipt)] == [True, False]
    outbox.drain(mailer)
    assert [outbox.retry(receipt), outbox.cancel(receipt), outbox.forget(receipt)] == [False, False, False]
    outbox.drain(mailer)
    assert state(outbox, receipt) is RecipientState.ACCEPTED
    assert len(transport.sent) == 2  # the first of which nobody knows


def test_a_retry_while_it_is_worked_on_makes_no_second_attempt(
    outbox: Outbox, mailer: Mailer, transport: MemoryTransport
) -> None:
    receipt = outbox.put(message())
    meanwhile(transport, lambda: (outbox.retry(receipt), outbox.flush(), outbox.release(receipt)), before=False)
    outbox.drain(mailer)
    assert state(outbox, receipt) is RecipientState.ACCEPTED
    assert len(transport.sent) == 1


async def test_a_claim_whose_commit_was_not_heard_of_is_found_again(
    where: Path | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the connection breaks between the commit and its answer."""
    async with AsyncOutbox(where, account="test") as outbox, AsyncMailer(transport=MemoryTransport()) as mailer:
        receipt = await outbox.put(message())
        await outbox.counts()
        database = outbox._core.writer._database
        assert database is not None
        execute, transaction, claim = database.execute, database.transaction, database.texts.claim
        claims: list[int] = []

        def watched(batch: Batch) -> list[Rows]:
            claims.extend(1 for statement in batch if statement.sql == claim)
            return execute(batch)

        @contextmanager
        def unheard(*, durable: bool = True) -> Iterator[None]:
            before = len(claims)
            with transaction(durable=durable):
                yield
            if before == 0 and claims:
                raise OutboxError("the connection is broken", transient=True)

        monkeypatch.setattr(database, "execute", watched)
        monkeypatch.setattr(database, "transaction", unheard)
        async with outbox.worker(mailer):
            letter = await outbox.wait(receipt, timeout=200)
        assert letter.ok
        assert len(claims) == 2
