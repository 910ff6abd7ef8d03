"""A mark and a takeover that meet on PostgreSQL: `python -m tests.outbox.races` is 5,000 times, and the same unlocked.

With the lock of the letter's row neither misses the other: whatever was marked is in doubt after the takeover. Without
it (the mutant) some are missed, so the race is one that can be lost. It ends with 1 where either is not so.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections import Counter
from dataclasses import replace

from sendkit import Message, Outbox
from sendkit.outbox._claim import Take, takes
from sendkit.outbox._fence import Ledger, Mark, Takeover, marks, takeovers
from sendkit.outbox._ledger import Database, commit_at_once
from sendkit.outbox._place import place_of
from sendkit.outbox._postgres_texts import POSTGRES
from sendkit.outbox._rules import Fenced
from sendkit.outbox._statements import Progress, Statement, Texts, carry_out
from tests.servers.postgresql import PostgreSQL


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
        """Mark and take over at the same moment; whether the mark was given, and how many were put in doubt.

        Half of the marks are made as a worker makes them, committed in the same round trip; half one by one.
        """
        barrier, marked = threading.Barrier(2), list[bool]()

        def mark() -> None:
            work = Progress(marks(self.ledger(self.one), [Mark(number, token, (0,))]))
            if number % 2:
                barrier.wait()
                commit_at_once([work], self.one, durable=False)
            with self.one.transaction():
                if not number % 2:
                    barrier.wait()
                (found,) = work.to_the_end(self.one.execute)
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


UNLOCKED = replace(
    POSTGRES,
    lock=POSTGRES.lock.replace("for update", ""),
    lock_alone=str(POSTGRES.lock_alone).replace("for update", ""),
)


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


def main() -> int:
    """Race with the lock, and without it, on a PostgreSQL of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.outbox.races")
    parser.add_argument("--times", type=int, default=5000)
    options = parser.parse_args()
    if (why := PostgreSQL.missing()) is not None:
        sys.exit(why)
    server = PostgreSQL()
    try:
        locked = races(server.new_database(), POSTGRES, options.times)
        sys.stdout.write(f"with the lock: {_text(locked)}\n")
        mutant = races(server.new_database(), UNLOCKED, options.times)
        sys.stdout.write(f"without it, the mutant: {_text(mutant)}\n")
    finally:
        server.close()
    return 1 if locked["wrong"] or not mutant["wrong"] else 0


def _text(found: Counter[str]) -> str:
    return f"{found['marked'] + found['fenced']} races, {', '.join(f'{found[word]} {word}' for word in _WORDS)}"


_WORDS = ("marked", "fenced", "wrong")

if __name__ == "__main__":
    sys.exit(main())
