"""A sample of the kill matrix: each stage and each commit once, in changing modes, for one recipient or several.

`python -m tests.outbox.kills` kills at each of them in each mode.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outbox.kills.case import Case, cases, play
from tests.outbox.kills.server import STAGES
from tests.outbox.kills.worker import FAULTS
from tests.outbox.kinds import Kind, prepared, soon_taken_over

MOMENTS = (*STAGES, *FAULTS)


def sample(offset: int) -> list[Case]:
    """One case for each moment, of another mode and with another number of recipients than at the moment before it."""
    of_each = [[case for case in cases(1) if case.stage == moment] for moment in MOMENTS]
    return [those[(number + offset) % len(those)] for number, those in enumerate(of_each)]


@pytest.mark.parametrize("case", sample(0), ids=str)
def test_a_kill_loses_nothing_and_sends_nothing_twice(case: Case, tmp_path: Path) -> None:
    found = play(case, str(tmp_path / "outbox.db"))
    assert found.good, found


@pytest.mark.parametrize("case", sample(1)[::2], ids=str)
def test_nor_does_one_on_postgresql(case: Case, postgresql: str) -> None:
    with soon_taken_over():
        found = play(case, postgresql, Kind.POSTGRESQL)
    assert found.good, found


@pytest.mark.parametrize("case", sample(3)[1::2], ids=str)
def test_nor_does_one_with_procrastinate(case: Case, postgresql: str) -> None:
    with soon_taken_over():
        found = play(case, prepared(Kind.PROCRASTINATE, postgresql), Kind.PROCRASTINATE)
    assert found.good, found
