"""Two doubles on one clock, for the tests of failover."""

from __future__ import annotations

import pytest

from .backups import Named


@pytest.fixture
def primary() -> Named:
    return Named("primary")


@pytest.fixture
def backup(primary: Named) -> Named:
    return Named("backup", primary)
