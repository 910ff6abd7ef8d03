"""Memory that stays: `python -m benchmarks.footprint` prints a table, and ends with 1 if it is too much.

Of a Mailer that nobody uses, by the operating system, over a process that has loaded all that a Mailer loads (what the
first one in a process loads is in the first row); and of results that a program keeps, by what Python has allocated for
them. Each in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.interpreter import environment

_ROOT = Path(__file__).resolve().parent.parent
_ROUNDS = 7
_IMPORT = "from sendkit import Mailer, MemoryTransport, Message\n"
_IDLE = f"""{_IMPORT}
import gc
from pathlib import Path
def resident():
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024
def idle():
    return Mailer("smtp.example.com", username="ana@example.com", password="a secret")
idle().close()  # loads what no import has loaded yet
before = resident()
mailers = [idle() for _ in range(20)]
print((resident() - before) // len(mailers))
"""
_FIRST = _IDLE.replace("idle().close()", "pass").replace("range(20)", "range(1)")
_RESULTS = f"""{_IMPORT}
import gc, tracemalloc
def message(n):
    return Message(sender="ana@example.com", to=f"luis{{n}}@example.com", subject=f"number {{n}}", text="a text")
with Mailer(transport=MemoryTransport()) as mailer:
    kept = [mailer.send(message(n)) for n in range(50)]
    mailer._core._plan.transport.sent.clear()
    tracemalloc.start()
    kept = [mailer.send(message(n)) for n in range(1000)]
    mailer._core._plan.transport.sent.clear()
    gc.collect()
    print(tracemalloc.get_traced_memory()[0] // len(kept))
"""


@dataclass(frozen=True, slots=True)
class Promise:
    """What `program` prints is at most so many octets (None: nothing is promised)."""

    what: str
    program: str
    most: int | None


IDLE = Promise("a Mailer that waits, over the import", _IDLE, 1 << 20)
RESULTS = Promise("a result, of 1,000 that are kept", _RESULTS, 2_000)
PROMISES = (Promise("what the first Mailer of a process loads", _FIRST, None), IDLE, RESULTS)


def measure(promise: Promise, processes: int = _ROUNDS) -> float:
    """Octets, the median of some processes."""
    command = [sys.executable, "-c", promise.program]
    run = partial(subprocess.run, command, cwd=_ROOT, env=environment(), check=True, capture_output=True, text=True)
    return median(int(run().stdout) for _ in range(processes))


def main() -> int:
    """Measure, print, and judge."""
    measured = [(promise, measure(promise)) for promise in PROMISES]
    print("### footprint: memory that stays\n\n| of | octets | wanted |\n|---|---|---|")
    for promise, octets in measured:
        wanted = ""
        if promise.most is not None:
            wanted = f"{promise.most:,} at most: " + ("yes" if octets <= promise.most else "**no**")
        print(f"| {promise.what} | {octets:,.0f} | {wanted} |")
    return int(any(promise.most is not None and octets > promise.most for promise, octets in measured))


if __name__ == "__main__":
    sys.exit(main())
