"""Tables of what was measured, in Markdown: medians, and ratios to the baseline of the same round."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.works import ATTACHMENT_OCTETS, Goal, Measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.throughput import Outcome, Run

ROUND_TRIP = 0.05


@dataclass(frozen=True, slots=True)
class Row:
    """One client in one work: medians of its runs, for one message where not said otherwise.

    `ratio` is how many times as fast as the baseline it is: the median over the rounds, with the lowest and highest.
    `growth` is in MB, `round_trips` as they were counted on the link, `elapsed` the time in round trips of 50 ms.
    """

    client: str
    seconds: float
    cpu: float
    cpu_ratio: float | None
    growth: float
    round_trips: float
    ratio: float | None
    lowest: float
    highest: float

    @property
    def elapsed(self) -> float:
        return self.seconds / ROUND_TRIP


def rows(outcome: Outcome) -> list[Row]:
    """A row for each client that did the work, in the order in which they are named."""
    return [_row(outcome, client) for client in outcome.work.clients if client in outcome.runs]


def part_of(outcome: Outcome, client: str, other: str) -> float:
    """How fast a client is by CPU, as a part of another one: the median over the rounds."""
    pairs = zip(outcome.runs.get(other, []), outcome.runs[client], strict=False)
    return median([theirs.cpu / ours.cpu for theirs, ours in pairs] or [0.0])


def row_of(outcome: Outcome, client: str) -> Row | None:
    """The row of one client."""
    return next((row for row in rows(outcome) if row.client == client), None)


def _row(outcome: Outcome, client: str) -> Row:
    runs, count = outcome.runs[client], outcome.job["messages"]

    def middle(figure: Callable[[Run], float]) -> float:
        return median(figure(run) for run in runs)

    pairs = list(zip(outcome.runs.get(outcome.work.baseline, []), runs, strict=False))
    ratios = [theirs.seconds / ours.seconds for theirs, ours in pairs]
    return Row(
        client=client,
        seconds=middle(lambda run: run.seconds) / count,
        cpu=middle(lambda run: run.cpu) / count,
        cpu_ratio=median(theirs.cpu / ours.cpu for theirs, ours in pairs) if pairs else None,
        growth=middle(lambda run: run.growth) * 1024 / 1e6,
        round_trips=middle(lambda run: run.round_trips) / count,
        ratio=median(ratios) if ratios else None,
        lowest=min(ratios, default=0),
        highest=max(ratios, default=0),
    )


def table(outcome: Outcome) -> str:
    """The work as a heading, a table, and a line for each client that could not do it."""
    work, job = outcome.work, outcome.job
    columns = _COLUMNS[work.measure]
    lines = [
        f"### {work.key}: {work.title.format(**job)}",
        "",
        "| client | " + " | ".join([*columns, "wanted"]) + " |",
        "|---" * (len(columns) + 2) + "|",
    ]
    for row in rows(outcome):
        goal = goal_of(outcome, row) if row.client in work.goals else ""
        lines.append("| " + " | ".join([row.client, *(show(row) for show in columns.values()), goal]) + " |")
    lines += [f"\n{client}: left out, {reason}" for client, reason in outcome.unable.items()]
    return "\n".join(lines) + "\n"


def _times(row: Row) -> str:
    if row.ratio is None:
        return ""
    if row.lowest == row.highest:
        return f"{row.ratio:.2f} ×"
    return f"{row.ratio:.2f} × ({row.lowest:.2f} to {row.highest:.2f})"


_COLUMNS: dict[Measure, dict[str, Callable[[Row], str]]] = {
    Measure.SPEED: {
        "messages/s": lambda row: f"{1 / row.seconds:,.0f}",
        "ratio": _times,
        "CPU, µs each": lambda row: f"{row.cpu * 1e6:,.0f}",
        "ratio of CPU": lambda row: f"{row.cpu_ratio:.1f} ×" if row.cpu_ratio else "",
    },
    Measure.ROUND_TRIPS: {
        "round trips each, by time": lambda row: f"{row.elapsed:,.2f}",
        "as counted": lambda row: f"{row.round_trips:,.2f}",
        "ratio": _times,
    },
    Measure.VOLUME: {
        "MB/s": lambda row: f"{ATTACHMENT_OCTETS / row.seconds / 1e6:,.0f}",
        "ratio": _times,
        "memory grew by": lambda row: f"{row.growth:,.0f} MB, {row.growth * 1e6 / ATTACHMENT_OCTETS:.2f} attachments",
    },
    Measure.BUILDING: {"µs each": lambda row: f"{row.seconds * 1e6:,.0f}", "ratio": _times},
    Measure.MEMORY: {
        "messages/s": lambda row: f"{1 / row.seconds:,.0f}",
        "memory grew, once under way, by": lambda row: f"{row.growth:,.1f} MB",
    },
}


def goal_of(outcome: Outcome, row: Row) -> str:
    """What was wanted of this client, and whether it was reached."""
    judged = _judged(outcome, outcome.work.goals[row.client], row)
    return ", ".join(f"{text}: {'yes' if met else '**no**'}" for text, met in judged)


def _judged(outcome: Outcome, goal: Goal, row: Row) -> list[tuple[str, bool]]:
    work, judged = outcome.work, list[tuple[str, bool]]()
    if goal.ratio is not None:
        judged.append((f"{goal.ratio:g} ×", row.ratio is not None and row.ratio >= goal.ratio))
    if goal.cpu_ratio is not None:
        judged.append((f"{goal.cpu_ratio:g} × by CPU", row.cpu_ratio is not None and row.cpu_ratio >= goal.cpu_ratio))
    if goal.of is not None:
        other, enough = goal.of
        reached = part_of(outcome, row.client, other)
        judged.append((f"{enough:.0%} of {other} by CPU ({reached:.0%})", reached >= enough))
    if goal.round_trips is not None:
        judged.append((f"{goal.round_trips:g} at most", row.elapsed <= goal.round_trips))
    if goal.growth is not None and work.measure is Measure.VOLUME:
        judged.append((f"{goal.growth:g} attachments at most", row.growth * 1e6 <= goal.growth * ATTACHMENT_OCTETS))
    elif goal.growth is not None:
        judged.append((f"{goal.growth:g} MB at most", row.growth <= goal.growth))
    return judged


def machine(outcomes: list[Outcome]) -> str:
    """What ran on what: one line."""
    versions = {name: runs[0].version for outcome in outcomes for name, runs in outcome.runs.items() if runs[0].version}
    named = ", ".join(f"{name} {version}" for name, version in versions.items() if name == name.split()[0])
    return f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores; {named}."
