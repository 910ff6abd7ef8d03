"""Every place that an outbox can be at: the laws of letters hold in each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sendkit import Mailer, MemoryTransport
from tests.servers.postgresql import PostgreSQL


@pytest.fixture
def postgresql(postgresql_server: PostgreSQL) -> str:
    """The URL of an empty PostgreSQL database."""
    return postgresql_server.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where an outbox is: a file, or a database of PostgreSQL."""
    if request.param == "sqlite":
        return tmp_path / "state" / "outbox.db"
    url: str = request.getfixturevalue("postgresql")
    return url


@pytest.fixture
def transport() -> MemoryTransport:
    """A double, over which `mailer` sends."""
    return MemoryTransport()


@pytest.fixture
def mailer(transport: MemoryTransport) -> Iterator[Mailer]:
    """What a worker of an outbox sends with."""
    with Mailer(transport=transport) as mailer:
        yield mailer
