"""What each import inside a function saves: `python -m benchmarks.lazy` writes `benchmarks/lazy.md`.

For each of them a fresh interpreter loads the file that it stands in, and then what the function would load; only the
CPU time of the second counts, as the median of some rounds. What waits for another reason than time (an extra, a
module of one operating system, a circle) says so in the comment beside it.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import sendkit
from benchmarks.interpreter import environment

_ROOT = Path(__file__).resolve().parent.parent
_PAGE = _ROOT / "benchmarks" / "lazy.md"
_ROUNDS = 3
_SAID = re.compile(r"PLC0415(?:\s+# pyright: ignore(?:\[\w+\])?)?\s+(?:- )?(.+)$")
_CHILD = """
import importlib, sys, time, warnings
warnings.simplefilter("ignore")
importlib.import_module(sys.argv[1])
before = time.process_time_ns()
try:
    importlib.import_module(sys.argv[2])
except ImportError:
    print(-1)
else:
    print(time.process_time_ns() - before)
"""
_OPENING = """# Imports inside functions

What each of them saves a program that does not need it, in milliseconds of CPU time, after the file that it stands in
was loaded. `python -m benchmarks.lazy` writes this page; the last column is the comment beside the import.

| file | imports | saves | since |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True, order=True)
class Lazy:
    """An import inside a function: the module that it stands in, what it loads, and why it waits."""

    module: str
    loads: str
    reason: str


def found() -> Iterator[Lazy]:
    """Each of them once."""
    package = Path(sendkit.__file__).parent
    for path in sorted(package.rglob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        module = ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
        reason = ""
        for node in _inside_functions(ast.parse("\n".join(lines))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            said = _SAID.search(" ".join(lines[node.lineno - 1 : node.end_lineno]))
            reason = said[1].split("    ")[0] if said and said[1] not in ("as above", "the same") else reason
            for name in names:
                whole = f"{name}.{node.names[0].name}" if isinstance(node, ast.ImportFrom) else name
                yield Lazy(module, whole if _is_module(whole) else name, reason)


def _inside_functions(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield node


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ImportError:
        return False
    except ValueError:  # it is loaded, and was made by another module
        return True


def listed() -> Iterator[tuple[str, str]]:
    """The rows of the page: the module that an import stands in, and what it loads."""
    for row in re.finditer(r"^\| `([^`]+)` \| `([^`]+)` \|", _PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        yield row[1], row[2]


def saved(one: Lazy) -> float | None:
    """Milliseconds; None where it is not installed."""
    command = [sys.executable, "-c", _CHILD, one.module, one.loads]
    times = [
        int(subprocess.run(command, capture_output=True, check=True, cwd=_ROOT, env=environment()).stdout)
        for _ in range(_ROUNDS)
    ]
    return None if min(times) < 0 else median(times) / 1e6


def main() -> None:
    """Measure, and write the page."""
    rows = []
    for one in sorted({(each.module, each.loads): each for each in found()}.values()):
        cost = saved(one)
        shown = "not installed" if cost is None else f"{cost:.1f} ms"
        rows.append(f"| `{one.module}` | `{one.loads}` | {shown} | {one.reason} |")
    _PAGE.write_text(_OPENING + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
