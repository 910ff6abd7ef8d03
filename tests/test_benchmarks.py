"""The log of benchmark runs can be read again, and a check finds what became worse, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks import lazy, log
from benchmarks.check import cheap_works, comparisons
from benchmarks.instructions import INSTRUCTIONS
from benchmarks.little import IDLE, IMPORTS, RESULTS, START
from benchmarks.report import goal_of, part_of, rows
from benchmarks.throughput import Outcome, Run
from benchmarks.works import WORKS

BUILT = ("build", "merge")
HERE = log.kind_of_machine()


def outcome(key: str, **cpu: float) -> Outcome:
    """A work that was done in so many seconds of CPU by each client, twice."""
    work = next(work for work in WORKS if work.key == key)
    made = Outcome(work, {"messages": 10})
    for client, seconds in cpu.items():
        run = Run(seconds=seconds * 2, cpu=seconds, growth=1.0, round_trips=10, version="1.2")
        made.runs[client] = [run, run]
    return made


def entry(date: str = "2026-11-30T08:00:00+00:00", **cpu: float) -> log.Entry:
    """A run of the work `one` at that time, on this machine."""
    return replace(log.entry_of("run", [outcome("one", **cpu)]), date=date)


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = entry(sendkit=1.0, aiosmtplib=9.5)
    path = log.write(written, tmp_path)
    assert path.name == "2026-11-30T080000-run.json"
    assert [*log.entries(tmp_path)] == [written]
    assert written.figures["one"]["sendkit"]["cpu_ratio"] == 9.5
    assert written.figures["one"]["sendkit"]["version"] == "1.2"


def test_the_last_run_is_the_latest_of_that_kind_of_machine_that_was_not_worse(tmp_path: Path) -> None:
    good = entry("2026-11-28T08:00:00+00:00", sendkit=1.0)
    log.write(good, tmp_path)
    log.write(replace(entry("2026-11-29T08:00:00+00:00"), machine={**HERE, "cores": 99}), tmp_path)
    log.write(replace(entry("2026-11-30T08:00:00+00:00"), worse=("one: sendkit",)), tmp_path)
    assert log.last(HERE, tmp_path) == {"one": good}
    assert log.last({**HERE, "cores": 98}, tmp_path) == {}


def test_a_later_run_of_one_work_hides_none_of_the_others(tmp_path: Path) -> None:
    both = replace(log.entry_of("run", [outcome("one", sendkit=1.0), outcome("far", sendkit=1.0)]), date="2026-11-28")
    one = entry("2026-11-29T08:00:00+00:00", sendkit=1.0)
    for run in (both, one):
        log.write(run, tmp_path)
    assert log.last(HERE, tmp_path) == {"one": one, "far": both}


@pytest.mark.parametrize(("seconds", "worse"), [(1.0, False), (1.3, False), (1.4, True), (0.5, False)])
def test_worse_is_more_than_chance_explains(seconds: float, worse: bool) -> None:
    then, now = entry(sendkit=1.0, aiosmtplib=10.0), entry(sendkit=seconds, aiosmtplib=10.0)
    (compared,) = comparisons(now.figures, then.figures)
    assert (compared.client, compared.worse) == ("sendkit", worse)
    assert str(compared).startswith("WORSE" if worse else "ok")


def test_more_round_trips_are_worse() -> None:
    then = log.entry_of("run", [outcome("far", sendkit=1.0)]).figures
    now = {"far": {"sendkit": {**then["far"]["sendkit"], "round_trips": 2.0}}}
    assert [compared.worse for compared in comparisons(now, then)] == [True]
    assert [compared.worse for compared in comparisons(then, then)] == [False]


@pytest.mark.parametrize(("now", "worse"), [(129.0, False), (131.0, True), (50.0, False)])
def test_a_third_more_instructions_are_worse(now: float, worse: bool) -> None:
    then, found = ({INSTRUCTIONS: {"sendkit send": {INSTRUCTIONS: count}}} for count in (100.0, now))
    assert [compared.worse for compared in comparisons(found, then)] == [worse]


@pytest.mark.parametrize(
    ("work", "figure", "enough", "too_much"),
    [
        (START, "ratio", 1.29, 1.31),
        (IMPORTS, "ratio", 1.29, 1.31),
        (RESULTS, "octets", 1.09, 1.11),
        (IDLE, "octets", 1e5, 2e5),
    ],
)
def test_what_a_program_pays_once_is_compared_too(work: str, figure: str, enough: float, too_much: float) -> None:
    then, fine, bad = ({work: {"it": {figure: value}}} for value in (1.0, enough, too_much))
    assert [each.worse for now in (fine, bad) for each in comparisons(now, then)] == [False, True]
    assert list(comparisons(bad, {})) == []  # a run from before it was measured


def test_instructions_are_compared_in_place_of_cpu_where_both_runs_have_them() -> None:
    then, now = entry(sendkit=1.0, aiosmtplib=10.0).figures, entry(sendkit=9.0, aiosmtplib=10.0).figures
    for figures in (then, now):
        figures[INSTRUCTIONS] = {"sendkit": {INSTRUCTIONS: 100.0}}
    assert [(compared.figure, compared.worse) for compared in comparisons(now, then)] == [(INSTRUCTIONS, False)]


def test_a_client_may_be_wanted_as_fast_as_a_part_of_another() -> None:
    done = outcome("one", **{"sendkit": 1.0, "sendkit sync": 1.25, "aiosmtplib": 12.0})
    assert part_of(done, "sendkit sync", "sendkit") == 0.8
    assert goal_of(done, rows(done)[1]) == "90% of sendkit by CPU (80%): **no**"


def test_the_cheap_works_are_of_sendkit_and_of_whom_it_is_compared_with() -> None:
    for work in cheap_works():
        assert all(client.startswith("sendkit") or client == work.baseline for client in work.clients)
    assert {work.key for work in cheap_works()} - {work.key for work in cheap_works(counted=True)} == {"one", *BUILT}


def test_every_run_in_the_log_can_be_read() -> None:
    assert len([*log.entries()]) == len([*log.FOLDER.glob("*.json")])


def test_the_page_of_imports_inside_functions_has_each_of_them_with_its_reason_and_no_other() -> None:
    def known(module: str, loads: str) -> tuple[str, str]:
        package = loads.partition(".")[0]  # where it is not installed, nobody knows what is a module of it
        return module, loads if find_spec(package) is not None else package

    found = [*lazy.found()]
    here = {known(one.module, one.loads) for one in found}
    page = {known(*row) for row in lazy.listed()}
    missing, gone = sorted(here - page), sorted(page - here)
    assert (missing, gone) == ([], []), "`python -m benchmarks.lazy` writes benchmarks/lazy.md again"
    assert [one for one in found if not one.reason] == []
