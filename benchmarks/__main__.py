"""Everything in one command: `python -m benchmarks [--quick | --check] [WORK…]`, from the top of the repository.

Installs the peers into benchmarks/.cache, does the works, prints the tables, logs the figures in benchmarks/results/,
and after a whole run without `--quick` writes results.md and results.svg. Needs node for the server. Ends with 0
whatever the figures are. `--check` does the cheap works in some two minutes, compares them with the last run on the
same kind of machine, and ends with 1 when something became worse.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import little, log
from benchmarks.check import cheap_works, comparisons
from benchmarks.install import ROOT, Installation, install
from benchmarks.instructions import INSTRUCTIONS, figures
from benchmarks.picture import picture
from benchmarks.report import machine, table
from benchmarks.throughput import Outcome, measure
from benchmarks.works import WORKS, Work

_HERE = Path(__file__).parent
_SCRIPTS = ("imports", "cold_start", "footprint", "addresses", "plugin", "waiting")
_HEAD = """\
# What sendkit costs, beside its peers

Made by `python -m benchmarks` on {day}. {machine}

Only ratios count: every client does the same work in a process of its own, in turns with the others, and the ratio is
the median over the rounds of its time against aiosmtplib's in the same round (in brackets the lowest and the highest).
STARTTLS and AUTH always. The server is [a sink in node](sink.mjs); *ceiling* is a bare socket that replays prepared
octets to it, which shows that the server is not the limit. The link is [a proxy](link.py) that passes every byte on
25 ms later; round trips *by time* are the time in units of 50 ms, CPU time of the client included, *as counted* are
answers that reached a client after it spoke (bursts, where one writes ahead). A TCP handshake cannot be made late on
loopback, so connecting counts one round trip too few for everybody. red-mail and python-emails check no certificate,
and yagmail logs in for each message.

![The most telling ones](results.svg)

"""


def main(arguments: list[str]) -> int:
    """Install, do the works, and write down what came out."""
    if "--check" in arguments:
        return _check()
    quick, keys = "--quick" in arguments, [word for word in arguments if not word.startswith("-")]
    unknown = set(keys) - {work.key for work in WORKS} - set(_SCRIPTS)
    if unknown:
        print(f"no such work: {', '.join(sorted(unknown))}; there are {', '.join(_SCRIPTS)}", end=", ", file=sys.stderr)
        print(", ".join(work.key for work in WORKS), file=sys.stderr)
        return 2
    installed = install()
    tables = [_script(installed, name) for name in _SCRIPTS if not keys or name in keys]
    outcomes = _works(installed, [work for work in WORKS if not keys or work.key in keys], quick=quick)
    tables += map(table, outcomes)
    if outcomes:
        entry = log.entry_of("quick" if quick else "run", outcomes)
        if not quick and not keys:
            entry.figures.update({**figures(installed), **little.figures(installed)})
        print(f"logged in {log.write(entry)}")
    if outcomes and not quick and not keys:
        head = _HEAD.format(day=f"{datetime.now(UTC):%d %B %Y}", machine=machine(outcomes))
        (_HERE / "results.md").write_text(head + "\n".join(tables), encoding="utf-8")
        (_HERE / "results.svg").write_text(picture(outcomes), encoding="utf-8")
    return 0


def _check() -> int:
    """Compare the cheap works with the last run on the same kind of machine, and log them."""
    before = log.last(log.kind_of_machine())
    installed = install()
    # Where nothing can be compared with them, they would take a minute for nothing.
    counted = figures(installed) if INSTRUCTIONS in before or not before else {}
    outcomes = _works(installed, cheap_works(counted=bool(counted)), quick=True)
    entry = log.entry_of("check", outcomes)
    entry.figures.update({**counted, **little.figures(installed)})
    compared = list(comparisons(entry.figures, {work: run.figures[work] for work, run in before.items()}))
    worse = [each for each in compared if each.worse]
    if entry.figures:
        log.write(replace(entry, worse=tuple(f"{each.work}: {each.client}" for each in worse)))
    dates = sorted({before[each.work].date for each in compared})
    print(f"compared with {', '.join(dates)}:" if dates else "nothing to compare with on this kind of machine but this")
    print(*compared, sep="\n")
    return int(bool(worse))


def _script(installed: Installation, name: str) -> str:
    command = [str(installed.python), "-m", f"benchmarks.{name}"]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True, timeout=600)
    print(done.stdout, flush=True)
    return done.stdout.rstrip("\n") + "\n"


def _works(installed: Installation, works: list[Work], *, quick: bool) -> list[Outcome]:
    if installed.node is None:
        print(f"The works are skipped: the server needs node, and {installed.missing}.")
        return []
    outcomes: list[Outcome] = []
    for work in works:
        outcomes.append(measure(installed, work, quick=quick))
        print(table(outcomes[-1]), flush=True)
    return outcomes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
