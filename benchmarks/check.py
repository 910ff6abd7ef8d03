"""`python -m benchmarks --check`: the cheap works once more, compared with the last run on the same kind of machine.

Compared is what a busy machine changes least: CPU against the baseline's in the same round, round trips as counted,
memory, and what a program pays once (`little`). Where the instructions of a message could be counted both times, they
are compared in place of CPU.
Must not know: how figures are measured or kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchmarks.instructions import INSTRUCTIONS
from benchmarks.little import IDLE, IMPORTS, RESULTS, START
from benchmarks.works import WORKS, Measure, Work

if TYPE_CHECKING:
    from benchmarks.log import Figures

# Two counts of the same differ by up to a tenth: a new second has a new Date, and a hash another order.
_MORE_INSTRUCTIONS = 1.3
_CHEAP = ("one", "build", "merge", "far", "far-pipelining", "crowd", "attachment")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of sendkit, now and then; `worse` by more than chance explains."""

    work: str
    client: str
    figure: str
    now: float
    then: float
    worse: bool

    def __str__(self) -> str:
        verdict = "WORSE" if self.worse else "ok"
        return f"{verdict:<6} {self.work:<15} {self.client:<22} {self.figure:<12} {self.now:>8.4g}  was {self.then:.4g}"


def cheap_works(*, counted: bool = False) -> list[Work]:
    """The works that take seconds, for sendkit alone, and for the baseline where ratios are compared.

    Where instructions were `counted`, nothing is left for CPU to tell.
    """
    wanted = [work for work in WORKS if work.key in _CHEAP and not (counted and _by_cpu(work))]
    return [replace(work, clients=_clients(work), rounds=min(work.rounds, 3)) for work in wanted]


def comparisons(now: Figures, then: Figures) -> Iterator[Comparison]:
    """Every figure that both runs have, in the order of the works, and then the instructions."""
    counted = list(_counted(now, then))
    for work in WORKS:
        if counted and _by_cpu(work):
            continue
        for client, ours in now.get(work.key, {}).items():
            theirs = then.get(work.key, {}).get(client)
            if client.startswith("sendkit") and theirs is not None:
                yield from _compared(work, client, ours, theirs)
    yield from counted
    for key, (name, times, more) in _PAID_ONCE.items():
        for client, figures in now.get(key, {}).items():
            if client in then.get(key, {}):
                ours, theirs = figures[name], then[key][client][name]
                yield Comparison(key, client, name, ours, theirs, ours > theirs * times + more)


def _counted(now: Figures, then: Figures) -> Iterator[Comparison]:
    """The instructions of a message, which no other load of the machine changes."""
    before = then.get(INSTRUCTIONS, {})
    for client, figures in now.get(INSTRUCTIONS, {}).items():
        if client in before:
            ours, theirs = figures[INSTRUCTIONS], before[client][INSTRUCTIONS]
            yield Comparison(INSTRUCTIONS, client, INSTRUCTIONS, ours, theirs, ours > theirs * _MORE_INSTRUCTIONS)


def _by_cpu(work: Work) -> bool:
    return _TOLERANCES[work.measure][0] == "cpu_ratio"


def _clients(work: Work) -> tuple[str, ...]:
    baseline = work.baseline if _by_cpu(work) else None
    return tuple(client for client in work.clients if client.startswith("sendkit") or client == baseline)


def _compared(work: Work, client: str, now: dict[str, Any], then: dict[str, Any]) -> Iterator[Comparison]:
    name, least, most = _TOLERANCES[work.measure]
    ours, theirs = now[name], then[name]
    if ours is not None and theirs is not None:
        worse = ours < theirs * least if most is None else ours > theirs * least + most
        yield Comparison(work.key, client, name, ours, theirs, worse)


# The figure, and where it is worse: below so many times what it was, or above that and so much more.
_TOLERANCES: dict[Measure, tuple[str, float, float | None]] = {
    Measure.SPEED: ("cpu_ratio", 0.75, None),
    Measure.BUILDING: ("cpu_ratio", 0.75, None),
    Measure.ROUND_TRIPS: ("round_trips", 1.05, 0.1),
    Measure.VOLUME: ("growth", 1.5, 2.0),
    Measure.MEMORY: ("growth", 1.5, 2.0),
}
# Likewise: worse is above so many times what it was, and so much more. A mailer's are pages of memory, over twenty.
_PAID_ONCE: dict[str, tuple[str, float, float]] = {
    START: ("ratio", 1.3, 0.0),
    IMPORTS: ("ratio", 1.3, 0.0),
    IDLE: ("octets", 1.5, 100_000.0),
    RESULTS: ("octets", 1.1, 0.0),
}
