"""What waits for an outbox: `python -m benchmarks.waiting` prints a table; nothing is asserted about time.

A claim of 16 letters alone and beside 100,000 that wait, and a put beside a worker in another process that is busy.
On SQLite, and on PostgreSQL where there is one, whose commits are on the disk.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

from benchmarks.clients.sendkit_ import message
from benchmarks.letter import letters
from sendkit import Outbox
from sendkit.outbox._claim import Take, takes
from sendkit.outbox._fence import Release, releases
from sendkit.outbox._ledger import How
from sendkit.outbox._statements import Statement, Work
from tests.servers.postgresql import PostgreSQL

_CLAIMED, _CLAIMS, _WAITING, _PUTS = 16, 60, 100_000, 300
_ROOT = Path(__file__).resolve().parent.parent
_BUSY = """
import sys
from sendkit import Mailer, MemoryTransport, Outbox
with Outbox(sys.argv[1], account="benchmark") as outbox, Mailer(transport=MemoryTransport()) as mailer:
    with outbox.worker(mailer, account="benchmark", finish=False):
        print("begun", flush=True)
        sys.stdin.readline()
"""
_COLUMNS = (
    "uid, key, account, lane, priority, state, due, expires, created, reverse_path, message_id, size, eight_bit, utf8, "
    "kind"
)
_NUMBERS = {
    "SQLite": f"with recursive n (i) as (select 1 union all select i + 1 from n where i < {_WAITING}) select i from n",
    "PostgreSQL": f"select i from generate_series(1, {_WAITING}) i",
}
# What waits is made by the database itself, from one letter that was put: behind all others, in their lane.
_SEED = f"""insert into sendkit_letter ({_COLUMNS})
select uid || n.i, {_COLUMNS.removeprefix("uid, ").replace("lane", "''").replace("priority", "9")}
from sendkit_letter cross join ({{numbers}}) n where lane = 'seed'"""


def main() -> None:
    """Measure, and print."""
    print(f"### A claim of {_CLAIMED} letters, and {_PUTS} puts beside a busy worker\n")
    print(f"| | a claim | beside {_WAITING:,} that wait | | put, median | p99 | |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        _row("SQLite", str(Path(folder) / "one.db"), str(Path(folder) / "two.db"))
    if (why := PostgreSQL.missing()) is not None:
        print(f"\nPostgreSQL: left out, {why}")
        return
    server = PostgreSQL(durable=True)
    try:
        _row("PostgreSQL", server.new_database(), server.new_database())
    finally:
        server.close()


def _row(name: str, for_claims: str, for_puts: str) -> None:
    few, many = _claims(name, for_claims)
    puts = _puts(for_puts)
    middle, late = median(puts), quantiles(puts, n=100)[98]
    print(
        f"| {name} | {few * 1e3:.1f} ms | {many * 1e3:.1f} ms | {many / few:.2f} × "
        f"| {middle * 1e3:.1f} ms | {late * 1e3:.1f} ms | {late / middle:.0f} × |",
        flush=True,
    )


def _claims(name: str, where: str) -> tuple[float, float]:
    with Outbox(where, account="benchmark") as outbox:
        for _ in outbox.put_many(map(message, letters(4 * _CLAIMED))):
            pass
        outbox.put(message(next(letters(1))), lane="seed")
        few = median(_claim(outbox) for _ in range(_CLAIMS))
        outbox._core.writer.call(_ask, _SEED.format(numbers=_NUMBERS[name]))
        many = median(_claim(outbox) for _ in range(_CLAIMS))
        return few, many


def _ask(_: object, items: list[str]) -> Work[list[None]]:
    for sql in items:
        yield (Statement(sql),)
    return [None] * len(items)


def _claim(outbox: Outbox) -> float:
    """Claim letters, and give them back; how long the claim took."""
    began = time.perf_counter()
    taken = outbox._core.writer.call(takes, Take("benchmark", _CLAIMED, ("benchmark",)), How.LIGHT)
    seconds = time.perf_counter() - began
    assert len(taken.claims) == _CLAIMED
    for claim in taken.claims:
        outbox._core.writer.call(releases, Release(claim.id, claim.token, 0))
    return seconds


def _puts(where: str) -> list[float]:
    with Outbox(where, account="benchmark") as outbox:
        for _ in outbox.put_many(map(message, letters(2000))):
            pass
        with _busy(where):
            return [_put(outbox, number) for number in range(_PUTS)]


def _put(outbox: Outbox, number: int) -> float:
    ready = message(next(letters(1, first=number)))
    began = time.perf_counter()
    outbox.put(ready)
    return time.perf_counter() - began


@contextmanager
def _busy(where: str) -> Iterator[None]:
    command = [sys.executable, "-c", _BUSY, where]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        yield
        worker.communicate(b"\n")


if __name__ == "__main__":
    main()
