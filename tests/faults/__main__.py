"""`python -m tests.faults`: everything, in full, and one closing table.

`--matrix`, `--socks` and `--lmtp` (the matrix through a proxy, and over LMTP), `--cuts` and `--noise` choose; `--only
TEXT` keeps the scenarios whose name holds the text; `--workers` says how many processes play at a time (most of them
wait). Ends with 1 when anything was wrong, or nothing was played.
"""

# ruff: noqa: T201 - a command line prints
from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING

from tests.servers.proxies import microsocks

from .cases import SECTIONS, Case, check, prepare
from .checks import Count, Finding
from .play import PROXY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHOWN = 60


def main(arguments: list[str]) -> int:
    """Run what is asked for, print what was found and the table, and say whether all is well."""
    options = _options(arguments)
    sections = {
        name: list(_chosen(make(), options.only)) for name, make in SECTIONS.items() if name in options.sections
    }
    began = time.monotonic()
    with microsocks() if "socks" in sections else nullcontext(0) as proxy:
        os.environ[PROXY] = str(proxy)
        found = list(_run(list(chain.from_iterable(sections.values())), options.workers))
    _print_findings(found)
    tables = {name: _table(found, cases) for name, cases in sections.items()}
    _print_table(tables)
    played = sum(table["scenarios"] for table in tables.values())
    wrong = sum(table["scenarios"] - table["right"] for table in tables.values())
    print(f"{played} scenarios, {wrong} of them wrong, {time.monotonic() - began:.0f} s, {options.workers} processes")
    return int(wrong > 0 or played == 0)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    for name in SECTIONS:
        parser.add_argument(f"--{name}", dest="sections", action="append_const", const=name)
    parser.add_argument("--only", default="")
    parser.add_argument("--workers", type=int, default=4 * (os.cpu_count() or 1))
    options = parser.parse_args(arguments)
    options.sections = options.sections or list(SECTIONS)
    return options


def _chosen(cases: Iterator[Case], text: str) -> Iterator[Case]:
    return (case for case in cases if text in str(case))


def _run(cases: list[Case], workers: int) -> Iterator[tuple[Case, list[Finding]]]:
    # Spawned, since a process with threads may not be forked.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=prepare) as pool:
        for done, (case, findings) in enumerate(zip(cases, pool.map(check, cases, chunksize=20), strict=True), 1):
            yield case, findings
            if done % 1000 == 0:
                print(f"… {done} of {len(cases)}", file=sys.stderr, flush=True)


def _print_findings(found: Iterable[tuple[Case, list[Finding]]]) -> None:
    bad = [(case, findings) for case, findings in found if findings]
    for case, findings in bad[:_SHOWN]:
        print(case)
        for finding in findings:
            print(f"    {finding.count}: {finding.words}")
    if len(bad) > _SHOWN:
        print(f"… and {len(bad) - _SHOWN} more scenarios")


def _table(found: Iterable[tuple[Case, list[Finding]]], cases: list[Case]) -> Counter[str]:
    mine = set(cases)
    table: Counter[str] = Counter()
    for case, findings in found:
        if case in mine:
            table["scenarios"] += 1
            table["right"] += not findings
            table.update({finding.count for finding in findings})
    return table


def _print_table(tables: dict[str, Counter[str]]) -> None:
    columns = ("scenarios", "right", *Count)
    total: Counter[str] = sum(tables.values(), Counter())
    print("\n" + " ".join(f"{head:>10}" for head in ("", *columns)))
    for name, table in {**tables, "all": total}.items():
        print(" ".join([f"{name:>10}", *(f"{table[column]:>10}" for column in columns)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
