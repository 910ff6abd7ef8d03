"""The process that is killed: a worker on an outbox. `python -m tests.outbox.kills.worker KIND OUTBOX PORT FAULT NTH`.

FAULT is a moment around a commit at which it kills itself the nth time: before-mark, after-mark, and so on; or -.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sendkit import AsyncMailer, AsyncOutbox, RetryPolicy, Security, Server
from sendkit.outbox._place import place_of
from sendkit.outbox._statements import Batch, Rows
from tests.outbox.kinds import Kind, engine

COMMITS = ("claim", "mark", "settle")
FAULTS = tuple(f"{when}-{commit}" for commit in COMMITS for when in ("before", "after"))


def deadly(database: object, fault: str, nth: int) -> object:
    """The database, which kills this process before or after the nth commit of that kind."""
    when, _, commit = fault.partition("-")
    texts = database.texts  # type: ignore[attr-defined]  # whichever database it is
    sqls = {
        "claim": {texts.claim},
        "mark": {texts.mark, texts.mark_swiftly},
        "settle": {texts.change_letters, *texts.accept},
    }[commit]
    execute, transaction = database.execute, database.transaction  # type: ignore[attr-defined]  # as above
    state = {"seen": 0, "met": False}

    def watched(batch: Batch) -> list[Rows]:
        state["met"] = state["met"] or any(statement.sql in sqls for statement in batch)
        rows: list[Rows] = execute(batch)
        return rows

    @contextmanager
    def ending(*, durable: bool = True) -> Iterator[None]:
        state["met"] = False
        with transaction(durable=durable):
            yield
            state["seen"] += state["met"]
            if when == "before" and state["met"] and state["seen"] == nth:
                os.kill(os.getpid(), signal.SIGKILL)
        if state["met"] and state["seen"] == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    def commit(batch: Batch, *, durable: bool = True) -> list[Rows]:  # so that there is a moment before it
        with ending(durable=durable):
            return watched(batch)

    database.execute, database.transaction, database.commit = watched, ending, commit  # type: ignore[attr-defined]  # as above
    return database


async def main(kind: Kind, where: str, port: int, fault: str, nth: int) -> None:
    """Send until killed, or until nothing is left."""
    server = Server(host="127.0.0.1", port=port, security=Security.NONE)
    async with AsyncMailer(server, max_connections=2, retry=RetryPolicy(max_attempts=1)) as mailer:
        outbox = AsyncOutbox(where, engine=engine(kind, where))
        if fault != "-":
            opened = place_of(where).open
            outbox._core.writer._open_database = lambda: deadly(opened(), fault, nth)  # type: ignore[assignment,return-value]  # it is one
        async with outbox, outbox.worker(mailer, account="test", concurrency=6, schedule=[0.05]):
            print("begun", flush=True)
            while True:
                letters = (await outbox.counts()).letters
                if set(letters) - {"settled"} and not any(n for state, n in letters.items() if state != "settled"):
                    return
                await asyncio.sleep(0.02)


def run() -> None:
    """Read the command line, and send."""
    asyncio.run(main(Kind(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5])))


if __name__ == "__main__":
    run()
