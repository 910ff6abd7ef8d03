"""What the suite costs: `python -m tests.measure` runs it in each way that it must pass, and prints a table.

`one` process, `two` workers, `auto` (three for each core) with the report in a file, and `load`: the same beside eight
processes that compute, all of them under nice. `python -m tests.measure one load` does these alone; `-- ARGUMENTS` are
handed to pytest. `python -m tests.measure cost` runs it in one process, and prints the CPU of each file, that of its
subprocesses included. Run it on a quiet machine. Ends with 1 when a run failed.
"""

# ruff: noqa: T201 - a command line prints
from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
_WAYS: dict[str, tuple[str, ...]] = {
    "one": (),
    "two": ("-n", "2"),
    "auto": ("-n", "auto"),
    "load": ("-n", "auto"),
}
_LOAD = 8
_FILES = 40  # how many are shown


class Cost:
    """A plugin of pytest that counts the CPU of each file."""

    def __init__(self) -> None:
        self.files: Counter[str] = Counter()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Count one test."""
        before = _cpu()
        result: Any = yield
        self.files[item.nodeid.partition("::")[0]] += _cpu() - before
        return result

    def print(self) -> None:
        """The dearest files, in seconds."""
        for file, seconds in self.files.most_common(_FILES):
            print(f"{seconds:8.2f}  {file}")
        print(f"{self.files.total():8.2f}  in all")


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


@contextlib.contextmanager
def _busy(count: int) -> Iterator[None]:
    others = [subprocess.Popen(["nice", sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def _timed(way: str, arguments: list[str]) -> tuple[bool, str]:
    """Run the suite in one way: whether it passed, and a line that says how."""
    command = [sys.executable, "-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider", *_WAYS[way], *arguments]
    loaded = way == "load"
    before, began = _cpu(), time.monotonic()
    with tempfile.TemporaryFile("w+") as report, _busy(_LOAD if loaded else 0):
        ran = subprocess.run(
            ["nice", *command] if loaded else command, cwd=ROOT, stdout=report, stderr=report, check=False
        )
        took, cpu = time.monotonic() - began, _cpu() - before
        report.seek(0)
        said = report.read()
    if ran.returncode:
        print(said)
    closing = said.strip().rpartition("\n")[2]
    return ran.returncode == 0, f"{way:<6}{took:7.0f} s{'' if loaded else f'{cpu:7.0f} s of CPU'}  {closing}"


def main(arguments: list[str]) -> int:
    """Read the command line, and measure."""
    words, further = arguments, list[str]()
    if "--" in arguments:
        words, further = arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]
    if words == ["cost"]:
        cost = Cost()
        code = pytest.main(["-q", "-p", "no:cacheprovider", *further], plugins=[cost])
        cost.print()
        return int(code != 0)
    if unknown := set(words) - set(_WAYS):
        sys.exit(f"no such way: {', '.join(sorted(unknown))}; there are cost, {', '.join(_WAYS)}")
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    passed = True
    for way in words or _WAYS:
        good, line = _timed(way, further)
        passed = passed and good
        print(line, flush=True)
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
