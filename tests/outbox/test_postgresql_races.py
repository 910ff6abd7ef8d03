"""A mark and a takeover that meet on PostgreSQL: the lock of the letter's row lets neither miss the other."""

from __future__ import annotations

from collections import Counter

import pytest

from sendkit.outbox._postgres_texts import POSTGRES
from tests.outbox.races import UNLOCKED, races


def test_a_mark_and_a_takeover_that_meet_never_miss_each_other(postgresql: str) -> None:
    assert races(postgresql, POSTGRES, 100)["wrong"] == 0


def test_the_race_finds_a_ledger_without_the_lock(postgresql: str) -> None:
    found: Counter[str] = Counter()
    for _ in range(20):  # until they have met once
        found += races(postgresql, UNLOCKED, 50)
        if found["wrong"]:
            return
    pytest.fail(f"not found in {found}")


@pytest.mark.nightly
def test_five_thousand_races(postgresql: str) -> None:
    found = races(postgresql, POSTGRES, 5_000)
    assert found["wrong"] == 0
    assert found["marked"] > 100
    assert found["fenced"] > 100
