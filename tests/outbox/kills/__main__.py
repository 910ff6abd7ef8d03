"""The whole kill matrix: `python -m tests.outbox.kills`; it ends with 1 where anything was found.

By default on SQLite, in a new file for each case. An URL with {n} in it names another database for each.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.outbox.kills.case import Case, Finding, cases, play


def main() -> int:
    """Play all cases, and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.outbox.kills")
    parser.add_argument("--repeats", type=int, default=8, help="how often each (default: 8, which makes 544 kills)")
    parser.add_argument("--outbox", help="where: a URL with {n} in it (default: SQLite files)")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 2, help="how many at the same time")
    options = parser.parse_args()
    chosen = [case for case in cases(options.repeats) if options.only in str(case)]
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.at_once) as pool:

        def played(entry: tuple[int, Case]) -> Finding:
            number, case = entry
            where = options.outbox.format(n=number) if options.outbox else str(Path(folder) / str(number) / "outbox.db")
            return play(case, where)

        for case, found in zip(chosen, pool.map(played, enumerate(chosen)), strict=True):
            total["kills"] += found.killed
            total["bad"] += not found.good
            total["lost"] += len(found.lost)
            total["twice"] += len(found.twice)
            total["in doubt"] += found.in_doubt
            if not found.good:
                print(f"{case}: BAD {found}", flush=True)
    print(", ".join(f"{total[word]} {word}" for word in ("kills", "lost", "twice", "in doubt", "bad")))
    return 1 if total["bad"] or not total["kills"] else 0


if __name__ == "__main__":
    sys.exit(main())
