"""A mark and a takeover that meet on PostgreSQL: the lock of the letter's row lets neither miss the other."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

import pytest

from sendkit import Message, Outbox
from sendkit.outbox._claim import Take, takes
from sendkit.outbox._fence import Ledger, Mark, Takeover, marks, takeovers
from sendkit.outbox._ledger import Database
from sendkit.outbox._place import place_of
from sendkit.outbox._postgres_texts import POSTGRES
from sendkit.outbox._rules import Fenced
from sendkit.outbox._statements import Statement, Texts, carry_out


def message() -> Message:
    return Message(sender="ana@example.com", to="luis@example.com", subject="Hola", text="x")


class _Racer:
    """Two connections to one outbox, for steps that are to meet."""

    def __init__(self, url: str, texts: Texts) -> None:
        self.texts = texts
        self.one, self.other = place_of(url).open(), place_of(url).open()

    def ledger(self, database: Database) -> Ledger:
        return Ledger(self.texts, database.now)

    def claim(self, owner: str) -> tuple[int, int]:
        with self.one.transaction():
            (taken,) = carry_out(takes(self.ledger(self.one), [Take(owner, 1, ("test",))]), self.one.execute)
        return taken.claims[0].id, taken.claims[0].token

    def race(self, number: int, token: int) -> tuple[bool, int]:
        """Mark and take over at the same moment; whether the mark was given, and how many were put in doubt."""
        barrier, marked = threading.Barrier(2), list[bool]()

        def mark() -> None:
            with self.one.transaction():
                barrier.wait()
                (found,) = carry_out(marks(self.ledger(self.one), [Mark(number, token, (0,))]), self.one.execute)
            marked.append(not isinstance(found, Fenced))

        thread = threading.Thread(target=mark)
        thread.start()
        with self.other.transaction():
            barrier.wait()
            carry_out(takeovers(self.ledger(self.other), [Takeover("worker")]), self.other.execute)
        thread.join()
        with self.other.snapshot():
            sql = "select count(*) from sendkit_recipient where letter_id = $1 and state = 'in_doubt'"
            ((doubt,),) = self.other.execute((Statement(sql, (number,)),))[0]
        return marked[0], doubt

    def close(self) -> None:
        self.one.close()
        self.other.close()


UNLOCKED = replace(POSTGRES, lock=POSTGRES.lock.replace("for update", ""))


def races(url: str, texts: Texts, times: int) -> Counter[str]:
    """Race so many times; `wrong`: a mark was given, and the takeover did not see it."""
    found: Counter[str] = Counter()
    racer = _Racer(url, texts)
    try:
        with Outbox(url, account="test") as outbox:
            list(outbox.put_many(message() for _ in range(times)))
        for _ in range(times):
            number, token = racer.claim("worker")
            marked, doubt = racer.race(number, token)
            found["wrong"] += marked is not bool(doubt)
            found["marked" if marked else "fenced"] += 1
    finally:
        racer.close()
    return found


def test_a_mark_and_a_takeover_that_meet_never_miss_each_other(postgresql: str) -> None:
    assert races(postgresql, POSTGRES, 100)["wrong"] == 0


def test_the_race_finds_a_ledger_without_the_lock(postgresql: str) -> None:
    found: Counter[str] = Counter()
    for _ in range(20):  # until they have met once
        found += races(postgresql, UNLOCKED, 50)
        if found["wrong"]:
            return
    pytest.fail(f"not found in {found}")


@pytest.mark.nightly
def test_five_thousand_races(postgresql: str) -> None:
    found = races(postgresql, POSTGRES, 5_000)
    assert found["wrong"] == 0
    assert found["marked"] > 100
    assert found["fenced"] > 100
