"""Three workers on PostgreSQL, killed at random, and servers with faults: every letter is accounted for."""

from __future__ import annotations

import pytest

from tests.outbox.kinds import Kind, prepared
from tests.outbox.soak import soak


@pytest.mark.parametrize("kind", [Kind.POSTGRESQL, Kind.PROCRASTINATE])
def test_workers_that_are_killed_lose_nothing(kind: Kind, postgresql: str) -> None:
    found = soak(prepared(kind, postgresql), kind, letters=100, seconds=4, seed=14)
    assert found.good, found
    assert found.kills


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_nor_in_two_minutes_and_five_thousand_letters(postgresql: str) -> None:
    found = soak(postgresql, Kind.POSTGRESQL, letters=5000, seconds=120, seed=5000)
    assert found.good, found
    assert found.kills >= 20
