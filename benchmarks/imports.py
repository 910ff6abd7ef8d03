"""What it costs to import sendkit: `python -m benchmarks.imports` prints a table, and ends with 1 if it is too much.

Each statement runs in interpreters of its own, in turns with the others, and only the CPU time of the statement counts;
the ratio is the median over the rounds. On a busy machine two runs of the whole differ by about a tenth; the promises
leave more room than that.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.interpreter import environment

_ROOT = Path(__file__).resolve().parent.parent
_ROUNDS = 21
_CHILD = """
import sys, time
before = time.process_time_ns()
exec(sys.argv[1])
print(time.process_time_ns() - before, *sorted(set(sys.argv[2:]) & set(sys.modules)))
"""


@dataclass(frozen=True, slots=True)
class Promise:
    """`statement` costs at most `ratio` times what `yardstick` costs, and loads none of the modules in `unwanted`."""

    statement: str
    yardstick: str
    ratio: float
    unwanted: tuple[str, ...]


PROMISES = (
    Promise("import sendkit", "import smtplib", 1.0, ("pydantic", "aiosmtplib", "asyncio", "keyring")),
    Promise(
        "from sendkit import Mailer, Message",
        "import aiosmtplib; from pydantic import BaseModel",
        0.75,
        ("pydantic", "keyring", "tenacity", "idna", "aiosmtplib", "asyncio"),
    ),
)
OTHERS = ("import tenacity", "import keyring", "import idna")


@dataclass(frozen=True, slots=True)
class Kept:
    """How a promise was kept: the medians in milliseconds, the median of the ratios, and what it loaded besides."""

    promise: Promise
    ours: float
    theirs: float
    ratio: float
    loaded: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.ratio <= self.promise.ratio and not self.loaded


def measure(rounds: int = _ROUNDS, others: tuple[str, ...] = OTHERS) -> tuple[list[Kept], dict[str, float]]:
    """Whether each promise is kept, and the milliseconds of what sendkit loads only when it needs it."""
    statements = [side for promise in PROMISES for side in (promise.statement, promise.yardstick)] + [*others]
    for statement in statements:
        _run(statement)  # writes the bytecode
    costs: dict[str, list[float]] = {statement: [] for statement in statements}
    for _ in range(rounds):
        for statement in statements:
            costs[statement].append(_run(statement)[0])
    return [_judge(promise, costs) for promise in PROMISES], {other: median(costs[other]) for other in others}


def _judge(promise: Promise, costs: dict[str, list[float]]) -> Kept:
    ours, theirs = costs[promise.statement], costs[promise.yardstick]
    ratio = median(one / other for one, other in zip(ours, theirs, strict=True))
    return Kept(promise, median(ours), median(theirs), ratio, _run(promise.statement, *promise.unwanted)[1])


def _run(statement: str, *modules: str) -> tuple[float, tuple[str, ...]]:
    command = [sys.executable, "-c", _CHILD, statement, *modules]
    ran = subprocess.run(command, cwd=_ROOT, env=environment(), check=True, capture_output=True, text=True)
    said = ran.stdout.split()
    return int(said[0]) / 1e6, tuple(said[1:])


def table(kept: list[Kept], others: dict[str, float]) -> str:
    """The result in Markdown."""
    lines = ["### imports: CPU time", "", "| statement | ms | against | ms | ratio | wanted |", "|---" * 6 + "|"]
    for one in kept:
        promise = one.promise
        wanted = f"{promise.ratio:g} at most, without {', '.join(promise.unwanted)}: " + ("yes" if one else "**no**")
        sides = f"| `{promise.statement}` | {one.ours:.1f} | `{promise.yardstick}` | {one.theirs:.1f} "
        lines.append(f"{sides}| {one.ratio:.2f} | {wanted} |")
        if one.loaded:
            lines[-1] += f" loads {', '.join(one.loaded)}"
    loaded_late = ", ".join(f"`{statement}` {cost:.1f} ms" for statement, cost in others.items())
    return "\n".join([*lines, "", f"Loaded only when they are needed: {loaded_late}."]) + "\n"


def main() -> int:
    """Measure, print, and judge."""
    kept, others = measure()
    print(table(kept, others))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
