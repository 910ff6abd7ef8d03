"""What the pytest plugin costs: `python -m benchmarks.plugin` prints a table; nothing is asserted about time.

Whole runs of pytest in interpreters of their own, in turns, and their CPU time: with the plugin and without it, and
with few and with many tests, of which the difference is what one more test costs. Medians over the rounds.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_ROOT = Path(__file__).resolve().parent.parent
_ROUNDS = 11
_FEW, _MANY = 10, 410
_CHILD = """
import os, sys, time
before = time.process_time_ns()
import pytest
code = pytest.main(sys.argv[1:])
sys.stderr.write(str(time.process_time_ns() - before))
sys.stderr.flush()
os._exit(int(code))
"""
_QUIET = ("-q", "-p", "no:cacheprovider", "--no-header", "--no-summary")
_PLUGIN = ("-p", "sendkit.testing.plugin")
_SEND = """
    sendkit.send(sendkit.Message(sender="a@example.com", to="b@example.com", subject="Welcome", text="Hello!"))
    mailbox.assert_sent(to="b@example.com", subject="Welcome", times=1)
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of test: what it is called in the table, its fixture, and its body."""

    name: str
    fixture: str
    body: str

    def file(self, count: int) -> str:
        """So many of them."""
        heads = f"import pytest, sendkit\n\n@pytest.mark.parametrize('number', range({count}))\n"
        return f"{heads}def test_it(number{self.fixture}):{self.body}\n"


EMPTY = Kind("a test that does nothing", "", " pass")
KINDS = (
    EMPTY,
    Kind("the same with `mailbox`", ", mailbox", " pass"),
    Kind("the same, which also sends a message and asserts on it", ", mailbox", _SEND),
)


def measure(rounds: int = _ROUNDS) -> tuple[float, float, dict[str, tuple[float, float]]]:
    """Milliseconds of a run without and with the plugin, and for each kind those of its first test and of one more."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        bare, loaded = [], []
        runs: dict[tuple[str, int], list[float]] = {(kind.name, n): [] for kind in KINDS for n in (_FEW, _MANY)}
        for turn in range(rounds + 1):  # the first one writes the bytecode
            for costs, plugin in ((bare, ()), (loaded, _PLUGIN)):
                cost = _run(place, "def test_it(): pass", *plugin)
                costs.extend([cost] * bool(turn))
            for kind in KINDS:
                for count in (_FEW, _MANY):
                    cost = _run(place, kind.file(count), *_PLUGIN)
                    runs[kind.name, count].extend([cost] * bool(turn))
    each: dict[str, tuple[float, float]] = {}
    for kind in KINDS:
        few, many = (median(runs[kind.name, count]) for count in (_FEW, _MANY))
        one_more = (many - few) / (_MANY - _FEW)
        each[kind.name] = (few - one_more * (_FEW - 1), one_more)
    return median(bare), median(a - b for a, b in zip(loaded, bare, strict=True)), each


def _run(folder: Path, text: str, *plugin: str) -> float:
    (folder / "test_it.py").write_text(text)
    command = [sys.executable, "-c", _CHILD, *_QUIET, *plugin, "--rootdir", str(folder), str(folder)]
    environ = {"PYTHONPATH": str(_ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True, text=True)
    return int(done.stderr) / 1e6


def table(bare: float, added: float, each: dict[str, tuple[float, float]]) -> str:
    """The result in Markdown."""
    lines = [
        "### the pytest plugin: CPU time",
        "",
        f"A run of one empty test takes {bare:.0f} ms; that the plugin is installed adds {added:.1f} ms (goal: 10).",
        "",
        "| | the first, with all that it loads, ms | one more, ms | more than nothing, ms | goal |",
        "|---" * 5 + "|",
    ]
    least = each[EMPTY.name][1]
    for name, (first, one_more) in each.items():
        goal = "2" if name != EMPTY.name else ""
        lines.append(f"| {name} | {first:.0f} | {one_more:.2f} | {one_more - least:.2f} | {goal} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure and print."""
    print(table(*measure()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
