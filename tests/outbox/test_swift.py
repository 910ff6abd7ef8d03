"""The usual marks and settlements in few statements: the same comes of them as of the rules, and they are one turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sendkit import Message, Outbox
from sendkit.outbox._claim import Take, takes
from sendkit.outbox._fence import Ledger, Mark, _fenced, _settled, marks, settles
from sendkit.outbox._ledger import How
from sendkit.outbox._rows import Claim, RecipientVerdict, Settlement
from sendkit.outbox._rules import Fenced
from sendkit.outbox._statements import Batch, Rows, Statement, Work
from sendkit.outbox._states import RecipientState

OWNER = "elsewhere:1:dead"
# What may have come between a claim and the next step.
NOTHING = "select 1"
BETWEEN = (
    NOTHING,
    "update sendkit_recipient set state = 'cancelled' where n = 0",
    "update sendkit_recipient set state = 'in_doubt' where n = 1",
    "update sendkit_recipient set state = 'sending', token = 1",
    "update sendkit_recipient set state = 'waiting' where n = 1",
    "update sendkit_letter set token = token + 1",
    "update sendkit_letter set state = 'ready', owner = null",
    "update sendkit_letter set state = 'settled', owner = null",
    "update sendkit_letter set owner = 'another', token = token + 1",
    "delete from sendkit_recipient where n = 1",
)
_TABLES = (
    "select state, token, owner, attempts, warned, settled is not null, holding from sendkit_letter order by id",
    "select n, state, token, attempts, reply, reason, at is not null from sendkit_recipient order by n",
    "select token, owner, summary from sendkit_attempt order by id",
)


def message() -> Message:
    return Message(sender="ana@example.com", to=["a@example.com", "b@example.com"], subject="n", text="x")


@pytest.fixture
def outbox(where: Path | str) -> Iterator[Outbox]:
    with Outbox(where, account="test") as outbox:
        yield outbox


def asked(outbox: Outbox, *sqls: str) -> list[Rows]:
    def task(_: Ledger, items: Sequence[None]) -> Work[list[list[Rows]]]:
        found = yield tuple(Statement(sql) for sql in sqls)
        return [found] * len(items)

    return outbox._core.writer.call(task, None)


def claimed(outbox: Outbox) -> Claim:
    """The only letter there is, claimed."""
    asked(outbox, "delete from sendkit_letter")
    outbox.put(message())
    (claim,) = outbox._core.writer.call(takes, Take(OWNER, 1)).claims
    return claim


def by_rules_marked(ledger: Ledger, items: Sequence[Mark]) -> Work[list[Fenced | None]]:
    fenced = yield from _fenced(ledger, items)
    return [Fenced() if item in fenced else None for item in items]


def by_rules_settled(ledger: Ledger, items: Sequence[Settlement]) -> Work[list[float | None]]:
    due = yield from _settled(ledger, items)
    return [due.get(item.id) for item in items]


def outcome(outbox: Outbox, between: str, task: Any, item_of: Any) -> tuple[object, list[Rows]]:
    """What the task says, and what then is in the tables."""
    claim = claimed(outbox)
    asked(outbox, "update sendkit_recipient set state = 'sending', token = 1" if task in _SETTLE else NOTHING, between)
    try:
        said: object = outbox._core.writer.call(task, item_of(claim), How.LIGHT)
    except Fenced:
        said = "fenced"
    return said, asked(outbox, *_TABLES)


_SETTLE = (settles, by_rules_settled)


def mark(claim: Claim) -> Mark:
    return Mark(claim.id, claim.token, (0, 1))


def settlement(claim: Claim) -> Settlement:
    verdicts = tuple(RecipientVerdict(n, RecipientState.ACCEPTED, f"250 {n}", None) for n in (0, 1))
    return Settlement(claim.id, claim.token, OWNER, verdicts, "{}", 0)


@pytest.mark.parametrize("between", BETWEEN)
def test_a_mark_comes_to_the_same_as_by_the_rules(outbox: Outbox, between: str) -> None:
    assert outcome(outbox, between, marks, mark) == outcome(outbox, between, by_rules_marked, mark)


@pytest.mark.parametrize("between", BETWEEN)
def test_a_settlement_comes_to_the_same_as_by_the_rules(outbox: Outbox, between: str) -> None:
    assert outcome(outbox, between, settles, settlement) == outcome(outbox, between, by_rules_settled, settlement)


@pytest.mark.parametrize("more", ["waiting", "in_doubt"])
def test_a_letter_with_another_recipient_who_waits_goes_on(outbox: Outbox, more: str) -> None:
    def for_one(claim: Claim) -> Settlement:
        return settlement(claim)._replace(verdicts=settlement(claim).verdicts[:1])

    between = f"update sendkit_recipient set state = '{more}' where n = 1"
    said, tables = outcome(outbox, between, settles, for_one)
    assert (said, tables) == outcome(outbox, between, by_rules_settled, for_one)
    assert tables[0][0][0] == ("ready" if more == "waiting" else "settled")


class Commits:
    """What is committed in one turn with its statements; any other transaction that writes is an error."""

    def __init__(self, outbox: Outbox, *, durable: bool) -> None:
        database = outbox._core.writer._database
        assert database is not None
        self.batches: list[Batch] = []
        self._database: Any = database
        self._commit, self._transaction = database.commit, database.transaction
        self._durable = durable

    def __enter__(self) -> list[Batch]:
        self._database.commit, self._database.transaction = self._watched, None
        return self.batches

    def __exit__(self, *_: object) -> None:
        del self._database.commit, self._database.transaction

    def _watched(self, batch: Batch, *, durable: bool) -> list[Rows]:
        assert durable is self._durable
        self.batches.append(batch)
        self._database.transaction = self._transaction
        try:
            return self._commit(batch, durable=durable)
        finally:
            self._database.transaction = None


def test_the_usual_mark_and_settlement_are_one_turn_each(outbox: Outbox) -> None:
    claim = claimed(outbox)
    with Commits(outbox, durable=False) as commits:
        outbox._core.writer.call(marks, mark(claim), How.LIGHT)
        outbox._core.writer.call(settles, settlement(claim), How.PATIENT)
    assert len(commits) == 2
    assert asked(outbox, "select state from sendkit_letter") == [[("settled",)]]


def test_a_put_is_one_statement_on_postgresql(postgresql: str) -> None:
    with Outbox(postgresql, account="test") as outbox:
        outbox.put(message())
        with Commits(outbox, durable=True) as commits:
            receipt = outbox.put(message())
        assert [len(batch) for batch in commits] == [1]
        assert len(outbox.status(receipt).recipients) == 2
