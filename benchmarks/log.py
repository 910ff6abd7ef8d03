"""The log of runs: benchmarks/results/, a JSON file each, with the date, the machine and the figures of each client.

Figures are for one message: `seconds` and `cpu` (seconds of CPU), `growth` (memory, MB), `round_trips` as counted on
the link, `ratio` and `cpu_ratio` (how many times as fast as the baseline of the work). Ratios compare from machine to
machine; the rest only on machines of one kind. Must not know: how figures are measured.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from benchmarks.throughput import Outcome

FOLDER = Path(__file__).parent / "results"
_VERSION = 1
_FIGURES = ("seconds", "cpu", "ratio", "cpu_ratio", "growth", "round_trips")
Figures = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One run: how it was asked for, when, on which kind of machine, and its figures by work and client."""

    kind: str
    date: str
    machine: Mapping[str, str | int]
    figures: Figures
    worse: tuple[str, ...] = ()


def kind_of_machine() -> dict[str, str | int]:
    """What must be the same for two runs to be comparable."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def entry_of(kind: str, outcomes: Iterable[Outcome]) -> Entry:
    """A run that has just ended."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Entry(kind, now, kind_of_machine(), {outcome.work.key: _figures(outcome) for outcome in outcomes})


def write(entry: Entry, folder: Path = FOLDER) -> Path:
    """Add a run to the log."""
    folder.mkdir(exist_ok=True)
    name = f"{entry.date:.19}-{entry.kind}.json".replace(":", "")
    content = {"version": _VERSION, **{name: getattr(entry, name) for name in Entry.__slots__}}
    (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return folder / name


def entries(folder: Path = FOLDER) -> Iterator[Entry]:
    """All runs that can be read, the last one first."""
    for path in sorted(folder.glob("*.json"), reverse=True):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("version") == _VERSION:
            yield Entry(**{**content, "worse": tuple(content["worse"])})


def last(machine: Mapping[str, str | int], folder: Path = FOLDER) -> dict[str, Entry]:
    """For each work, the last run of it on that kind of machine that was not found to be worse than one before it."""
    good = [entry for entry in entries(folder) if entry.machine == machine and not entry.worse]
    return {work: entry for entry in reversed(good) for work in entry.figures}


def _figures(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {
        row.client: {name: _short(getattr(row, name)) for name in _FIGURES} | {"version": _version(outcome, row.client)}
        for row in rows(outcome)
    }


def _short(figure: float | None) -> float | None:
    return None if figure is None else float(f"{figure:.4g}")


def _version(outcome: Outcome, client: str) -> str:
    return outcome.runs[client][0].version


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "unknown")
