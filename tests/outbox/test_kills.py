"""A sample of the kill matrix: each stage and each commit once, spread over the modes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outbox.kills.case import Case, cases, play

ALL = list(cases(1))


@pytest.mark.parametrize("case", ALL[::4] + ALL[1::8], ids=str)
def test_a_kill_loses_nothing_and_sends_nothing_twice(case: Case, tmp_path: Path) -> None:
    found = play(case, str(tmp_path / "outbox.db"))
    assert found.good, found
