"""The kill matrix once over: each stage and each commit, in each mode, for one recipient and several."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outbox.kills.case import Case, cases, play
from tests.outbox.kinds import Kind, prepared, soon_taken_over

ALL = list(cases(1))


@pytest.mark.parametrize("case", ALL, ids=str)
def test_a_kill_loses_nothing_and_sends_nothing_twice(case: Case, tmp_path: Path) -> None:
    found = play(case, str(tmp_path / "outbox.db"))
    assert found.good, found


@pytest.mark.parametrize("case", ALL[2::4], ids=str)
def test_nor_does_one_on_postgresql(case: Case, postgresql: str) -> None:
    with soon_taken_over():
        found = play(case, postgresql, Kind.POSTGRESQL)
    assert found.good, found


@pytest.mark.parametrize("case", ALL[1::4], ids=str)
def test_nor_does_one_with_procrastinate(case: Case, postgresql: str) -> None:
    with soon_taken_over():
        found = play(case, prepared(Kind.PROCRASTINATE, postgresql), Kind.PROCRASTINATE)
    assert found.good, found
