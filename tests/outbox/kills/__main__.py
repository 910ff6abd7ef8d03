"""The whole kill matrix: `python -m tests.outbox.kills`; it ends with 1 where anything was found.

On SQLite, on PostgreSQL, and with procrastinate, each case in an empty database; it starts its own PostgreSQL.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.outbox.kills.case import Case, Finding, cases, play
from tests.outbox.kinds import Kind, Places, soon_taken_over
from tests.servers.postgresql import PostgreSQL


def main() -> int:
    """Play all cases, and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.outbox.kills")
    parser.add_argument("--repeats", type=int, default=3, help="how often each (default: 3, which makes 612 kills)")
    parser.add_argument("--on", type=Kind, action="append", choices=list(Kind), help="where (default: on each)")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 2, help="how many at the same time")
    options = parser.parse_args()
    kinds: list[Kind] = options.on or list(Kind)
    chosen = [case for case in cases(options.repeats) if options.only in str(case)]
    with tempfile.TemporaryDirectory() as folder, _server(kinds) as server, soon_taken_over():
        totals = [_played(kind, chosen, server, Path(folder) / kind, options.at_once) for kind in kinds]
    print(_text("in all", sum(totals, Counter[str]())))
    return 1 if any(total["bad"] or not total["kills"] for total in totals) else 0


@contextlib.contextmanager
def _server(kinds: list[Kind]) -> Iterator[PostgreSQL | None]:
    if kinds == [Kind.SQLITE]:
        yield None
        return
    if (why := PostgreSQL.missing()) is not None:
        sys.exit(f"{why}; or --on sqlite alone")
    server = PostgreSQL()
    try:
        yield server
    finally:
        server.close()


def _played(kind: Kind, chosen: list[Case], server: PostgreSQL | None, folder: Path, at_once: int) -> Counter[str]:
    total: Counter[str] = Counter()

    places = Places(kind, server, folder)

    def played(case: Case) -> Finding:
        with places.lent() as place:
            return play(case, place, kind)

    with ThreadPoolExecutor(at_once) as pool:
        for case, found in zip(chosen, pool.map(played, chosen), strict=True):
            total["kills"] += found.killed
            total["bad"] += not found.good
            total["lost"] += len(found.lost)
            total["twice"] += len(found.twice)
            total["in doubt"] += found.in_doubt
            if not found.good:
                print(f"{kind}: {case}: BAD {found}", flush=True)
    print(_text(kind, total), flush=True)
    return total


def _text(name: str, total: Counter[str]) -> str:
    words = ("kills", "lost", "twice", "in doubt", "bad")
    return f"{name}: {', '.join(f'{total[word]} {word}' for word in words)}"


if __name__ == "__main__":
    sys.exit(main())
